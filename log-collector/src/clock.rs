//! The wall clock.

use std::time::SystemTime;

/// Milliseconds since 1970; 0 where the clock stands before that.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
