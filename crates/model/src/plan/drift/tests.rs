//! Claims about changed columns.

use std::time::Duration;

use super::*;
use crate::{
    Checkpoint, ChosenColumn, Column, Cursor, Error, ErrorKind, NullCursor, Progress, Publish, ReadSpec,
    Result, StreamKind, StreamName, StreamPlan, StreamSchema, StreamSpec, TableName,
};

const fn decimal(precision: u8, scale: i8) -> LogicalType {
    LogicalType::Decimal { precision, scale }
}

fn stream() -> StreamName {
    StreamName::Table(TableName::in_snowflake("CRM", "SALES", "DEALS"))
}

fn schema(columns: &[(&str, LogicalType)]) -> StreamSchema {
    let column = |(name, logical_type): &(&str, LogicalType)| Column {
        name: (*name).to_owned(),
        logical_type: logical_type.clone(),
        source_type: logical_type.to_string(),
        is_nullable: true,
    };
    StreamSchema {
        stream: stream(),
        kind: StreamKind::Table,
        columns: columns.iter().map(column).collect(),
        key: vec![],
        row_count: None,
        bytes: None,
    }
}

/// The key and the cursor, and what the test adds.
fn deals(more: &[(&str, LogicalType)]) -> StreamSchema {
    let cursor = LogicalType::Timestamp { scale: 9, is_wide: false };
    let mut columns = vec![("ID", LogicalType::Int64), ("UPDATED_AT", cursor)];
    columns.extend(more.iter().cloned());
    schema(&columns)
}

fn spec(policy: DriftPolicy) -> StreamSpec {
    let read = ReadSpec::Incremental {
        cursor_column: "UPDATED_AT".into(),
        lookback: Duration::ZERO,
        null_cursor: NullCursor::Include,
    };
    StreamSpec {
        read,
        key: vec!["ID".into()],
        drift: DriftSpec { policy, ..DriftSpec::default() },
        ..StreamSpec::new(stream(), TableName::in_vendor_database("sales", "deals"))
    }
}

/// What the destination knows after these schemas were pulled one after the other.
fn after(spec: &StreamSpec, earlier: &[StreamSchema]) -> Progress {
    earlier.iter().fold(Progress::default(), |progress, schema| {
        let plan = StreamPlan::build(spec, schema, &progress).unwrap();
        let cursor = Cursor::from_stored("{}");
        Progress {
            committed: Some(Checkpoint { cursor, row_count: 1 }),
            epoch: Some(plan.epoch),
            columns: Some(plan.known),
            staged: None,
        }
    })
}

fn planned(policy: DriftPolicy, schemas: &[StreamSchema]) -> Result<StreamPlan> {
    let spec = spec(policy);
    let (last, earlier) = schemas.split_last().unwrap();
    StreamPlan::build(&spec, last, &after(&spec, earlier))
}

fn effects(plan: &StreamPlan) -> Vec<(&str, &str, Effect)> {
    plan.changes.iter().map(|change| (change.column.as_str(), change.change.word(), change.effect)).collect()
}

#[test]
fn columns_that_stay_as_they_are_change_nothing() {
    let plan = planned(DriftPolicy::Pause, &[deals(&[]), deals(&[])]).unwrap();
    assert_eq!(plan.changes, []);
    assert!(!plan.is_backfill());
}

#[test]
fn a_new_column_is_filled_in_older_rows_too() {
    let plan = planned(DriftPolicy::Add, &[deals(&[]), deals(&[("STAGE", LogicalType::Text)])]).unwrap();
    assert_eq!(effects(&plan), [("STAGE", "new", Effect::Added)]);
    assert_eq!(plan.added().collect::<Vec<_>>(), ["STAGE"]);
    assert!(!plan.is_backfill());
}

#[test]
fn a_column_that_is_gone_keeps_what_the_target_holds() {
    let plan = planned(DriftPolicy::Add, &[deals(&[("STAGE", LogicalType::Text)]), deals(&[])]).unwrap();
    assert_eq!(effects(&plan), [("STAGE", "gone", Effect::Kept)]);
    assert_eq!(plan.known.kept, ["STAGE"]);
    assert!(!plan.is_backfill());
}

#[test]
fn a_column_that_comes_back_is_read_anew_since_the_target_holds_old_values() {
    let stage = [("STAGE", LogicalType::Text)];
    let plan = planned(DriftPolicy::Add, &[deals(&stage), deals(&[]), deals(&stage)]).unwrap();
    assert_eq!(effects(&plan), [("STAGE", "new", Effect::ReadAnew)]);
    assert!(matches!(plan.publish, Publish::Replace { .. }));
    assert_eq!(plan.known.kept, Vec::<String>::new());
}

#[test]
fn a_column_that_stands_behind_its_successor_was_dropped_and_made_again() {
    let before = [("A", LogicalType::Text), ("B", LogicalType::Text), ("C", LogicalType::Text)];
    let [a, b, c] = before.clone();
    let now = [a.clone(), c, b.clone(), ("D", LogicalType::Text)];
    let plan = planned(DriftPolicy::Add, &[deals(&before), deals(&now)]).unwrap();
    assert_eq!(effects(&plan), [("B", "replaced", Effect::ReadAnew), ("D", "new", Effect::ReadAnew)]);
    let ignored = planned(DriftPolicy::Ignore, &[deals(&before), deals(&now)]).unwrap();
    assert_eq!(effects(&ignored), [("B", "replaced", Effect::Ignored), ("D", "new", Effect::Ignored)]);
    let fewer = planned(DriftPolicy::Add, &[deals(&before), deals(&[a, b])]).unwrap();
    assert_eq!(effects(&fewer), [("C", "gone", Effect::Kept)]);
}

#[test]
fn a_column_behind_a_renamed_one_is_the_same_unless_it_took_that_ones_name() {
    let (a, b, e) = (("A", LogicalType::Text), ("B", LogicalType::Text), ("E", LogicalType::Text));
    let renamed =
        planned(DriftPolicy::Add, &[deals(&[a.clone(), b.clone()]), deals(&[e.clone(), b.clone()])]).unwrap();
    assert_eq!(effects(&renamed), [("E", "new", Effect::Added), ("A", "gone", Effect::Kept)]);
    let taken = planned(DriftPolicy::Add, &[deals(std::slice::from_ref(&b)), deals(&[e, b])]).unwrap();
    assert_eq!(effects(&taken), [("E", "new", Effect::ReadAnew), ("B", "replaced", Effect::ReadAnew)]);
}

#[test]
fn columns_that_a_sync_lists_no_more_tell_nothing_by_their_places() {
    let schema = deals(&[("A", LogicalType::Text), ("B", LogicalType::Text)]);
    let mut spec = spec(DriftPolicy::Add);
    let chosen = |name: &str| ChosenColumn { source: name.to_owned(), target: None };
    spec.columns = vec![chosen("B"), chosen("ID"), chosen("UPDATED_AT")];
    let known = after(&spec, std::slice::from_ref(&schema));
    spec.columns.clear();
    let plan = StreamPlan::build(&spec, &schema, &known).unwrap();
    assert_eq!(effects(&plan), [("A", "new", Effect::Added)]);
}

#[test]
fn the_order_of_a_views_columns_tells_nothing() {
    let (a, b) = (("A", LogicalType::Text), ("B", LogicalType::Text));
    let view = |columns: &[_]| StreamSchema { kind: StreamKind::View, ..deals(columns) };
    let plan = planned(DriftPolicy::Add, &[view(&[a.clone(), b.clone()]), view(&[b, a])]).unwrap();
    assert_eq!(plan.changes, []);
}

#[test]
fn a_number_may_grow_and_the_target_never_shrinks_again() {
    let amounts = [decimal(10, 2), decimal(20, 2), decimal(10, 2), decimal(15, 2)];
    let schemas: Vec<_> = amounts.iter().map(|amount| deals(&[("AMOUNT", amount.clone())])).collect();
    let widened = planned(DriftPolicy::Add, &schemas[..2]).unwrap();
    assert_eq!(effects(&widened), [("AMOUNT", "widened", Effect::Widened)]);
    let narrowed = planned(DriftPolicy::Add, &schemas).unwrap();
    assert_eq!(effects(&narrowed), [("AMOUNT", "narrowed", Effect::Unchanged)]);
    assert_eq!(narrowed.known.columns[2].logical_type, decimal(20, 2));
}

#[test]
fn a_change_that_could_lose_a_digit_is_no_widening() {
    for (from, to) in [
        (decimal(10, 2), decimal(10, 3)),
        (LogicalType::Int64, decimal(20, 2)),
        (LogicalType::Int64, LogicalType::Float64),
        (
            LogicalType::Timestamp { scale: 6, is_wide: false },
            LogicalType::Timestamp { scale: 9, is_wide: false },
        ),
        (LogicalType::Text, LogicalType::Json),
    ] {
        let plan =
            planned(DriftPolicy::Add, &[deals(&[("X", from.clone())]), deals(&[("X", to.clone())])]).unwrap();
        assert_eq!(effects(&plan), [("X", "retyped", Effect::ReadAnew)], "{from} to {to}");
        assert!(plan.is_backfill());
    }
    let grown =
        planned(DriftPolicy::Add, &[deals(&[("X", LogicalType::Int64)]), deals(&[("X", decimal(38, 0))])]);
    assert_eq!(effects(&grown.unwrap()), [("X", "widened", Effect::Widened)]);
}

#[test]
fn a_paused_change_stops_the_run_and_names_every_column() {
    let before = deals(&[("STAGE", LogicalType::Text), ("AMOUNT", decimal(10, 2))]);
    let now = deals(&[("PHASE", LogicalType::Text), ("AMOUNT", LogicalType::Float64)]);
    let error: Error = planned(DriftPolicy::Pause, &[before, now]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::SchemaChanged, "columns_changed"));
    assert_eq!(
        error.message(),
        "the columns of CRM.SALES.DEALS changed: PHASE is new, AMOUNT was decimal(10,2) and is float64, STAGE is gone"
    );
}

#[test]
fn an_ignored_column_is_not_moved_and_is_told_of_once() {
    let now = deals(&[("NOISE", LogicalType::Text)]);
    let first = planned(DriftPolicy::Ignore, &[deals(&[]), now.clone()]).unwrap();
    assert_eq!(effects(&first), [("NOISE", "new", Effect::Ignored)]);
    assert!(first.column("NOISE").is_none());
    let second = planned(DriftPolicy::Ignore, &[deals(&[]), now.clone(), now.clone()]).unwrap();
    assert_eq!(second.changes, []);
    assert!(second.column("NOISE").is_none());

    let mut other_mind = spec(DriftPolicy::Ignore);
    let known = after(&other_mind, &[deals(&[]), now.clone()]);
    other_mind.drift.columns.insert("NOISE".into(), DriftPolicy::Add);
    let plan = StreamPlan::build(&other_mind, &now, &known).unwrap();
    assert_eq!(effects(&plan), [("NOISE", "new", Effect::Added)]);
}

#[test]
fn an_ignored_column_of_another_type_is_moved_no_more() {
    let before = deals(&[("X", LogicalType::Int64)]);
    let now = deals(&[("X", LogicalType::Text)]);
    let plan = planned(DriftPolicy::Ignore, &[before.clone(), now.clone()]).unwrap();
    assert_eq!(effects(&plan), [("X", "retyped", Effect::Ignored)]);
    assert_eq!((plan.column("X"), plan.is_backfill()), (None, false));
    let again = planned(DriftPolicy::Ignore, &[before, now.clone(), now]).unwrap();
    assert_eq!(again.changes, []);
    assert!(again.column("X").is_none());
}

#[test]
fn what_a_sync_names_itself_is_never_paused() {
    let schema = deals(&[("STAGE", LogicalType::Text)]);
    let chosen = |names: &[&str]| -> Vec<ChosenColumn> {
        let chosen = |name: &&str| ChosenColumn { source: (*name).to_owned(), target: None };
        names.iter().map(chosen).collect()
    };
    let mut spec = spec(DriftPolicy::Pause);
    spec.columns = chosen(&["ID", "UPDATED_AT"]);
    let known = after(&spec, std::slice::from_ref(&schema));
    spec.columns = chosen(&["ID", "UPDATED_AT", "STAGE"]);
    let plan = StreamPlan::build(&spec, &schema, &known).unwrap();
    assert_eq!(effects(&plan), [("STAGE", "new", Effect::Added)]);
}

#[test]
fn a_table_that_is_made_anew_forgets_columns_that_are_gone() {
    let mut spec = spec(DriftPolicy::Add);
    spec.read = ReadSpec::FullRefresh;
    let known = after(&spec, &[deals(&[("STAGE", LogicalType::Text)])]);
    let plan = StreamPlan::build(&spec, &deals(&[]), &known).unwrap();
    assert_eq!(effects(&plan), [("STAGE", "gone", Effect::ReadAnew)]);
    assert_eq!(plan.known.kept, Vec::<String>::new());
}
