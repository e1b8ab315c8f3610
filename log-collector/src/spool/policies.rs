//! Policies in the spool: each that a gateway announced, and which Postgres has yet to hear of.

use std::time::{Duration, SystemTime};

use redb::{ReadableDatabase, ReadableTable};

use crate::spool::tables::{ANNOUNCEMENTS, POLICIES};
use crate::spool::{Spool, SpoolError};
use crate::store::policies::NewPolicy;

/// A policy as a gateway announced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// `sha256:` and the hex digest of `text`.
    pub version: String,
    /// governance.yml's exact bytes.
    pub text: Vec<u8>,
    /// What its author calls it.
    pub label: Option<String>,
    /// The commit it comes from.
    pub git_revision: Option<String>,
    /// Who runs it.
    pub gateway: Option<String>,
    /// When that gateway took it up, by its own clock.
    pub configured_at_unix_us: Option<u64>,
}

// === impl Spool ===

impl Spool {
    /// Keeps a policy. `pending`: Postgres does not have it and is told later, before any line.
    pub fn put_policy(&self, policy: &Announced, pending: bool) -> Result<(), SpoolError> {
        self.change(|tables| tables.put_policy(policy, pending))?;
        self.filled.notify_one();
        Ok(())
    }

    /// The first announcement that Postgres has not heard, with its number.
    pub fn first_announcement(&self) -> Result<Option<(u64, Announced)>, SpoolError> {
        let read = || -> Result<Option<(u64, Announced)>, redb::Error> {
            let tx = self.database.begin_read()?;
            let (announcements, policies) =
                (tx.open_table(ANNOUNCEMENTS)?, tx.open_table(POLICIES)?);
            let Some((number, announcement)) = announcements.first()? else { return Ok(None) };
            let (version, gateway, configured_at_unix_us) = announcement.value();
            let policy = policies.get(version)?;
            let policy = policy.as_ref().map(|policy| policy.value());
            let (text, label, git_revision) = policy.unwrap_or_default();
            let announced = Announced {
                version: version.to_owned(),
                text: text.to_vec(),
                label: label.map(str::to_owned),
                git_revision: git_revision.map(str::to_owned),
                gateway: gateway.map(str::to_owned),
                configured_at_unix_us,
            };
            Ok(Some((number.value(), announced)))
        };
        read().map_err(|error| self.failed(&error))
    }

    /// Takes out an announcement that Postgres has heard.
    pub fn remove_announcement(&self, number: u64) -> Result<(), SpoolError> {
        self.change(|tables| tables.remove_announcement(number))
    }

    /// Has Postgres told again of every policy: it has forgotten one.
    pub fn announce_all(&self) -> Result<(), SpoolError> {
        let read = || -> Result<Vec<Announced>, redb::Error> {
            let policies = self.database.begin_read()?.open_table(POLICIES)?;
            let rows = policies.iter()?.map(|row| {
                let (version, policy) = row?;
                let (text, label, git_revision) = policy.value();
                Ok(Announced {
                    version: version.value().to_owned(),
                    text: text.to_vec(),
                    label: label.map(str::to_owned),
                    git_revision: git_revision.map(str::to_owned),
                    gateway: None,
                    configured_at_unix_us: None,
                })
            });
            rows.collect()
        };
        let policies = read().map_err(|error| self.failed(&error))?;
        self.change(|tables| policies.iter().try_for_each(|policy| tables.put_policy(policy, true)))
    }
}

// === impl Announced ===

impl From<&NewPolicy<'_>> for Announced {
    fn from(policy: &NewPolicy<'_>) -> Announced {
        let since =
            policy.configured_at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        Announced {
            version: policy.version.to_owned(),
            text: policy.text.to_owned(),
            label: policy.label.clone(),
            git_revision: policy.git_revision.clone(),
            gateway: policy.gateway.clone(),
            configured_at_unix_us: since.and_then(|since| since.as_micros().try_into().ok()),
        }
    }
}

impl Announced {
    /// As the store takes it.
    pub fn policy(&self) -> NewPolicy<'_> {
        let at = |us| SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(us));
        NewPolicy {
            version: &self.version,
            text: &self.text,
            label: self.label.clone(),
            git_revision: self.git_revision.clone(),
            gateway: self.gateway.clone(),
            configured_at: self.configured_at_unix_us.and_then(at),
        }
    }
}
