//! The table of decisions.

use std::time::Duration;

use model::{
    Checkpoint, Column, Cursor, NullCursor, Progress, ReadSpec, StreamKind, StreamName, StreamSchema,
    StreamSpec, TableName,
};

use super::*;

const TIME: LogicalType = LogicalType::Timestamp { scale: 9, is_wide: false };

/// A sync of `ID` and `AT`, by key where `key` says so and by cursor where `follows_at` does.
struct Asked {
    id: LogicalType,
    at: LogicalType,
    has_key: bool,
    follows_at: bool,
    ranges: RangeSpec,
}

impl Default for Asked {
    fn default() -> Self {
        Self { id: LogicalType::Int64, at: TIME, has_key: true, follows_at: true, ranges: eight() }
    }
}

fn eight() -> RangeSpec {
    RangeSpec::Count(RangeCount::new(8).unwrap())
}

impl Asked {
    fn plan(&self, progress: &Progress) -> StreamPlan {
        let column = |name: &str, logical_type: &LogicalType| Column {
            name: name.to_owned(),
            source_type: logical_type.to_string(),
            logical_type: logical_type.clone(),
            is_nullable: true,
        };
        let stream = StreamName::Table(TableName::in_snowflake("CRM", "SALES", "DEALS"));
        let schema = StreamSchema {
            stream: stream.clone(),
            kind: StreamKind::Table,
            columns: vec![column("ID", &self.id), column("AT", &self.at)],
            key: Vec::new(),
            row_count: None,
            bytes: None,
        };
        let incremental = ReadSpec::Incremental {
            cursor_column: "AT".into(),
            lookback: Duration::ZERO,
            null_cursor: NullCursor::Include,
        };
        let spec = StreamSpec {
            read: if self.follows_at { incremental } else { ReadSpec::FullRefresh },
            key: if self.has_key { vec!["ID".into()] } else { Vec::new() },
            ranges: self.ranges,
            ..StreamSpec::new(stream, TableName::in_vendor_database("s", "t"))
        };
        StreamPlan::build(&spec, &schema, progress).unwrap()
    }

    fn explained(&self, object: &Object) -> String {
        Strategy::of(object, &self.plan(&Progress::default())).explanation().join("\n")
    }
}

fn kept(kind: ObjectKind) -> Object {
    Object { retention_days: Some(1), row_count: Some(100), bytes: Some(1_000), ..Object::of_kind(kind) }
}

fn forgotten(kind: ObjectKind) -> Object {
    Object { retention_days: Some(0), ..kept(kind) }
}

#[test]
fn each_kind_of_object_has_its_strategy() {
    let asked = Asked::default();
    let lines = [
        kept(ObjectKind::Table),
        forgotten(ObjectKind::Table),
        kept(ObjectKind::TransientTable),
        forgotten(ObjectKind::TransientTable),
        kept(ObjectKind::TemporaryTable),
        forgotten(ObjectKind::ExternalTable),
        kept(ObjectKind::DynamicTable),
        kept(ObjectKind::EventTable),
        kept(ObjectKind::HybridTable),
        kept(ObjectKind::IcebergTable),
        kept(ObjectKind::SharedTable),
        forgotten(ObjectKind::View),
        forgotten(ObjectKind::SecureView),
        forgotten(ObjectKind::MaterializedView),
        forgotten(ObjectKind::Query),
        forgotten(ObjectKind::Unlisted),
    ]
    .map(|object| {
        let strategy = Strategy::of(&object, &asked.plan(&Progress::default()));
        let token = if strategy.has_change_token { "token" } else { "no token" };
        let days = object.retention_days.unwrap();
        format!("{} ({days} days; {token}): {}", object.kind, strategy.explanation()[0])
    });
    insta::assert_snapshot!(lines.join("\n"), @r"
    table (1 days; token): 8 ranges by AT at one snapshot
    table (0 days; token): 8 ranges by ID, each as it is when it is read: the table keeps nothing of its past (DATA_RETENTION_TIME_IN_DAYS is 0)
    transient table (1 days; token): 8 ranges by AT at one snapshot
    transient table (0 days; token): 8 ranges by ID, each as it is when it is read: the table keeps nothing of its past (DATA_RETENTION_TIME_IN_DAYS is 0)
    temporary table (1 days; no token): one statement: a temporary table lives and dies with its session
    external table (0 days; no token): one statement: every range of an external table would read all of its files
    dynamic table (1 days; no token): 8 ranges by AT at one snapshot
    event table (1 days; no token): 8 ranges by AT at one snapshot
    hybrid table (1 days; no token): 8 ranges by AT at one snapshot
    Iceberg table (1 days; no token): 8 ranges by ID, each as it is when it is read: whether the past of an Iceberg table can be read depends on its catalog
    table from a share (1 days; token): 8 ranges by ID, each as it is when it is read: the past of a table from a share cannot be read
    view (0 days; no token): one statement: every range of a view would run its whole query
    secure view (0 days; no token): one statement: every range of a view would run its whole query
    materialized view (0 days; no token): one statement: the past of a materialized view cannot be read, nor its size be seen
    query (0 days; no token): one statement: every range of a query would run all of it
    object that is not listed (0 days; no token): one statement: the account does not list what it is
    ");
}

#[test]
fn without_a_snapshot_ranges_need_a_key_and_a_cursor_of_time() {
    let object = forgotten(ObjectKind::TransientTable);
    assert!(Asked::default().explained(&object).contains("before the first range"));
    for asked in [
        Asked { has_key: false, ..Asked::default() },
        Asked { follows_at: false, ..Asked::default() },
        Asked { at: LogicalType::Int64, ..Asked::default() },
        Asked { id: LogicalType::Float64, ..Asked::default() },
    ] {
        assert!(asked.explained(&object).starts_with("one statement: the table keeps nothing"));
    }
}

#[test]
fn the_column_that_leaves_out_most_is_taken() {
    let table = kept(ObjectKind::Table);
    let by = |asked: Asked, object: &Object| asked.explained(object);
    assert_eq!(by(Asked::default(), &table), "8 ranges by AT at one snapshot");
    let numbers = Asked { at: LogicalType::Text, ..Asked::default() };
    assert_eq!(by(numbers, &table), "8 ranges by ID at one snapshot");
    for clustered_by in ["LINEAR(ID, AT)", "(id)", "LINEAR(\"ID\")"] {
        let clustered = Object { clustered_by: clustered_by.to_owned(), ..table.clone() };
        assert_eq!(by(Asked::default(), &clustered), "8 ranges by ID at one snapshot", "{clustered_by}");
    }
    let clustered_otherwise = Object { clustered_by: "LINEAR(TO_DATE(ID))".to_owned(), ..table };
    assert_eq!(by(Asked::default(), &clustered_otherwise), "8 ranges by AT at one snapshot");
}

#[test]
fn a_large_table_is_divided_by_itself_and_a_key_of_text_is_not() {
    let auto = || Asked { ranges: RangeSpec::Auto, ..Asked::default() };
    let large = Object { row_count: Some(420_000_000), ..kept(ObjectKind::Table) };
    assert_eq!(auto().explained(&large), "8 ranges by AT at one snapshot");
    let heavy = Object { bytes: Some(u64::MAX), ..kept(ObjectKind::Table) };
    assert_eq!(auto().explained(&heavy), "64 ranges by AT at one snapshot");
    assert_eq!(auto().explained(&kept(ObjectKind::Table)), "one statement: it is small enough");
    let texts = Asked { id: LogicalType::Text, follows_at: false, ..auto() };
    assert!(texts.explained(&large).starts_with("one statement: neither its key"));
    let asked_for = Asked { ranges: eight(), ..texts };
    assert_eq!(asked_for.explained(&large), "8 ranges by ID at one snapshot");
    let off = Asked { ranges: RangeSpec::Off, ..Asked::default() };
    assert_eq!(off.explained(&large), "one statement: the sync asks for it");
}

#[test]
fn what_changed_is_read_in_one_statement() {
    let cursor = Cursor::from_stored("{\"watermark\":\"2026-01-01 00:00:00\"}");
    let committed = Some(Checkpoint { cursor, row_count: 1 });
    let plan = Asked::default().plan(&Progress { committed, ..Progress::default() });
    let strategy = Strategy::of(&kept(ObjectKind::Table), &plan);
    assert_eq!(strategy.explanation(), ["one statement: only what changed is read"]);
}
