//! What clients asked, for tests to look at.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::route::Route;

/// Requests remembered; the oldest are forgotten first.
const REQUESTS_MAX: usize = 10_000;

/// One request that came in, and what it was answered with.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    /// Counts from one over the emulator's life.
    pub number: u64,
    pub route: Route,
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// Lower-case names; tokens are left out.
    pub headers: BTreeMap<String, String>,
    /// The statement's text, for the routes that are about a statement.
    pub statement: Option<String>,
    /// Empty while the request runs.
    pub status: Option<u16>,
    /// The names of the faults that were applied.
    pub faults: Vec<String>,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    count: u64,
    requests: VecDeque<LoggedRequest>,
}

impl RequestLog {
    /// Adds a request and returns its number.
    pub(crate) fn add(&self, mut request: LoggedRequest) -> u64 {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.count += 1;
        request.number = log.count;
        if log.requests.len() == REQUESTS_MAX {
            log.requests.pop_front();
        }
        log.requests.push_back(request);
        log.count
    }

    pub(crate) fn set_status(&self, number: u64, status: u16) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // Requests end soon after they begin, so the entry is near the back.
        if let Some(request) = log.requests.iter_mut().rev().find(|request| request.number == number) {
            request.status = Some(status);
        }
    }

    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).requests.iter().cloned().collect()
    }
}
