//! The account under which Postgres runs when this program is root, and what it may reach.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::CliError;

/// An existing unprivileged account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The account to drop to: none where this process is not root and can simply stay itself.
pub(crate) fn unprivileged() -> Result<Option<Account>, CliError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let path = Path::new("/etc/passwd");
    let passwd = std::fs::read_to_string(path).map_err(CliError::file("read", path))?;
    match ["postgres", "nobody"].into_iter().find_map(|name| lookup(&passwd, name)) {
        Some(account) => Ok(Some(account)),
        None => Err(CliError::Missing {
            what: "an account `postgres` or `nobody`; Postgres refuses to run as root".into(),
            install: "useradd --system postgres".into(),
        }),
    }
}

impl Account {
    /// Whether this account can get into `folder`: every component must let it through.
    pub(crate) fn reaches(&self, folder: &Path) -> bool {
        folder.ancestors().filter(|part| part.exists()).all(|part| self.traverses(part))
    }

    fn traverses(&self, folder: &Path) -> bool {
        let Ok(metadata) = std::fs::metadata(folder) else { return false };
        let bit = if metadata.uid() == self.uid {
            0o100
        } else if metadata.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        metadata.mode() & bit != 0
    }
}

/// One line of passwd(5): `name:password:uid:gid:…`.
fn lookup(passwd: &str, name: &'static str) -> Option<Account> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let uid = fields.next()?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { name, uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_is_found_by_its_whole_name() {
        let passwd = "postgresql:x:7:8::/:/bin/sh\npostgres:x:101:104:,,,:/var/lib:/bin/bash\n";
        let found = lookup(passwd, "postgres");
        assert_eq!(found, Some(Account { name: "postgres", uid: 101, gid: 104 }));
        assert_eq!(lookup(passwd, "nobody"), None);
    }
}
