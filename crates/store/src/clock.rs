//! Whose time counts: the database's, so that workers never compare their own clocks; or one that is moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use model::{Error, Result};

/// The clock that all decisions of a store go by.
#[derive(Clone, Debug, Default)]
pub enum StoreClock {
    /// The database's own.
    #[default]
    Database,
    /// One that stands still until it is set, in microseconds since 1970: for simulations and tests.
    ByHand(Arc<AtomicI64>),
}

impl StoreClock {
    /// A clock that stands at `at`.
    pub fn by_hand(at: Timestamp) -> Self {
        Self::ByHand(Arc::new(AtomicI64::new(at.as_microsecond())))
    }

    /// Sets a clock that is moved by hand; the database's own takes no orders.
    pub fn set(&self, at: Timestamp) {
        if let Self::ByHand(micros) = self {
            micros.store(at.as_microsecond(), Ordering::SeqCst);
        }
    }

    pub(crate) fn by_hand_now(&self) -> Option<Result<Timestamp>> {
        let Self::ByHand(micros) = self else { return None };
        Some(timestamp(micros.load(Ordering::SeqCst)))
    }
}

/// A moment as it is stored.
pub(crate) fn timestamp(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros)
        .map_err(|error| Error::internal("a stored moment is out of range").with_source(error))
}
