//! Spans of time such as `24h`, in whole minutes, hours or days.

use super::Reader;
use super::read::clip;
use crate::policy::error::ValueProblem;
use crate::policy::yaml::Node;

/// Minutes in a day.
pub const DAY: u64 = 24 * 60;

impl Reader<'_, '_> {
    /// For how many minutes an approval counts.
    pub fn hold_ttl(&mut self, node: &Node) -> Option<u64> {
        self.span(node, "hold_ttl", 1, 30 * DAY, "from `1m` to `30d`")
    }

    /// A span of time such as `24h`, in minutes.
    pub fn span(
        &mut self,
        node: &Node,
        key: &'static str,
        min: u64,
        max: u64,
        range: &'static str,
    ) -> Option<u64> {
        let found = self.scalar(node, key)?;
        let minutes = minutes(found).filter(|minutes| (min..=max).contains(minutes));
        if minutes.is_none() {
            self.bad(node, key, ValueProblem::Span { range, found: clip(found) });
        }
        minutes
    }
}

fn minutes(span: &str) -> Option<u64> {
    let at = span.len().checked_sub(1)?;
    let (number, unit) = span.split_at_checked(at)?;
    let unit = match unit {
        "m" => 1,
        "h" => 60,
        "d" => DAY,
        _ => return None,
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse::<u64>().ok().filter(|_| digits)?.checked_mul(unit)
}
