//! Statements from submission to the last fetch of their results.

mod abort;
pub(crate) mod cache;
pub(crate) mod canned;
mod fetch;
mod finished;
mod links;
mod monitoring;
mod registry;
mod reply;
mod request;
mod run;
mod split;
mod submit;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

pub(crate) use self::abort::{abort_by_id, abort_by_request};
pub(crate) use self::fetch::{chunk, result};
pub use self::finished::FinishedResults;
use self::links::Links;
pub(crate) use self::monitoring::monitor;
pub(crate) use self::registry::Statements;
pub(crate) use self::submit::submit;
use crate::encode::EncodedResult;
use crate::outcome::{DmlStats, SqlError};
use crate::session::Settings;
use crate::sql::UsedWarehouse;
use crate::stage::GrantedTransfer;

/// One statement, running or ended.
pub(crate) struct Statement {
    pub id: String,
    pub request_id: String,
    pub session_id: i64,
    pub user: String,
    pub text: String,
    /// Submitted without waiting; outlives its session.
    pub is_async: bool,
    /// The query tag of the session, or of the request alone.
    pub tag: String,
    pub started_at: Timestamp,
    pub links: Links,
    /// The virtual warehouse that it used, once it has ended.
    warehouse: OnceLock<UsedWarehouse>,
    progress: watch::Sender<Progress>,
    cancelled: watch::Sender<Option<CancelReason>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Progress {
    Queued,
    Running,
    Ended { at: Timestamp, ending: Ending },
}

/// How a statement ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    Done(Arc<Done>),
    Failed(SqlError),
}

/// A statement that succeeded, with all that its reply says.
#[derive(Debug)]
pub(crate) struct Done {
    pub encoded: Arc<EncodedResult>,
    /// What a PUT or GET tells its client in place of rows.
    pub transfer: Option<GrantedTransfer>,
    pub statement_type_id: u64,
    pub stats: Option<DmlStats>,
    pub settings: Settings,
    pub parameters: Vec<serde_json::Value>,
    pub bind_count: usize,
    pub is_array_bind_supported: bool,
    /// The statements of a multi-statement request, as id and type.
    pub children: Vec<(String, u64)>,
}

/// Why a statement is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CancelReason {
    Asked,
    TimedOut { after_s: u64 },
}

impl Statement {
    fn note_warehouse(&self, used: Option<&UsedWarehouse>) {
        if let Some(used) = used {
            self.warehouse.get_or_init(|| used.clone());
        }
    }

    fn used_warehouse(&self) -> Option<&UsedWarehouse> {
        self.warehouse.get()
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        match &*self.progress.borrow() {
            Progress::Ended { ending, .. } => Some(ending.clone()),
            Progress::Queued | Progress::Running => None,
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Waits for the end, but not longer than this.
    pub(crate) async fn ending_within(&self, hold: Duration) -> Option<Ending> {
        let mut progress = self.progress.subscribe();
        let ended = progress.wait_for(|progress| matches!(progress, Progress::Ended { .. }));
        match tokio::time::timeout(hold, ended).await {
            Ok(Ok(_)) => self.ending(),
            Ok(Err(_)) | Err(_) => None,
        }
    }

    fn start(&self) {
        self.progress.send_replace(Progress::Running);
    }

    fn end(&self, at: Timestamp, ending: Ending) {
        self.progress.send_replace(Progress::Ended { at, ending });
    }

    /// Asks the statement to stop; false where it has ended.
    pub(crate) fn cancel(&self, reason: CancelReason) -> bool {
        if self.ending().is_some() {
            return false;
        }
        self.cancelled.send_if_modified(|current| {
            let is_first = current.is_none();
            if is_first {
                *current = Some(reason);
            }
            is_first
        });
        true
    }

    /// The error of a statement that was asked to stop.
    fn cancellation(&self) -> Option<SqlError> {
        self.cancelled.borrow().map(CancelReason::error)
    }

    async fn cancel_asked(&self) {
        let mut cancelled = self.cancelled.subscribe();
        if cancelled.wait_for(Option::is_some).await.is_err() {
            // The statement holds the sender, so it lives as long as the borrow of it.
            std::future::pending::<()>().await;
        }
    }
}

impl CancelReason {
    fn error(self) -> SqlError {
        let (code, message) = match self {
            CancelReason::Asked => ("000604", "SQL execution canceled".to_owned()),
            CancelReason::TimedOut { after_s } => (
                "000630",
                format!(
                    "Statement reached its statement or warehouse timeout of {after_s} second(s) and was canceled."
                ),
            ),
        };
        SqlError { code, sql_state: "57014", message, position: None }
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement").field("id", &self.id).finish_non_exhaustive()
    }
}
