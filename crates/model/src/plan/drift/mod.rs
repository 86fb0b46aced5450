//! Columns that are not those of the last run: what became of them, and what a run does about it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::LogicalType;

mod decide;

pub(super) use decide::Drift;

/// What a sync wants to be done when the stream's columns change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriftSpec {
    pub policy: DriftPolicy,
    /// Columns, by their names at the source, of which something else is wanted.
    pub columns: BTreeMap<String, DriftPolicy>,
}

/// What to do about a changed column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// The target follows the stream, and nothing that it holds is lost.
    #[default]
    Add,
    /// The run stops before it changes anything, until a person has decided.
    Pause,
    /// A new column is not moved, and one with another type is not moved any more.
    Ignore,
}

/// The columns of a target, as the last run left them; a destination keeps this with its checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownColumns {
    pub columns: Vec<KnownColumn>,
    /// Whether these are all columns of a table, but for those that are ignored, in the table's order.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_order: bool,
    /// Columns of the stream that are not moved because a sync ignores them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// Columns that are not filled any more, by their names in the target, where they keep what they hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// Whether the target has a column of ours that tells deleted rows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub marks_deleted: bool,
}

/// A column that the last run filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownColumn {
    /// The name at the source.
    pub source: String,
    /// The name in the target.
    pub target: String,
    /// The type in the target: the widest that the column ever had.
    #[serde(rename = "type")]
    pub logical_type: LogicalType,
}

/// A column that changed since the last run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnChange {
    /// The name at the source.
    pub column: String,
    pub change: Change,
    pub effect: Effect,
}

/// What happened to a column at the source. A renamed column is one that is gone and one that is new: nothing tells
/// them from two such.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    New,
    Gone,
    /// Dropped, and made again under its name.
    Replaced,
    /// Every value of the old type is one of the new.
    Widened {
        from: LogicalType,
        to: LogicalType,
    },
    /// Every value of the new type is one of the old.
    Narrowed {
        from: LogicalType,
        to: LogicalType,
    },
    Retyped {
        from: LogicalType,
        to: LogicalType,
    },
}

/// What a run does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The target gets the column, and the rows that have a value in it are read once, however old.
    Added,
    /// The target keeps the column with what it holds; rows that are new have NULL there.
    Kept,
    /// The target's column gets the wider type.
    Widened,
    /// The target keeps the wider type that it has.
    Unchanged,
    /// The stream is read as a whole, and the table made anew.
    ReadAnew,
    /// The column is not moved.
    Ignored,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::New => f.write_str("is new"),
            Change::Gone => f.write_str("is gone"),
            Change::Replaced => f.write_str("was dropped and made again"),
            Change::Widened { from, to } | Change::Narrowed { from, to } | Change::Retyped { from, to } => {
                write!(f, "was {from} and is {to}")
            }
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::Added => "added to the table, and filled in older rows",
            Effect::Kept => "kept in the table, where new rows have NULL",
            Effect::Widened => "widened in the table",
            Effect::Unchanged => "kept as wide as it is in the table",
            Effect::ReadAnew => "the stream is read as a whole",
            Effect::Ignored => "not moved, as `drift` says",
        })
    }
}

impl Change {
    /// The stable word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Change::New => "new",
            Change::Gone => "gone",
            Change::Replaced => "replaced",
            Change::Widened { .. } => "widened",
            Change::Narrowed { .. } => "narrowed",
            Change::Retyped { .. } => "retyped",
        }
    }
}

#[cfg(test)]
mod tests;
