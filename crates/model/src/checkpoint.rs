//! How far a destination has got, as durable facts that only a destination states.

use serde::{Deserialize, Serialize};

use crate::{Cursor, KnownColumns};

/// A number that grows with each run of a stream; a destination refuses writes under an older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch of the run after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The destination durably has everything up to `cursor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub cursor: Cursor,
    /// Rows that were staged or published up to here, by the read that this checkpoint belongs to.
    pub row_count: u64,
}

/// What a destination knows of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What readers of the destination can see.
    pub committed: Option<Checkpoint>,
    /// What is staged beyond that: durable, invisible, and to be continued rather than read again.
    pub staged: Option<Checkpoint>,
    /// The epoch of the last run.
    pub epoch: Option<Epoch>,
    /// The columns that the last run left the target with, where it is known.
    pub columns: Option<KnownColumns>,
}
