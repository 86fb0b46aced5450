//! What a stream looks like: its columns, its key, and what the source says about its size.

use serde::{Deserialize, Serialize};

use crate::{LogicalType, StreamName};

/// One column of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name at the source, exactly.
    pub name: String,
    /// The type that its values travel in.
    #[serde(rename = "type")]
    pub logical_type: LogicalType,
    /// The type as the source itself writes it, such as `NUMBER(38,0)`.
    pub source_type: String,
    /// Whether the source admits NULL.
    pub is_nullable: bool,
}

/// What kind of object a stream is at its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    Table,
    View,
    Query,
}

/// A stream as its source describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamSchema {
    pub stream: StreamName,
    pub kind: StreamKind,
    pub columns: Vec<Column>,
    /// The declared primary key, in order; Snowflake does not enforce it.
    pub key: Vec<String>,
    /// Rows, where the source knows without reading them.
    pub row_count: Option<u64>,
    /// Stored bytes, where the source knows.
    pub bytes: Option<u64>,
}

impl StreamSchema {
    /// The column called `name`, exactly.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}
