//! How rows become visible at the destination: what a sync asks for, and what a run does about it.

use serde::Serialize;

use super::{NullCursor, PlannedColumn, ReadSpec, StreamSpec, find_planned};
use crate::{BucketFilter, Checkpoint, Error, LogicalType, Result};

/// What a sync wants to be done to its target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WriteSpec {
    /// The target is a table of ours that shows what the stream has: a backfill becomes the table, later runs are merged.
    #[default]
    Mirror,
    /// Rows are added to a table that belongs to somebody else, each once.
    Append,
    /// All rows of a table that belongs to somebody else are replaced; the table itself stays.
    Rewrite,
    /// Rows replace those with the same key in a table that belongs to somebody else; others are added.
    Upsert {
        /// The column, by its name at the source, in which `true` says that the row is to be removed.
        delete_flag: Option<String>,
    },
}

/// How staged rows become visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Publish {
    /// They become all that the table has.
    Replace { key: Vec<String>, max_shrink_percent: u8 },
    /// They replace the rows with the same key, or remove them where `delete_flag` is true; others are added.
    Merge { key: Vec<String>, delete_flag: Option<String> },
    /// They replace the rows that the same read would have given before, which needs no key: those whose `cursor` (the
    /// name at the destination) is at or above `from`, or any where that is absent; and with `with_nulls` those that
    /// have none.
    ReplaceFrom { cursor: String, from: Option<String>, with_nulls: bool },
    /// They are added. The key tells rows with the same cursor value apart, so that none is added twice.
    Append { key: Vec<String> },
    /// They replace all rows of these buckets. The checkpoint stays as it is, unless the rest of the table was found to be
    /// where this run's position is.
    ReplaceBuckets { key: Vec<String>, filter: BucketFilter, moves_checkpoint: bool },
    /// Nothing is staged; the rows whose keys have these MD5s are removed, and the checkpoint stays as it is.
    RemoveRows {
        key: Vec<String>,
        #[serde(skip)]
        gone: Vec<u128>,
        max_shrink_percent: u8,
    },
}

impl Publish {
    /// The key's columns at the destination.
    pub fn key(&self) -> &[String] {
        match self {
            Publish::Replace { key, .. }
            | Publish::Merge { key, .. }
            | Publish::Append { key }
            | Publish::ReplaceBuckets { key, .. }
            | Publish::RemoveRows { key, .. } => key,
            Publish::ReplaceFrom { .. } => &[],
        }
    }
}

/// Decides how this run's rows become visible. What the sync asks for was found to make sense.
pub(super) fn plan_publish(
    spec: &StreamSpec,
    columns: &[PlannedColumn],
    key: Vec<String>,
    committed: Option<&Checkpoint>,
) -> Result<Publish> {
    match &spec.write {
        WriteSpec::Mirror if committed.is_some() && key.is_empty() => replace_from(spec, columns),
        WriteSpec::Mirror if committed.is_some() => Ok(Publish::Merge { key, delete_flag: None }),
        // A first read has nothing to shrink; what stands there is from a run that was told to start anew.
        WriteSpec::Mirror if is_incremental(spec) => Ok(Publish::Replace { key, max_shrink_percent: 100 }),
        WriteSpec::Mirror | WriteSpec::Rewrite => {
            Ok(Publish::Replace { key, max_shrink_percent: spec.max_shrink_percent })
        }
        WriteSpec::Append => Ok(Publish::Append { key }),
        WriteSpec::Upsert { delete_flag } => {
            let delete_flag =
                delete_flag.as_ref().map(|name| delete_flag_target(spec, columns, name)).transpose()?;
            Ok(Publish::Merge { key, delete_flag })
        }
    }
}

/// Refuses what could lose or repeat a row.
pub(super) fn refuse_contradictions(spec: &StreamSpec) -> Result<()> {
    if spec.key.is_empty() && is_incremental(spec) && spec.write != WriteSpec::Mirror {
        return Err(key_missing(spec, "is read incrementally without a key"));
    }
    match &spec.write {
        WriteSpec::Append => refuse_repeats(spec),
        WriteSpec::Rewrite if is_incremental(spec) => Err(Error::config(
            "rewrite_incremental",
            format!("{} is to be rewritten with every run, so it is read as a whole", spec.target),
        )
        .with_remedy("remove `read.incremental`, or choose `write: upsert`")),
        WriteSpec::Upsert { .. } if spec.key.is_empty() => {
            Err(key_missing(spec, "is upserted without a key"))
        }
        WriteSpec::Mirror | WriteSpec::Rewrite | WriteSpec::Upsert { .. } => Ok(()),
    }
}

fn is_incremental(spec: &StreamSpec) -> bool {
    !matches!(spec.read, ReadSpec::FullRefresh)
}

/// Without a key a run cannot tell which row a later version replaces. It replaces all that it has read again.
fn replace_from(spec: &StreamSpec, columns: &[PlannedColumn]) -> Result<Publish> {
    let ReadSpec::Incremental { cursor_column, null_cursor, .. } = &spec.read else {
        return Err(key_missing(spec, "is merged without a key"));
    };
    let cursor = find_planned(spec, columns, cursor_column, "cursor")?.target.clone();
    Ok(Publish::ReplaceFrom { cursor, from: None, with_nulls: *null_cursor == NullCursor::Include })
}

/// A row that is read twice would be appended twice.
fn refuse_repeats(spec: &StreamSpec) -> Result<()> {
    let ReadSpec::Incremental { lookback, null_cursor, .. } = &spec.read else {
        return Err(Error::config(
            "append_whole",
            format!("every run would append all of {} again", spec.stream),
        )
        .with_remedy("name a cursor under `read.incremental`, or choose `write: rewrite`"));
    };
    if !lookback.is_zero() {
        return Err(Error::config(
            "append_lookback",
            "rows that are read again by a lookback would be appended again",
        )
        .with_remedy("remove `lookback`, or choose `write: upsert`"));
    }
    if spec.from.is_some() {
        return Err(Error::config(
            "append_lookback",
            "rows that are read again from a date on would be appended again",
        )
        .with_remedy(
            "leave `--from` out: an append adds what is new; `write: upsert` corrects what is there",
        ));
    }
    if *null_cursor == NullCursor::Include {
        return Err(Error::config(
            "append_null_cursor",
            "rows without a cursor value are read by every run and would be appended by every run",
        )
        .with_remedy("choose `null_cursor: exclude`, or `write: upsert`"));
    }
    Ok(())
}

fn delete_flag_target(spec: &StreamSpec, columns: &[PlannedColumn], name: &str) -> Result<String> {
    let column = find_planned(spec, columns, name, "delete_flag")?;
    if column.logical_type != LogicalType::Bool {
        let message = format!("the delete flag {name} is {}, not bool", column.logical_type);
        return Err(Error::config("delete_flag_type", message)
            .with_remedy("give a column that is true for rows to be removed"));
    }
    Ok(column.target.clone())
}

fn key_missing(spec: &StreamSpec, what: &str) -> Error {
    Error::config("key_missing", format!("{} {what}", spec.stream))
        .with_remedy("name the columns that identify a row under `read.key`")
}
