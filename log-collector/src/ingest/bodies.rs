//! Bodies on their way in, bounded together: many senders at once must not take the memory that
//! the queue's bounds protect. Reads none itself.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ingest::BODY_BYTES_MAX;

/// Bytes of all bodies that are being read.
pub const BODIES_BYTES_MAX: usize = 32 << 20;

/// What a permit stands for, so that the number of permits fits the semaphore.
const UNIT: usize = 1 << 10;

/// Room for bodies.
pub struct Bodies(Arc<Semaphore>);

/// Room for one, given back when dropped.
pub struct Room(OwnedSemaphorePermit);

// === impl Bodies ===

impl Default for Bodies {
    fn default() -> Bodies {
        Bodies(Arc::new(Semaphore::new(BODIES_BYTES_MAX / UNIT)))
    }
}

impl Bodies {
    /// Room for a request's body; `None` while others take it. One that does not say how long it
    /// is may be as long as any.
    pub fn reserve(&self, headers: &HeaderMap) -> Option<Room> {
        let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let bytes = length.and_then(|length| length.parse().ok()).unwrap_or(BODY_BYTES_MAX);
        let units = u32::try_from(bytes.min(BODY_BYTES_MAX).div_ceil(UNIT)).ok()?;
        self.0.clone().try_acquire_many_owned(units).ok().map(Room)
    }
}

// === impl Room ===

impl Room {
    /// How long a body may be that fits.
    pub fn bytes(&self) -> usize {
        self.0.num_permits() * UNIT
    }
}
