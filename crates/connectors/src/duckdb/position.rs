//! What a cursor of a stream in the vendor database says: where reading goes on, and which rows of that very place are
//! delivered already.

use serde::{Deserialize, Serialize};

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
    /// The rows with that very value that were appended; absent where rows are not appended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) delivered: Option<Delivered>,
}

/// Rows that were appended, by the hashes of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delivered {
    /// The key's columns and types: hashes of another key say nothing.
    pub(super) key: Vec<String>,
    /// Hashes of 32 hexadecimal digits each, in order, without anything between them.
    pub(super) hashes: String,
}
