//! Which column fills which, and what becomes of the others.

use arrow_array::{BooleanArray, Int64Array, RecordBatch};
use model::{LogicalType, WriteSpec};
use snowflake::ColumnType;
use std::sync::Arc;

use super::plans::{plan, plan_with, target};
use crate::snowflake::fit::{Mapping, TargetColumn, Verdict, created_columns};

const NUMBER: ColumnType = ColumnType::Fixed { precision: 38, scale: 0 };

fn verdicts(mapping: &Mapping) -> Vec<(&str, Verdict)> {
    mapping.columns.iter().map(|column| (column.name(), column.verdict)).collect()
}

#[test]
fn a_name_fills_its_equal_and_else_the_only_one_that_differs_in_case() {
    let plan = plan(&[("id", LogicalType::Int64), ("Name", LogicalType::Text)], &[]);
    let text = ColumnType::Text { length: Some(10) };
    let mapping = Mapping::build(&plan, &[target("NAME", text), target("ID", NUMBER), target("id", NUMBER)]);
    assert_eq!(mapping.target_names(), ["id", "NAME"]);
    assert_eq!(
        verdicts(&mapping),
        [("id", Verdict::Widening), ("NAME", Verdict::Checked), ("ID", Verdict::Exact)]
    );
    assert_eq!(mapping.target_name("Name"), Some("NAME"));
    assert_eq!(mapping.copy_expressions(), ["$1:\"c0\"::NUMBER(38,0)", "$1:\"c1\"::VARCHAR"]);
    mapping.refuse_misfits().unwrap();
}

#[test]
fn a_name_that_could_mean_two_columns_is_refused() {
    let mapping = Mapping::build(
        &plan(&[("Id", LogicalType::Int64)], &[]),
        &[target("ID", NUMBER), target("id", NUMBER)],
    );
    assert_eq!(mapping.columns[0].verdict, Verdict::Refused);
    insta::assert_snapshot!(mapping.refuse_misfits().unwrap_err(), @r#"Id: it could fill "ID" or "id", so name one of them exactly in the query"#);
}

#[test]
fn everything_that_stands_in_the_way_is_named_in_one_error() {
    let columns = [
        ("id", LogicalType::Int64),
        ("gone", LogicalType::Text),
        ("number", LogicalType::Int64),
        ("at", LogicalType::Timestamp { scale: 6, is_wide: false }),
    ];
    let targets = [
        TargetColumn { is_identity: true, ..target("ID", NUMBER) },
        target("NUMBER", ColumnType::Boolean),
        target("AT", ColumnType::TimestampTz { scale: 9 }),
        TargetColumn { is_nullable: false, ..target("MUST", NUMBER) },
        TargetColumn { is_nullable: false, has_default: true, ..target("DEFAULTED", NUMBER) },
    ];
    let error = Mapping::build(&plan(&columns, &[]), &targets).refuse_misfits().unwrap_err();
    assert_eq!(error.code(), "columns_do_not_fit");
    insta::assert_snapshot!(error.message().replace("; ", ";\n"), @r"
    ID: Snowflake numbers its rows itself, so leave the column out of the stream;
    gone: the table has no such column;
    NUMBER: a whole number does not become BOOLEAN by itself, so cast it in the query;
    AT: a time without a zone is no instant, so name the zone in the query, with `AT TIME ZONE`, or allow the change for this column under `lossy`;
    MUST: it is NOT NULL without a default, and the stream has no such column
    ");
}

#[test]
fn nanoseconds_that_a_pull_stored_without_their_zone_become_instants_only_where_lossy_says_so() {
    let columns = [("AT", LogicalType::Timestamp { scale: 9, is_wide: false })];
    for column_type in [ColumnType::TimestampLtz { scale: 9 }, ColumnType::TimestampTz { scale: 9 }] {
        let strict = Mapping::build(&plan(&columns, &[]), &[target("AT", column_type)]);
        let error = strict.refuse_misfits().unwrap_err();
        assert!(error.message().contains("a pull made of a TIMESTAMP_LTZ for its nanoseconds"), "{error}");
        let lossy = Mapping::build(&plan(&columns, &["AT"]), &[target("AT", column_type)]);
        assert_eq!(lossy.columns[0].verdict, Verdict::Lossy);
        assert_eq!(lossy.columns[0].note, "timestamp_out_of_range; changed: zone_changed");
    }
}

#[test]
fn columns_that_nothing_is_sent_to_are_left_to_snowflake() {
    let targets = [
        target("ID", NUMBER),
        target("NOTE", ColumnType::Text { length: None }),
        TargetColumn { has_default: true, is_nullable: false, ..target("AT", ColumnType::Date) },
        TargetColumn { is_identity: true, is_nullable: false, ..target("NO", NUMBER) },
    ];
    let mapping = Mapping::build(&plan(&[("ID", LogicalType::Int64)], &[]), &targets);
    mapping.refuse_misfits().unwrap();
    assert_eq!(mapping.target_names(), ["ID"]);
    let notes: Vec<&str> = mapping.columns[1..].iter().map(|column| column.note.as_str()).collect();
    assert_eq!(notes, ["left NULL", "filled with its default", "numbered by Snowflake"]);
}

#[test]
fn null_does_not_fit_where_it_may_not_be() {
    let target = TargetColumn { is_nullable: false, ..target("ID", NUMBER) };
    let plan = plan(&[("ID", LogicalType::Int64)], &[]);
    let mapping = Mapping::build(&plan, &[target]);
    let rows = RecordBatch::try_new(
        plan.arrow_schema(),
        vec![Arc::new(Int64Array::from(vec![Some(1), None, Some(3), None]))],
    );
    let misfits = mapping.check(&rows.unwrap()).unwrap();
    let found: Vec<_> =
        misfits.iter().map(|misfit| (misfit.row, misfit.column.as_str(), misfit.rule)).collect();
    assert_eq!(found, [(1, "ID", "not_null"), (3, "ID", "not_null")]);
}

#[test]
fn a_delete_flag_travels_last_where_the_table_does_not_have_it() {
    let columns = [("gone", LogicalType::Bool), ("id", LogicalType::Int64), ("note", LogicalType::Int64)];
    let write = WriteSpec::Upsert { delete_flag: Some("gone".to_owned()) };
    let plan = plan_with(&columns, &[], write, &["id"]);
    let without = Mapping::build(&plan, &[target("ID", NUMBER), target("NOTE", NUMBER)]);
    without.refuse_misfits().unwrap();
    assert_eq!(without.target_names(), ["ID", "NOTE"]);
    assert_eq!(without.delete_flag_expression().as_deref(), Some("$1:\"c2\"::BOOLEAN"));
    let rows = RecordBatch::try_new(
        plan.arrow_schema(),
        vec![
            Arc::new(BooleanArray::from(vec![true])),
            Arc::new(Int64Array::from(vec![1])),
            Arc::new(Int64Array::from(vec![2])),
        ],
    )
    .unwrap();
    let file_rows = without.file_rows(&rows).unwrap();
    assert_eq!(file_rows.column(2).as_ref(), &BooleanArray::from(vec![true]));

    let flag = target("GONE", ColumnType::Boolean);
    let with = Mapping::build(&plan, &[target("ID", NUMBER), target("NOTE", NUMBER), flag]);
    assert_eq!(with.delete_flag_expression(), None);
    assert_eq!(with.target_name("gone"), Some("GONE"));
}

#[test]
fn a_table_that_a_push_creates_takes_every_planned_column() {
    let plan = plan(&super::values::every_type(), &[]);
    let created = created_columns(&plan);
    let mapping = Mapping::build(&plan, &created);
    mapping.refuse_misfits().unwrap();
    assert_eq!(mapping.target_names().len(), plan.columns.len());
    let types: Vec<String> = created.iter().map(|column| column.column_type.to_string()).collect();
    insta::assert_snapshot!(types.join(", "), @"BOOLEAN, NUMBER(19,0), NUMBER(18,4), FLOAT, DECFLOAT, VARCHAR(16777216), BINARY(8388608), DATE, TIME(6), TIME(9), TIMESTAMP_NTZ(6), TIMESTAMP_NTZ(9), TIMESTAMP_LTZ(6), TIMESTAMP_LTZ(9), TIMESTAMP_TZ(6), TIMESTAMP_TZ(9), VARIANT, VARIANT, ARRAY, ARRAY, NUMBER(19,0), NUMBER(19,0)");
}
