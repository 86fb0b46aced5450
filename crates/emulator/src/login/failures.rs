//! What was really wrong with a refused JWT, kept by the id in the reply as `SYSTEM$GET_LOGIN_FAILURE_DETAILS` does.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// How many failures are remembered.
const FAILURES_MAX: usize = 1000;

#[derive(Debug, Default)]
pub(crate) struct LoginFailures {
    details: Mutex<VecDeque<(Uuid, String)>>,
}

impl LoginFailures {
    /// Keeps the detail and returns the id to look it up by.
    pub(crate) fn record(&self, detail: &str) -> Uuid {
        let id = Uuid::new_v4();
        let mut details = self.details.lock().unwrap_or_else(PoisonError::into_inner);
        if details.len() == FAILURES_MAX {
            details.pop_front();
        }
        details.push_back((id, detail.to_owned()));
        id
    }

    pub(crate) fn detail(&self, id: Uuid) -> Option<String> {
        let details = self.details.lock().unwrap_or_else(PoisonError::into_inner);
        details.iter().find(|(known, _)| *known == id).map(|(_, detail)| detail.clone())
    }
}
