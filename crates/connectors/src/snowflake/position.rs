//! What a cursor of a Snowflake stream says: where reading goes on, and in which kept result.

use serde::{Deserialize, Serialize};

/// A position in a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The highest cursor value read so far, as exact text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) watermark: Option<String>,
    /// Rows of this read without a cursor value so far.
    #[serde(default)]
    pub(super) null_count: u64,
    /// The result in the middle of which this position lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reading: Option<Reading>,
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
