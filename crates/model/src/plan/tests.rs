//! Claims about planning: what is refused, and what is read and published when.

use std::time::Duration;

use super::*;
use crate::{Checkpoint, ErrorKind, StreamKind};

fn stream() -> StreamName {
    StreamName::Table(TableName::in_snowflake("CRM", "SALES", "DEALS"))
}

fn schema(columns: &[(&str, LogicalType)]) -> StreamSchema {
    let columns = columns.iter().map(|(name, logical_type)| Column {
        name: (*name).to_owned(),
        logical_type: logical_type.clone(),
        source_type: logical_type.to_string(),
        is_nullable: true,
    });
    StreamSchema {
        stream: stream(),
        kind: StreamKind::Table,
        columns: columns.collect(),
        key: vec![],
        row_count: None,
        bytes: None,
    }
}

fn deals() -> StreamSchema {
    schema(&[
        ("ID", LogicalType::Int64),
        ("UPDATED_AT", LogicalType::Timestamp { scale: 9, is_wide: false }),
        ("PROPERTIES", LogicalType::Json),
    ])
}

fn spec(cursor_column: Option<&str>, key: &[&str]) -> StreamSpec {
    let read = match cursor_column {
        None => ReadSpec::FullRefresh,
        Some(cursor_column) => ReadSpec::Incremental {
            cursor_column: cursor_column.to_owned(),
            lookback: Duration::from_secs(60),
            null_cursor: NullCursor::Include,
        },
    };
    StreamSpec {
        read,
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        ..StreamSpec::new(stream(), TableName::in_vendor_database("sales", "deals"))
    }
}

fn refused(spec: &StreamSpec, schema: &StreamSchema) -> Error {
    let error = StreamPlan::build(spec, schema, &Progress::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    error
}

#[test]
fn a_first_incremental_run_replaces_and_a_later_one_merges() {
    let spec = spec(Some("UPDATED_AT"), &["ID"]);
    let first = StreamPlan::build(&spec, &deals(), &Progress::default()).unwrap();
    assert!(first.is_backfill());
    assert!(matches!(first.publish, Publish::Replace { .. }));

    let cursor = Cursor::from_stored("{}");
    let committed = Some(Checkpoint { cursor: cursor.clone(), row_count: 3 });
    let progress = Progress { committed, epoch: Some(first.epoch), ..Progress::default() };
    let second = StreamPlan::build(&spec, &deals(), &progress).unwrap();
    assert_eq!(second.since, Some(cursor));
    assert_eq!(second.publish, Publish::Merge { key: vec!["ID".into()], delete_flag: None });
    assert!(second.epoch > first.epoch);
}

#[test]
fn a_full_refresh_never_reads_on_from_a_committed_position() {
    let committed = Some(Checkpoint { cursor: Cursor::from_stored("{}"), row_count: 3 });
    let progress = Progress { committed, ..Progress::default() };
    let plan = StreamPlan::build(&spec(None, &[]), &deals(), &progress).unwrap();
    assert_eq!(plan.since, None);
    assert_eq!(plan.publish, Publish::Replace { key: vec![], max_shrink_percent: 50 });
}

#[test]
fn without_a_key_a_later_run_replaces_what_it_reads_again() {
    let spec = spec(Some("UPDATED_AT"), &[]);
    let first = StreamPlan::build(&spec, &deals(), &Progress::default()).unwrap();
    assert!(matches!(first.publish, Publish::Replace { .. }));
    let later = StreamPlan::build(&spec, &deals(), &after_a_run()).unwrap();
    let later = later.reading_from(Some("2026-01-01".into()));
    let from = Some("2026-01-01".to_owned());
    assert_eq!(later.publish, Publish::ReplaceFrom { cursor: "UPDATED_AT".into(), from, with_nulls: true });
}

#[test]
fn a_cursor_column_that_is_gone_after_a_run_is_not_taken_for_a_typing_mistake() {
    let spec = spec(Some("CHANGED_AT"), &["ID"]);
    assert_eq!(refused(&spec, &deals()).code(), "unknown_column");
    let error = StreamPlan::build(&spec, &deals(), &after_a_run()).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::SchemaChanged, "cursor_column_gone"));
}

fn after_a_run() -> Progress {
    let committed = Some(Checkpoint { cursor: Cursor::from_stored("{}"), row_count: 3 });
    Progress { committed, ..Progress::default() }
}

#[test]
fn an_unknown_column_is_refused_with_its_exact_name_where_only_case_differs() {
    let error = refused(&spec(Some("updated_at"), &["ID"]), &deals());
    assert_eq!(error.code(), "unknown_column");
    assert_eq!(error.remedy(), Some("its exact name is UPDATED_AT"));
}

#[test]
fn a_cursor_column_without_an_order_is_refused() {
    assert_eq!(refused(&spec(Some("PROPERTIES"), &["ID"]), &deals()).code(), "cursor_not_ordered");
    for (logical_type, is_followed) in [
        (LogicalType::Binary, true),
        (LogicalType::Text, true),
        (LogicalType::Float64, false),
        (LogicalType::Decfloat, false),
        (LogicalType::Time { scale: 9 }, false),
        (LogicalType::Bool, false),
    ] {
        assert_eq!(logical_type.why_no_cursor().is_none(), is_followed, "{logical_type}");
    }
}

#[test]
fn a_lookback_needs_a_cursor_of_time() {
    assert_eq!(refused(&spec(Some("ID"), &["ID"]), &deals()).code(), "lookback_without_time");
}

#[test]
fn names_that_differ_only_in_case_stay_apart() {
    let schema =
        schema(&[("id", LogicalType::Int64), ("ID", LogicalType::Int64), ("Id_2", LogicalType::Int64)]);
    let plan = StreamPlan::build(&spec(None, &[]), &schema, &Progress::default()).unwrap();
    let names: Vec<&str> = plan.columns.iter().map(|column| column.target.as_str()).collect();
    assert_eq!(names, ["id", "ID_2", "Id_2_2"]);
}

#[test]
fn a_sync_may_give_columns_other_names_at_the_destination() {
    let mut spec = spec(Some("UPDATED_AT"), &["ID"]);
    let chosen = |source: &str, target: Option<&str>| ChosenColumn {
        source: source.to_owned(),
        target: target.map(str::to_owned),
    };
    spec.columns = vec![chosen("ID", Some("DEAL")), chosen("UPDATED_AT", None)];
    let plan = StreamPlan::build(&spec, &deals(), &Progress::default()).unwrap();
    let names: Vec<&str> = plan.columns.iter().map(|column| column.target.as_str()).collect();
    assert_eq!(names, ["DEAL", "UPDATED_AT"]);
    assert_eq!(plan.key(), ["DEAL"], "a key is named as at the source");
}

#[test]
fn the_offset_of_a_timestamp_travels_in_a_sibling_column() {
    let schema = schema(&[("AT", LogicalType::TimestampOffset { scale: 9, is_wide: false })]);
    let plan = StreamPlan::build(&spec(None, &[]), &schema, &Progress::default()).unwrap();
    let arrow = plan.arrow_schema();
    let names: Vec<&str> = arrow.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["AT", "AT__offset_minutes"]);
}

fn push(read: &str, write: WriteSpec, key: &[&str]) -> StreamSpec {
    let read = match read {
        "whole" => ReadSpec::FullRefresh,
        _ => ReadSpec::Incremental {
            cursor_column: "UPDATED_AT".into(),
            lookback: Duration::ZERO,
            null_cursor: NullCursor::Exclude,
        },
    };
    StreamSpec { read, write, ..spec(None, key) }
}

#[test]
fn a_push_never_replaces_a_table_that_it_appends_or_upserts_into() {
    let upsert = WriteSpec::Upsert { delete_flag: None };
    for (write, expected) in [
        (WriteSpec::Append, Publish::Append { key: vec!["ID".into()] }),
        (upsert, Publish::Merge { key: vec!["ID".into()], delete_flag: None }),
    ] {
        let plan =
            StreamPlan::build(&push("by cursor", write, &["ID"]), &deals(), &Progress::default()).unwrap();
        assert!(plan.is_backfill());
        assert_eq!(plan.publish, expected);
    }
}

#[test]
fn a_row_that_would_be_read_twice_is_not_appended() {
    let whole = push("whole", WriteSpec::Append, &["ID"]);
    assert_eq!(refused(&whole, &deals()).code(), "append_whole");
    let mut looking_back = push("by cursor", WriteSpec::Append, &["ID"]);
    let again = |lookback, null_cursor| ReadSpec::Incremental {
        cursor_column: "UPDATED_AT".into(),
        lookback,
        null_cursor,
    };
    looking_back.read = again(Duration::from_secs(1), NullCursor::Exclude);
    assert_eq!(refused(&looking_back, &deals()).code(), "append_lookback");
    looking_back.read = again(Duration::ZERO, NullCursor::Include);
    assert_eq!(refused(&looking_back, &deals()).code(), "append_null_cursor");
}

#[test]
fn a_rewrite_reads_everything_and_an_upsert_needs_a_key() {
    let rewrite = push("by cursor", WriteSpec::Rewrite, &["ID"]);
    assert_eq!(refused(&rewrite, &deals()).code(), "rewrite_incremental");
    let upsert = push("whole", WriteSpec::Upsert { delete_flag: None }, &[]);
    assert_eq!(refused(&upsert, &deals()).code(), "key_missing");
    let upsert = push("whole", WriteSpec::Upsert { delete_flag: Some("PROPERTIES".into()) }, &["ID"]);
    assert_eq!(refused(&upsert, &deals()).code(), "delete_flag_type");
}
