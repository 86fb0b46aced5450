//! Plans and tables to make claims with.

use model::{
    Column, LogicalType, Progress, StreamKind, StreamName, StreamPlan, StreamSchema, StreamSpec, TableName,
    WriteSpec,
};
use snowflake::ColumnType;

use crate::snowflake::fit::TargetColumn;

/// A rewrite of these columns; those named are lossy.
pub(super) fn plan(columns: &[(&str, LogicalType)], lossy: &[&str]) -> StreamPlan {
    plan_with(columns, lossy, WriteSpec::Rewrite, &[])
}

pub(super) fn plan_with(
    columns: &[(&str, LogicalType)],
    lossy: &[&str],
    write: WriteSpec,
    key: &[&str],
) -> StreamPlan {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let stream = StreamName::Query { name: "rows".to_owned(), sql: "SELECT 1".to_owned() };
    let schema = StreamSchema {
        stream: stream.clone(),
        kind: StreamKind::Query,
        columns: columns
            .iter()
            .map(|(name, logical_type)| Column {
                name: (*name).to_owned(),
                source_type: logical_type.to_string(),
                logical_type: logical_type.clone(),
                is_nullable: true,
            })
            .collect(),
        key: vec![],
        row_count: None,
        bytes: None,
    };
    let spec = StreamSpec {
        key: owned(key),
        lossy_columns: owned(lossy),
        write,
        max_shrink_percent: 100,
        ..StreamSpec::new(stream, TableName::in_snowflake("CRM", "PUBLIC", "TARGET"))
    };
    StreamPlan::build(&spec, &schema, &Progress::default()).unwrap()
}

/// A nullable column without a default.
pub(super) fn target(name: &str, column_type: ColumnType) -> TargetColumn {
    TargetColumn {
        name: name.to_owned(),
        column_type,
        is_nullable: true,
        has_default: false,
        is_identity: false,
    }
}
