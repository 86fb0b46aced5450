//! Which columns are looked at, and in how many rows.

use serde::Serialize;

use super::words::{is_key, is_sequence};
use crate::{Column, LogicalType, ReadSpec, StreamKind, StreamName, StreamSchema, StreamSpec};

/// Each column is grouped by itself; a table of hundreds of columns must not make hundreds of groupings.
const CANDIDATES_MAX: usize = 24;
/// A sample of blocks is given to so many digits; fewer than one row in a million is asked for of no table.
const PERCENT_MIN: f64 = 0.0001;

/// What looking at a stream is to be done with.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfilePlan {
    pub stream: StreamName,
    pub columns: Vec<Column>,
    /// The key to be looked at as a whole.
    pub key: Vec<Column>,
    pub extent: Extent,
}

/// Which rows of a stream are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All of them.
    Whole,
    /// Some of a table's blocks, each with this probability.
    Blocks { percent: f64 },
    /// Some rows of a table, each with this probability: for tables of so few blocks that none was chosen.
    Rows { percent: f64 },
    /// Whichever come first, up to this many: nothing tells how many there are.
    First { row_count_max: u64 },
}

/// How much of a stream is read in order to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileBounds {
    pub row_count_max: u64,
    pub bytes_max: u64,
}

/// The smallest virtual warehouse groups as much as that in a few seconds.
impl Default for ProfileBounds {
    fn default() -> Self {
        Self { row_count_max: 1_000_000, bytes_max: 1 << 30 }
    }
}

impl ProfilePlan {
    /// Looks at every column that could be a cursor or a key: all dates and times, and what is named like a key.
    pub fn of_candidates(schema: &StreamSchema, bounds: ProfileBounds) -> Self {
        let is_candidate = |column: &&Column| {
            let is_named = is_key(&column.name) || is_sequence(&column.name);
            column.logical_type.is_time() || (is_named && can_be_key(&column.logical_type))
        };
        let candidates = schema.columns.iter().filter(is_candidate).take(CANDIDATES_MAX);
        Self {
            stream: schema.stream.clone(),
            columns: candidates.cloned().collect(),
            key: Vec::new(),
            extent: Extent::of(schema, bounds),
        }
    }

    /// Looks at what a sync has chosen; absent where it follows no column.
    pub fn of_choice(schema: &StreamSchema, spec: &StreamSpec, bounds: ProfileBounds) -> Option<Self> {
        let ReadSpec::Incremental { cursor_column, .. } = &spec.read else { return None };
        let cursor = schema.column(cursor_column)?.clone();
        let key: Option<Vec<Column>> = spec.key.iter().map(|name| schema.column(name).cloned()).collect();
        let is_comparable = |key: &Vec<Column>| key.iter().all(|column| can_be_key(&column.logical_type));
        Some(Self {
            stream: schema.stream.clone(),
            columns: vec![cursor],
            key: key.filter(is_comparable).unwrap_or_default(),
            extent: Extent::of(schema, bounds),
        })
    }
}

impl Extent {
    fn of(schema: &StreamSchema, bounds: ProfileBounds) -> Self {
        let (StreamKind::Table, Some(rows)) = (schema.kind, schema.row_count) else {
            return Self::First { row_count_max: bounds.row_count_max };
        };
        let bytes = schema.bytes.unwrap_or_default();
        if rows <= bounds.row_count_max && bytes <= bounds.bytes_max {
            return Self::Whole;
        }
        #[allow(clippy::cast_precision_loss, reason = "the size of a sample is an estimate")]
        let share = |bound: u64, size: u64| 100.0 * bound as f64 / size.max(1) as f64;
        let percent = share(bounds.row_count_max, rows).min(share(bounds.bytes_max, bytes)).min(100.0);
        Self::Blocks { percent: percent.max(PERCENT_MIN) }
    }
}

/// Whether equal values of this type are the same to both systems, so that they can tell rows apart.
fn can_be_key(logical_type: &LogicalType) -> bool {
    matches!(
        logical_type,
        LogicalType::Int64
            | LogicalType::Decimal { .. }
            | LogicalType::Text
            | LogicalType::Binary
            | LogicalType::Bool
    ) || logical_type.is_time()
}
