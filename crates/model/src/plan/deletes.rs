//! Rows that are deleted at the source: what a sync wants to become of them, and how the rows of a read say so.

use arrow_schema::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::{KnownColumns, ReadPlan, ReadSpec, StreamPlan, StreamSpec, WriteSpec, find_column};
use crate::{Error, LogicalType, Result, StreamKind, StreamName, StreamSchema};

/// The column of a target in which [`DeletePolicy::Mark`] notes when a row was found to be deleted, in UTC.
pub const DELETED_AT: &str = "_deleted_at";
/// The column of a batch, behind the planned ones, in which `true` says that the row is deleted at the source. No target
/// has it.
pub const DELETE_FLAG: &str = "_snowferry_deleted";

/// What becomes of rows that are deleted at the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletePolicy {
    /// They are removed.
    #[default]
    Delete,
    /// They stay, with the time in [`DELETED_AT`]. A row whose key comes back has NULL there again.
    Mark,
    /// They stay as they are.
    Keep,
}

/// What a sync says about rows that are deleted at the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletesSpec {
    pub policy: DeletePolicy,
    /// A column at the source that says of a row that it is deleted though it is still there.
    pub column: Option<String>,
}

/// What a run does about rows that are deleted at the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeletePlan {
    pub policy: DeletePolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<DeleteColumn>,
    /// Whether the target has marks of an earlier policy, which this run does away with.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drops_marks: bool,
}

/// A column by which a stream says that a row is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeleteColumn {
    /// The name at the source.
    pub source: String,
    /// Whether its truth says so; otherwise that there is a value at all, such as the time of the deletion.
    pub is_boolean: bool,
}

impl DeletesSpec {
    /// Names in the target that are not free for columns of the stream.
    pub(super) fn reserved_names(&self) -> Vec<String> {
        let marks = (self.policy == DeletePolicy::Mark).then(|| DELETED_AT.to_owned());
        marks.into_iter().chain([DELETE_FLAG.to_owned()]).collect()
    }
}

impl DeletePlan {
    /// Decides how deleted rows are told, once the stream's columns are known.
    pub(super) fn of(spec: &StreamSpec, schema: &StreamSchema, known: Option<&KnownColumns>) -> Result<Self> {
        let column = spec.deletes.column.as_ref().map(|name| delete_column(schema, name)).transpose()?;
        let policy = spec.deletes.policy;
        let has_marks = known.is_some_and(|known| known.marks_deleted);
        Ok(Self { policy, column, drops_marks: has_marks && policy != DeletePolicy::Mark })
    }

    /// The column by which rows of the stream do not count as rows of it. Where deleted rows are kept, all of them do.
    pub fn excluding(&self) -> Option<&DeleteColumn> {
        self.column.as_ref().filter(|_| self.policy != DeletePolicy::Keep)
    }
}

fn delete_column(schema: &StreamSchema, name: &str) -> Result<DeleteColumn> {
    let column = find_column(schema, name, "deletes.column")?;
    let is_boolean = column.logical_type == LogicalType::Bool;
    if is_boolean || column.logical_type.is_time() {
        return Ok(DeleteColumn { source: column.name.clone(), is_boolean });
    }
    let message = format!("column {name} of {} is {}", schema.stream, column.source_type);
    Err(Error::config("delete_column_type", message).with_remedy(
        "name a boolean column that is true for deleted rows, or a timestamp that only deleted rows have",
    ))
}

/// Refuses wishes about changes and deletes that cannot be met, whatever the stream looks like.
pub(super) fn refuse_contradictions(spec: &StreamSpec) -> Result<()> {
    let is_by_changes = spec.read == ReadSpec::Changes;
    if is_by_changes && matches!(spec.stream, StreamName::Query { .. }) {
        return Err(Error::config(
            "changes_of_query",
            "the account tracks changes of tables, not of queries",
        )
        .with_remedy("name the table, or read the query by a cursor column under `read.incremental`"));
    }
    let asks_for_deletes = spec.deletes != DeletesSpec::default();
    if !is_by_changes && !asks_for_deletes {
        return Ok(());
    }
    let what = if is_by_changes { "`read.changes`" } else { "`deletes`" };
    if spec.write != WriteSpec::Mirror {
        return Err(Error::config("deletes_of_push", format!("{what} belongs to pulls"))
            .with_remedy("remove it; an upsert removes rows by its `delete_flag`"));
    }
    if spec.key.is_empty() {
        let message = format!("{what} tells rows by their key, and {} has none", spec.stream);
        return Err(Error::config("key_missing", message)
            .with_remedy("name the columns that identify a row under `read.key`"));
    }
    Ok(())
}

/// Refuses to follow the changes of what is known to be no table.
pub(super) fn refuse_view(spec: &StreamSpec, schema: &StreamSchema) -> Result<()> {
    if spec.read != ReadSpec::Changes || schema.kind == StreamKind::Table {
        return Ok(());
    }
    let message = format!("{} is a view, and changes are followed of tables alone", spec.stream);
    Err(Error::config("changes_of_view", message).with_remedy(
        "name the table that the view is made of, or read the view by a cursor column under `read.incremental`",
    ))
}

impl StreamPlan {
    /// Whether the rows of this read carry [`DELETE_FLAG`].
    pub fn carries_delete_flag(&self) -> bool {
        let tells = match self.read {
            ReadPlan::Changes => self.since.is_some() || self.deletes.column.is_some(),
            ReadPlan::Whole | ReadPlan::ByCursor { .. } => self.deletes.column.is_some(),
            ReadPlan::Buckets { .. } => false,
        };
        tells && self.deletes.policy != DeletePolicy::Keep
    }

    /// Whether rows of the target carry [`DELETED_AT`].
    pub fn marks_deleted(&self) -> bool {
        self.deletes.policy == DeletePolicy::Mark
    }

    pub(super) fn delete_flag_field(&self) -> Option<Field> {
        self.carries_delete_flag().then(|| Field::new(DELETE_FLAG, DataType::Boolean, true))
    }
}
