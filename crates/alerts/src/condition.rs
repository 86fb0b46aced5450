//! How a sync is doing, from its runs.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What is known of a sync's runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncRuns {
    /// Since when the sync has been there, or was resumed: before its first success it is late from here on.
    pub known_since: Timestamp,
    /// The last run that succeeded or failed. One that was cancelled says nothing about the sync.
    pub last: Option<EndedRun>,
    /// When a run last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// How old the last success may become; without it a sync is never late.
    pub late_after: Option<SignedDuration>,
    /// Whether nobody expects it to run.
    pub is_resting: bool,
}

/// A run that has ended for good, with all its attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedRun {
    pub at: Timestamp,
    /// Absent where it succeeded.
    pub failure: Option<Failure>,
}

/// Why a run failed, in words that hold neither secrets nor row values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub remedy: Option<String>,
}

/// How a sync is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "condition", rename_all = "snake_case")]
pub enum Condition {
    /// Its last run succeeded, lately enough; or nothing is expected of it.
    Well,
    /// Its last run failed.
    Failing {
        /// The error's code.
        code: String,
    },
    /// Its last success is older than it may be, though nothing failed: no run began, or one does not end.
    Late,
}

impl Condition {
    /// The word used in JSON and documentation.
    pub fn as_str(&self) -> &'static str {
        match self {
            Condition::Well => "well",
            Condition::Failing { .. } => "failing",
            Condition::Late => "late",
        }
    }
}

impl SyncRuns {
    /// How the sync is doing at `now`. A failure goes before lateness, which is its consequence.
    pub fn condition(&self, now: Timestamp) -> Condition {
        if self.is_resting {
            return Condition::Well;
        }
        if let Some(EndedRun { failure: Some(failure), .. }) = &self.last {
            return Condition::Failing { code: failure.code.clone() };
        }
        let fresh_at = self.last_success_at.unwrap_or(self.known_since).max(self.known_since);
        match self.late_after {
            Some(late_after) if now.duration_since(fresh_at) > late_after => Condition::Late,
            _ => Condition::Well,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hour * 3_600).unwrap()
    }

    fn daily() -> SyncRuns {
        SyncRuns {
            known_since: at(0),
            last: None,
            last_success_at: None,
            late_after: Some(SignedDuration::from_hours(26)),
            is_resting: false,
        }
    }

    fn failed(hour: i64) -> EndedRun {
        let failure = Failure { code: "grant_missing".to_owned(), message: String::new(), remedy: None };
        EndedRun { at: at(hour), failure: Some(failure) }
    }

    #[test]
    fn a_sync_is_late_once_its_last_success_is_older_than_it_may_be() {
        let runs = SyncRuns { last_success_at: Some(at(10)), ..daily() };
        assert_eq!(runs.condition(at(36)), Condition::Well);
        assert_eq!(runs.condition(at(37)), Condition::Late);
    }

    #[test]
    fn a_sync_that_never_ran_is_late_from_its_beginning_on() {
        assert_eq!(daily().condition(at(26)), Condition::Well);
        assert_eq!(daily().condition(at(27)), Condition::Late);
        // It was resumed after a pause: what was before does not count.
        let resumed = SyncRuns { known_since: at(100), last_success_at: Some(at(1)), ..daily() };
        assert_eq!(resumed.condition(at(101)), Condition::Well);
    }

    #[test]
    fn without_an_objective_nothing_is_late() {
        let runs = SyncRuns { late_after: None, ..daily() };
        assert_eq!(runs.condition(at(10_000)), Condition::Well);
    }

    #[test]
    fn a_failure_goes_before_lateness_and_a_pause_before_both() {
        let runs = SyncRuns { last: Some(failed(2)), ..daily() };
        assert_eq!(runs.condition(at(500)), Condition::Failing { code: "grant_missing".to_owned() });
        let paused = SyncRuns { is_resting: true, ..runs };
        assert_eq!(paused.condition(at(500)), Condition::Well);
    }
}
