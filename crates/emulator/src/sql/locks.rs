//! Which session may change which table: UPDATE, DELETE and MERGE wait for each other, as in Snowflake.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::{cancelled, error};
use super::run::Interrupt;
use crate::outcome::SqlError;

/// How often a waiting statement looks whether it was cancelled.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Table number to the session that holds it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locks {
    held: Arc<(Mutex<BTreeMap<u64, i64>>, Condvar)>,
}

impl Locks {
    /// Waits until the table is free, for as long as LOCK_TIMEOUT allows.
    pub(crate) fn acquire(
        &self,
        table: u64,
        session: i64,
        timeout: Duration,
        interrupt: &Interrupt,
    ) -> Result<(), SqlError> {
        let (held, freed) = &*self.held;
        let deadline = Instant::now() + timeout;
        let mut holders = held.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match holders.get(&table) {
                Some(holder) if *holder != session => {}
                _ => {
                    holders.insert(table, session);
                    return Ok(());
                }
            }
            if interrupt.is_asked() {
                return Err(cancelled());
            }
            if Instant::now() >= deadline {
                return Err(error(
                    "000625",
                    "57014",
                    "Statement has been aborted: it waited for a lock on a table that another transaction holds \
                     for longer than LOCK_TIMEOUT.",
                ));
            }
            holders = freed.wait_timeout(holders, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Frees everything the session holds.
    pub(crate) fn release(&self, session: i64) {
        let (held, freed) = &*self.held;
        held.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, holder| *holder != session);
        freed.notify_all();
    }
}
