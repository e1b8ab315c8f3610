//! The rules of a line.

use std::ops::RangeInclusive;

use governance_filter::record::{
    Delivery, HoldAsk, Intent, Kind, Outcome, OutcomeKind, ReceivedLine, hex, summary_digest,
};

use super::{Content, RECORD_BYTES_MAX, Reason, Summary, id_unix_ms, is_policy_version};

/// The filter sends 500 characters, of at most 4 bytes each; twice that is surely not its doing.
const SUMMARY_BYTES_MAX: usize = 4_000;

/// 2020-01-01: before UUIDv7 existed no id can have been made.
const ID_UNIX_MS_MIN: u64 = 1_577_836_800_000;

/// A gateway's clock may run ahead by a day.
const ID_AHEAD_MS_MAX: u64 = 86_400_000;

/// As many policies as a file can have, and no longer names.
const HOLD_POLICIES_MAX: usize = 500;
const POLICY_CHARACTERS_MAX: usize = 100;

/// A minute to 30 days, as `hold_ttl` can be.
const HOLD_TTL_S: RangeInclusive<u64> = 60..=2_592_000;

/// What a line says, or the rule that it breaks.
pub(super) fn check(
    received: &ReceivedLine<'_>,
    digest: &str,
    now: u64,
) -> Result<Content, Reason> {
    let json = received.record.get();
    if json.len() > RECORD_BYTES_MAX {
        return Err(Reason::Size);
    }
    if received.digest != digest {
        return Err(Reason::Digest);
    }
    let record = json.as_bytes().to_vec();
    match received.kind {
        Kind::Intent => {
            let intent: Intent = serde_json::from_str(json).map_err(|_| Reason::Record)?;
            check_head(intent.v, &intent.decision_id, &intent.policy_version, now)?;
            check_time(&intent.created_at)?;
            intent.hold.as_ref().map_or(Ok(()), check_hold)?;
            Ok(Content::Intent(Box::new(intent), record))
        }
        Kind::Outcome => {
            let outcome: Outcome = serde_json::from_str(json).map_err(|_| Reason::Record)?;
            check_head(outcome.v, &outcome.decision_id, &outcome.policy_version, now)?;
            check_time(&outcome.created_at)?;
            check_time(&outcome.requested_at)?;
            if outcome.outcome == OutcomeKind::Unknown {
                return Err(Reason::Outcome);
            }
            if outcome.review.as_ref().is_some_and(|review| id_unix_ms(review).is_none()) {
                return Err(Reason::Field);
            }
            let summary = check_summary(received, &outcome)?;
            Ok(Content::Outcome(Box::new(outcome), record, summary))
        }
        Kind::Delivery => {
            let delivery: Delivery = serde_json::from_str(json).map_err(|_| Reason::Record)?;
            check_head(delivery.v, &delivery.decision_id, &delivery.policy_version, now)?;
            check_time(&delivery.created_at)?;
            Ok(Content::Delivery(Box::new(delivery), record))
        }
    }
}

fn check_head(v: u32, id: &str, policy_version: &str, now: u64) -> Result<(), Reason> {
    if v != governance_filter::record::FORMAT {
        return Err(Reason::Version);
    }
    let made = id_unix_ms(id).ok_or(Reason::Id)?;
    if made < ID_UNIX_MS_MIN || made > now.saturating_add(ID_AHEAD_MS_MAX) {
        return Err(Reason::Id);
    }
    if is_policy_version(policy_version) { Ok(()) } else { Err(Reason::Field) }
}

fn check_time(text: &str) -> Result<(), Reason> {
    humantime::parse_rfc3339(text).map(|_| ()).map_err(|_| Reason::Field)
}

fn check_hold(hold: &HoldAsk) -> Result<(), Reason> {
    let named = |name: &String| !name.is_empty() && name.chars().count() <= POLICY_CHARACTERS_MAX;
    let few = (1..=HOLD_POLICIES_MAX).contains(&hold.policies.len());
    let good = few && hold.policies.iter().all(named) && HOLD_TTL_S.contains(&hold.ttl_s);
    if good { Ok(()) } else { Err(Reason::Field) }
}

fn check_summary(line: &ReceivedLine<'_>, outcome: &Outcome) -> Result<Option<Summary>, Reason> {
    let (output, input) = (&line.output_summary, &line.input_summary);
    let texts = [(output, &outcome.output_summary_digest), (input, &outcome.input_summary_digest)];
    let salt = match &line.summary_salt {
        None if texts == [(&None, &None); 2] => return Ok(None),
        None => return Err(Reason::Summary),
        Some(salt) => parse_salt(salt).ok_or(Reason::Summary)?,
    };
    let fits = |text: &String, digest: &String| {
        text.len() <= SUMMARY_BYTES_MAX && *digest == summary_digest(&salt, text)
    };
    let good = texts.iter().all(|pair| match pair {
        (Some(text), Some(digest)) => fits(text, digest),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    });
    // A salt alone belongs to nothing.
    if !good || output.as_ref().or(input.as_ref()).is_none() {
        return Err(Reason::Summary);
    }
    Ok(Some(Summary { output: output.clone(), input: input.clone(), salt }))
}

pub(super) fn parse_salt(text: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(text, 16).ok()?;
    let salt = number.to_be_bytes();
    // Only the one spelling: no sign, no capitals, no missing zeros.
    (hex(&salt) == text).then_some(salt)
}
