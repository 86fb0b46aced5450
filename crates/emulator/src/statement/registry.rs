//! All statements of the account by query id and by request id, kept as long as their results are.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::links::Links;
use super::{CancelReason, Ending, FinishedResults, Progress, Statement};
use crate::clock::Clock;
use crate::session::Session;

/// Statements kept whatever their age, so that a long-lived emulator does not grow without end.
const STATEMENTS_MAX: usize = 100_000;

pub(crate) struct Statements {
    clock: Clock,
    retention: Duration,
    kept_bytes_max: usize,
    registry: Arc<Mutex<Registry>>,
}

#[derive(Default)]
pub(super) struct Registry {
    by_id: HashMap<String, Arc<Statement>>,
    /// The idempotency key: a request id within its session.
    by_request: HashMap<(i64, String), Arc<Statement>>,
    /// Query ids from the oldest.
    ages: VecDeque<String>,
    /// What the results of all ended statements take.
    kept_bytes: usize,
}

/// What a new statement is made of.
pub(super) struct NewStatement<'a> {
    pub id: String,
    pub request_id: &'a str,
    pub session: &'a Session,
    pub text: &'a str,
    pub is_async: bool,
    pub tag: String,
}

impl Statements {
    pub(crate) fn new(clock: Clock, retention: Duration, kept_bytes_max: usize) -> Self {
        Self { clock, retention, kept_bytes_max, registry: Arc::default() }
    }

    /// Ends a statement, whose result is kept from now on.
    pub(super) fn end(&self, statement: &Statement, at: Timestamp, ending: Ending) {
        self.lock().kept_bytes += kept_bytes_of(&ending);
        statement.end(at, ending);
    }

    /// Registers a statement, or finds the one that the same request started before. True for a new one.
    pub(super) fn begin(&self, new: NewStatement<'_>) -> (Arc<Statement>, bool) {
        let mut registry = self.lock();
        self.forget_old(&mut registry);
        let key = (new.session.id, new.request_id.to_owned());
        if let Some(known) = registry.by_request.get(&key) {
            return (Arc::clone(known), false);
        }
        let statement = Arc::new(Statement {
            id: new.id,
            request_id: new.request_id.to_owned(),
            session_id: new.session.id,
            user: new.session.user.clone(),
            text: new.text.to_owned(),
            is_async: new.is_async,
            tag: new.tag,
            started_at: self.clock.now(),
            links: Links::new(),
            warehouse: OnceLock::new(),
            progress: watch::Sender::new(Progress::Queued),
            cancelled: watch::Sender::new(None),
        });
        registry.by_request.insert(key, Arc::clone(&statement));
        registry.ages.push_back(statement.id.clone());
        registry.by_id.insert(statement.id.clone(), Arc::clone(&statement));
        (statement, true)
    }

    pub(crate) fn by_id(&self, query_id: &str) -> Option<Arc<Statement>> {
        let statement = self.lock().by_id.get(query_id).cloned()?;
        let is_kept = match statement.progress() {
            Progress::Ended { at, .. } => self.clock.now().duration_since(at) < self.retention(),
            Progress::Queued | Progress::Running => true,
        };
        is_kept.then_some(statement)
    }

    pub(super) fn by_request(&self, session_id: i64, request_id: &str) -> Option<Arc<Statement>> {
        self.lock().by_request.get(&(session_id, request_id.to_owned())).cloned()
    }

    /// Stops what a session that ends is still running, except what it left running on purpose.
    pub(crate) fn abort_session(&self, session: &Session) {
        let of_session: Vec<Arc<Statement>> = {
            let registry = self.lock();
            registry.by_id.values().filter(|statement| statement.session_id == session.id).cloned().collect()
        };
        for statement in of_session.iter().filter(|statement| !statement.is_async) {
            statement.cancel(CancelReason::Asked);
        }
    }

    /// Stops everything.
    pub(crate) fn abort_all(&self) {
        for statement in self.lock().by_id.values() {
            statement.cancel(CancelReason::Asked);
        }
    }

    pub(crate) fn finished_results(&self) -> FinishedResults {
        FinishedResults::new(Arc::clone(&self.registry))
    }

    fn retention(&self) -> SignedDuration {
        SignedDuration::try_from(self.retention).unwrap_or(SignedDuration::MAX)
    }

    /// Drops statements from the oldest while they are past their time or there is too much of them.
    fn forget_old(&self, registry: &mut Registry) {
        let now = self.clock.now();
        while let Some(oldest) = registry.ages.front().and_then(|id| registry.by_id.get(id)) {
            let Progress::Ended { at, ending } = oldest.progress() else { break };
            let is_old = now.duration_since(at) >= self.retention();
            let is_too_much =
                registry.kept_bytes > self.kept_bytes_max || registry.ages.len() > STATEMENTS_MAX;
            if !is_old && !is_too_much {
                break;
            }
            registry.kept_bytes = registry.kept_bytes.saturating_sub(kept_bytes_of(&ending));
            registry.forget_oldest();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    pub(super) fn get(&self, query_id: &str) -> Option<&Arc<Statement>> {
        self.by_id.get(query_id)
    }

    fn forget_oldest(&mut self) {
        let Some(id) = self.ages.pop_front() else { return };
        if let Some(statement) = self.by_id.remove(&id) {
            self.by_request.remove(&(statement.session_id, statement.request_id.clone()));
        }
    }
}

fn kept_bytes_of(ending: &Ending) -> usize {
    match ending {
        Ending::Done(done) => done.encoded.kept_bytes(),
        Ending::Failed(_) => 0,
    }
}
