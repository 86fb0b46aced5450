//! What a cursor of a Snowflake stream says: where reading goes on, in which kept result, and what the destination shows.

use serde::{Deserialize, Serialize};

use super::ranges::Ranges;
use crate::followed::Followed;

/// A position in a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The highest cursor value read so far, as exact text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) watermark: Option<String>,
    /// The column that the watermark is a value of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) followed: Option<Followed>,
    /// Rows of this read without a cursor value so far; those that the sync leaves out are counted beforehand.
    #[serde(default)]
    pub(super) null_count: u64,
    /// Rows of this read so far whose cursor lies beyond the account's clock.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) future_count: u64,
    /// The table's change token before the read's statement was sent: as long as it is the same, so are the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) change_token: Option<String>,
    /// The digest of the statement that reads on from here. A sync that asks for anything else has to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next_statement: Option<String>,
    /// The statement whose rows the destination shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) snapshot: Option<Snapshot>,
    /// Where reading by changes goes on: the exact end, in UTC, of what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) changes_until: Option<String>,
    /// When the table was created: another one of the same name has another history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<String>,
    /// The result in the middle of which this position lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reading: Option<Reading>,
    /// The ranges of a first read, in the middle of which this position lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ranges: Option<Ranges>,
}

/// What was there at one moment: one statement is one snapshot, and so are several that look back to the same moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    /// Absent where several statements have read what was there at that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) query_id: Option<String>,
    /// The account's clock in UTC before the statement was sent, to the nanosecond.
    pub(super) at: String,
}

/// A result that Snowflake keeps for a day under its query id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reading {
    pub(super) query_id: String,
    /// The part to go on with: 0 came with the reply, n is the nth chunk.
    pub(super) next_chunk: usize,
    /// The statement of that result: another statement has other rows, so its result is no use.
    pub(super) statement: String,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
