//! Results of ended statements, for statements that read them (`RESULT_SCAN`).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::Ending;
use super::registry::Registry;
use crate::outcome::{Rows, SqlError};

/// A view of the results that the account still keeps. Copies see the same results.
/// The default has no results: a session that is used without the protocol.
#[derive(Clone, Default)]
pub struct FinishedResults {
    registry: Arc<Mutex<Registry>>,
}

impl FinishedResults {
    pub(super) fn new(registry: Arc<Mutex<Registry>>) -> Self {
        Self { registry }
    }

    /// The rows of an ended statement, in canonical types.
    pub fn rows(&self, query_id: &str) -> Result<Rows, SqlError> {
        let ending = {
            let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
            registry.get(query_id).and_then(|statement| statement.ending())
        };
        let Some(Ending::Done(done)) = ending else {
            return Err(failure("000709", "02000", format!("Statement {query_id} not found")));
        };
        let Some(batches) = done.encoded.canonical.clone() else {
            let message = "The result is too large for RESULT_SCAN in the emulator.".to_owned();
            return Err(failure("000002", "0A000", message));
        };
        let batches = Box::new(batches.into_iter().map(Ok));
        Ok(Rows { columns: done.encoded.columns.clone(), batches })
    }
}

fn failure(code: &'static str, sql_state: &'static str, message: String) -> SqlError {
    SqlError { code, sql_state, message, position: None }
}

impl fmt::Debug for FinishedResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FinishedResults").finish_non_exhaustive()
    }
}
