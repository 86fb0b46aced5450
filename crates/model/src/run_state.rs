//! The states of a run, and which may follow which.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// Waits for the time of its next attempt, and then for a worker.
    Retrying,
    Succeeded,
    Failed,
    Cancelled,
}

/// What happens to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// A worker has got it.
    Claimed,
    Succeeded,
    /// An attempt failed, and trying again may help.
    WillRetry,
    /// An attempt failed, and trying again is not for us to do.
    FailedForGood,
    /// A worker that shuts down has handed it back unharmed.
    GivenBack,
    Cancelled,
}

impl RunState {
    /// Every state, in the order in which a run may go through them.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Retrying, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// The state after `event`; what cannot follow is a bug of whoever says that it happened.
    pub fn after(self, event: RunEvent) -> Result<Self> {
        match (self, event) {
            (Self::Queued | Self::Retrying, RunEvent::Claimed) => Ok(Self::Running),
            (Self::Running, RunEvent::Succeeded) => Ok(Self::Succeeded),
            (Self::Running, RunEvent::WillRetry) => Ok(Self::Retrying),
            (Self::Running, RunEvent::FailedForGood) => Ok(Self::Failed),
            (Self::Running, RunEvent::GivenBack) => Ok(Self::Queued),
            (Self::Queued | Self::Retrying | Self::Running, RunEvent::Cancelled) => Ok(Self::Cancelled),
            _ => Err(Error::internal(format!("{event:?} cannot happen to a run that is {}", self.as_str()))),
        }
    }

    /// Whether nothing more happens to the run.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The word used in tables, JSON and documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [RunEvent; 6] = [
        RunEvent::Claimed,
        RunEvent::Succeeded,
        RunEvent::WillRetry,
        RunEvent::FailedForGood,
        RunEvent::GivenBack,
        RunEvent::Cancelled,
    ];

    #[test]
    fn nothing_happens_to_a_run_that_has_ended() {
        for state in RunState::ALL.into_iter().filter(|state| state.is_final()) {
            assert!(EVENTS.iter().all(|event| state.after(*event).is_err()), "{state:?}");
        }
    }

    #[test]
    fn a_run_that_has_not_ended_can_be_cancelled_and_only_a_waiting_one_claimed() {
        for state in RunState::ALL.into_iter().filter(|state| !state.is_final()) {
            assert_eq!(state.after(RunEvent::Cancelled).unwrap(), RunState::Cancelled);
            assert_eq!(state.after(RunEvent::Claimed).is_ok(), state != RunState::Running, "{state:?}");
        }
    }

    #[test]
    fn words_are_read_back() {
        assert!(RunState::ALL.iter().all(|state| RunState::parse(state.as_str()) == Some(*state)));
        assert_eq!(RunState::parse("done"), None);
    }
}
