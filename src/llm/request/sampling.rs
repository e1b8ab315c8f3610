//! How the answer is to be made: how long it may be, and at which temperature.

use super::super::json;
use super::Read;

/// The key of the temperature, in every API.
pub(super) const TEMPERATURE: &str = "temperature";

/// The key states one of the two; `max_tokens` are the API's keys of the first.
pub(super) fn states(max_tokens: &[&str], key: &str) -> bool {
    key == TEMPERATURE || max_tokens.contains(&key)
}

// === impl Read ===

impl Read {
    /// Takes what such a key states, as it stands in JSON: a number, which Google takes in quotes
    /// as well. Of several statements the largest counts. Less than nothing is no limit.
    pub(super) fn setting(&mut self, key: &str, raw: &str) {
        let quoted = json::string(raw);
        let number: Option<f64> = quoted.as_deref().unwrap_or(raw).parse().ok();
        let Some(number) = number.filter(|number| number.is_finite() && *number >= 0.0) else {
            return;
        };
        let input = &mut self.input;
        if key == TEMPERATURE {
            input.temperature = Some(input.temperature.unwrap_or(number).max(number));
        } else {
            input.max_tokens = input.max_tokens.max(Some(number as u64));
        }
    }
}
