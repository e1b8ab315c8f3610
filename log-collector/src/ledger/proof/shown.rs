//! What a proof shows, as text for people: nothing that the checkpoint does not cover, and then
//! what no proof can tell.

use std::fmt;

use governance_filter::record::Outcome;

use super::Shown;
use crate::ledger::contents::{Content, Summaries};
use crate::ledger::note::VerifierKey;
use crate::ledger::trust::Signed;

const NOT_SHOWN: &str = "
It does not show that the file holds every record of the decision, that the checkpoint is the newest
one, or that what the gateway recorded is what the provider did. Whether the key is the ledger's is
for you to know.
";

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proof = self.proof;
        let plural = if proof.leaves.len() == 1 { "record" } else { "records" };
        let (count, id) = (proof.leaves.len(), plain(&proof.decision_id));
        writeln!(f, "true: {count} {plural} of decision {id} in the ledger\n")?;
        for (leaf, content) in proof.leaves.iter().zip(&self.contents) {
            let what = what(content);
            writeln!(f, "  leaf {:<9}  {:<12}  {what}", leaf.index, leaf.kind.as_str())?;
        }
        writeln!(f)?;
        // A late outcome is the true one; it stands behind the one that it replaces.
        let outcome = self.contents.iter().rev().find_map(Content::outcome);
        match outcome {
            Some(outcome) => write_outcome(f, outcome)?,
            None => {
                if let Some(Content::Intent(intent)) = self.contents.first() {
                    line(f, "model", &intent.model)?;
                    line(f, "input hash", &intent.input_hash)?;
                    line(f, "caller", intent.caller.as_deref().unwrap_or("unknown"))?;
                }
            }
        }
        self.write_summaries(f)?;
        for policy in &proof.policies {
            let text =
                format!("{} (leaf {}, its text is in the file)", policy.version, policy.index);
            line(f, "policy version", &text)?;
        }
        write_checkpoint(f, &self.signed)?;
        f.write_str(NOT_SHOWN)
    }
}

impl Shown<'_> {
    fn write_summaries(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (leaf, content) in self.proof.leaves.iter().zip(&self.contents) {
            let Some(outcome) = content.outcome() else { continue };
            let of =
                |which: fn(&Summaries) -> Option<&String>| leaf.summaries.as_ref().and_then(which);
            for (name, digest, text) in [
                ("output summary", &outcome.output_summary_digest, of(|s| s.output.as_ref())),
                ("input summary", &outcome.input_summary_digest, of(|s| s.input.as_ref())),
            ] {
                match (digest, text) {
                    (Some(_), Some(text)) => line(f, name, text)?,
                    (Some(_), None) => line(f, name, "not in the file; the record has its digest")?,
                    (None, _) => {}
                }
            }
        }
        Ok(())
    }
}

/// Which checkpoint, and how the trusted key leads to it.
pub(in crate::ledger) fn write_checkpoint(f: &mut impl fmt::Write, signed: &Signed) -> fmt::Result {
    let size = signed.checkpoint.size;
    let names = signed.keys.iter().map(VerifierKey::to_string).collect::<Vec<_>>();
    writeln!(f, "{:<16}of {size} leaves, signed by", "checkpoint")?;
    for (at, name) in names.iter().enumerate() {
        let role = match at {
            0 if names.len() == 1 => "",
            0 => "  (trusted; names the next)",
            _ if at + 1 == names.len() => "  (signed it)",
            _ => "  (names the next)",
        };
        writeln!(f, "                {name}{role}")?;
    }
    Ok(())
}

fn what(content: &Content) -> String {
    match content {
        Content::Intent(intent) => plain(&intent.created_at),
        Content::Outcome(o) => format!("{}  {}", plain(&o.created_at), o.outcome.as_str()),
        Content::Delivery(d) => {
            let word = serde_json::to_value(d.delivery).ok();
            let word = word.as_ref().and_then(|word| word.as_str()).unwrap_or_default();
            format!("{}  {word}", plain(&d.created_at))
        }
        Content::Erasure(e) => {
            let (at, by, why) = (plain(&e.erased_at), plain(&e.erased_by), plain(&e.reason));
            format!("{at}  summaries erased by {by}: {why}")
        }
        Content::Verdict(v) => {
            let (at, by, why) = (plain(&v.decided_at), plain(&v.reviewer), plain(&v.note));
            let said = format!("{at}  {} by {by}", v.verdict.as_str());
            if why.is_empty() { said } else { format!("{said}: {why}") }
        }
        Content::Policy(_) | Content::Observation(_) | Content::Key => String::new(),
    }
}

fn write_outcome(f: &mut fmt::Formatter<'_>, outcome: &Outcome) -> fmt::Result {
    line(f, "outcome", outcome.outcome.as_str())?;
    line(f, "time", &outcome.created_at)?;
    line(f, "model", &outcome.model)?;
    line(f, "provider", &outcome.provider)?;
    line(f, "caller", outcome.caller.as_deref().unwrap_or("unknown"))?;
    line(f, "input hash", &outcome.input_hash)?;
    for (name, words) in [("categories", &outcome.categories), ("actions", &outcome.actions)] {
        if !words.is_empty() {
            line(f, name, &words.join(", "))?;
        }
    }
    Ok(())
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    writeln!(f, "{name:<16}{}", plain(text))
}

/// Text that does nothing to a terminal.
pub(in crate::ledger) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
