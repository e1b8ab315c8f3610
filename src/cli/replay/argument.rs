//! A time on the command line, checked as the collector does, so that a wrong one is said at once.

/// RFC 3339 with or without seconds, or a date, as it was given.
pub(super) fn time(given: &str) -> Result<String, String> {
    let is_time = match given.split_once(['T', 't']) {
        None => is_instant(given, "00:00"),
        Some((date, rest)) => {
            let clock = rest.split(['Z', 'z', '+', '-']).next().unwrap_or_default();
            let offset = rest.strip_prefix(clock).unwrap_or_default();
            is_instant(date, clock) && is_offset(offset)
        }
    };
    match is_time {
        true => Ok(given.to_owned()),
        false => Err("expected a time such as 2026-03-15T12:00Z, or a date".to_owned()),
    }
}

fn is_instant(date: &str, clock: &str) -> bool {
    let seconds = if clock.len() == "12:00".len() { ":00" } else { "" };
    humantime::parse_rfc3339(&format!("{date}T{clock}{seconds}Z")).is_ok()
}

fn is_offset(offset: &str) -> bool {
    match offset.strip_prefix(['+', '-']) {
        Some(clock) => clock.len() == "02:00".len() && is_instant("2026-03-15", clock),
        None => offset.eq_ignore_ascii_case("Z"),
    }
}
