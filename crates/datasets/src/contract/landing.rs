//! The columns of the tables that mapped rows land in.

use model::{Column, LogicalType, MergedColumn};

use super::Dataset;

/// The key of every landed row: a hash of its key at the source, or of the whole row where there is none.
pub const ROW_ID: &str = "_row_id";

/// Columns that tell when and by which run a row was written. A row that differs in nothing else is left alone.
pub const BOOKKEEPING: [&str; 3] = ["_sync_id", "_run_id", "_synced_at"];

/// A hash of what a row was mapped to.
pub(crate) const ROW_HASH: &str = "_row_hash";

/// Moments to the microsecond, in UTC, without a zone of their own.
pub(crate) const TIMESTAMP: LogicalType = LogicalType::Timestamp { scale: 6, is_wide: true };

/// A column of a landed table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedColumn {
    pub name: &'static str,
    pub logical_type: LogicalType,
    pub meaning: &'static str,
}

pub(super) fn column(name: &'static str, logical_type: LogicalType, meaning: &'static str) -> LandedColumn {
    LandedColumn { name, logical_type, meaning }
}

impl Dataset {
    /// All columns that a mapped row lands with, in order. The position's own column is not among them.
    pub fn landed_columns(self) -> Vec<LandedColumn> {
        let mut columns = vec![column(
            ROW_ID,
            LogicalType::Text,
            "a hash of the row's key, or of the row where it has none",
        )];
        columns.extend(self.mapped_columns());
        columns.extend([
            column("_reject_reason", LogicalType::Text, "why the row could not be taken; NULL where it was"),
            column("_reject_column", LogicalType::Text, "the field that it could not be taken for"),
            column("_source_key", LogicalType::Json, "of a rejected row, its key at the source"),
            column(ROW_HASH, LogicalType::Int64, "a hash of what the row was mapped to"),
            column("_sync_id", LogicalType::Text, "the sync that brought the row"),
            column("_run_id", LogicalType::Int64, "the run of that sync that wrote the row last"),
            column("_synced_at", TIMESTAMP, "when that run began to read, in UTC"),
        ]);
        columns
    }
}

impl Dataset {
    /// The columns of JSON objects that properties are packed into, with what says whose they are.
    pub(crate) fn property_columns(self) -> Vec<MergedColumn> {
        let column = |name: &str, of: &[&str]| MergedColumn {
            name: name.to_owned(),
            of: of.iter().map(|name| (*name).to_owned()).collect(),
        };
        match self {
            Self::WebsiteActions | Self::CustomActions => {
                vec![column("action_properties", &[]), column("company_properties", &["company_id"])]
            }
            Self::Objects => vec![column("properties", &["object_type", "object_id"])],
            Self::Metrics => Vec::new(),
        }
    }
}

impl LandedColumn {
    /// The same as a column of a stream.
    pub(crate) fn to_column(&self) -> Column {
        Column {
            name: self.name.to_owned(),
            logical_type: self.logical_type.clone(),
            source_type: format!("{} (mapped)", self.logical_type),
            is_nullable: self.name != ROW_ID,
        }
    }
}
