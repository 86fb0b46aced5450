use duckdb::Connection;
use model::{
    Column, DELETE_FLAG, DELETED_AT, DeletePolicy, DeletesSpec, LogicalType, Progress, Publish, StreamKind,
    StreamName, StreamPlan, StreamSchema, StreamSpec, TableName,
};
use proptest::prelude::*;

use super::anew::{self, Order, Removed};
use super::{Merged, in_place, refuses_duplicates};
use crate::duckdb::sql::{create_table_sql, quoted, quoted_target, staging};
use crate::duckdb::table_columns::table_columns;

/// What the plans of the tests are about.
#[derive(Clone, Copy, Debug)]
enum Flag {
    None,
    Removes,
    Marks,
}

/// A row of the target or one that is staged; `None` is NULL.
#[derive(Clone, Debug)]
struct Row {
    id: Option<u8>,
    name: Option<&'static str>,
    score: Option<f64>,
    amount: Option<i32>,
    stamp: u8,
    flag: Option<bool>,
}

fn plan(flag: Flag) -> StreamPlan {
    let column = |name: &str, logical_type: LogicalType| Column {
        name: name.to_owned(),
        source_type: logical_type.to_string(),
        logical_type,
        is_nullable: true,
    };
    let table = TableName::in_snowflake("D", "S", "T");
    let schema = StreamSchema {
        stream: StreamName::Table(table),
        kind: StreamKind::Table,
        columns: vec![
            column("ID", LogicalType::Int64),
            column("odd \"name\"", LogicalType::Text),
            column("SCORE", LogicalType::Float64),
            column("AMOUNT", LogicalType::Decimal { precision: 18, scale: 2 }),
            column("STAMP", LogicalType::Int64),
            column("IS_GONE", LogicalType::Bool),
        ],
        key: vec![],
        row_count: None,
        bytes: None,
    };
    let deletes = match flag {
        Flag::None => DeletesSpec::default(),
        Flag::Removes => DeletesSpec { policy: DeletePolicy::Delete, column: Some("IS_GONE".to_owned()) },
        Flag::Marks => DeletesSpec { policy: DeletePolicy::Mark, column: Some("IS_GONE".to_owned()) },
    };
    let spec = StreamSpec {
        key: vec!["ID".into()],
        deletes,
        ..StreamSpec::new(schema.stream.clone(), TableName::in_vendor_database("s", "t"))
    };
    let plan = StreamPlan::build(&spec, &schema, &Progress::default()).unwrap();
    let publish = Publish::Merge { key: vec!["ID".to_owned()], delete_flag: None };
    StreamPlan { publish, stamps: vec!["STAMP".to_owned()], ..plan }
}

fn row() -> impl Strategy<Value = Row> {
    let name = prop_oneof![Just(None), prop_oneof![Just("a"), Just("b"), Just("")].prop_map(Some)];
    let score = prop_oneof![Just(None), prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN)].prop_map(Some)];
    let (id, amount) = (prop::option::weighted(0.9, 0..12_u8), prop::option::of(-1..2_i32));
    (id, name, score, amount, 0..3_u8, prop::option::of(any::<bool>()))
        .prop_map(|(id, name, score, amount, stamp, flag)| Row { id, name, score, amount, stamp, flag })
}

/// Rows of which no two have one key.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(), 0..12).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        rows
    })
}

/// The target's rows after the staged ones were merged, as text, and how many became what.
fn merged(plan: &StreamPlan, target: &[Row], staged: &[Row], anew: Option<Order>) -> (Vec<String>, Merged) {
    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("ATTACH ':memory:' AS vendor; CREATE SCHEMA vendor.s").unwrap();
    let (here, there) = (quoted_target(&plan.target), quoted_target(&staging(&plan.target)));
    let flag = quoted(DELETE_FLAG);
    connection
        .execute_batch(&format!(
            "{}; ALTER TABLE {here} DROP COLUMN IF EXISTS {flag}; ALTER TABLE {here} ADD COLUMN kept VARCHAR;
             ALTER TABLE {here} ADD COLUMN IF NOT EXISTS {} TIMESTAMP; {}",
            create_table_sql(plan, &plan.target),
            quoted(DELETED_AT),
            create_table_sql(plan, &staging(&plan.target)),
        ))
        .unwrap();
    for Row { id, name, score, amount, stamp, flag } in target {
        // The flag of a row that is there already says whether it is marked.
        let is_marked = plan.marks_deleted() && *flag == Some(true);
        let mark = if is_marked { "TIMESTAMP '2026-01-01'" } else { "NULL" };
        let insert = format!("INSERT INTO {here} VALUES (?, ?, ?, ?, ?, NULL, 'kept', {mark})");
        connection.execute(&insert, duckdb::params![id, name, score, amount, stamp]).unwrap();
    }
    let transaction = connection.transaction().unwrap();
    // Rows may be staged by the transaction that merges them, or by one before.
    for Row { id, name, score, amount, stamp, flag } in staged {
        let flag = if plan.carries_delete_flag() { format!(", {}", literal(*flag)) } else { String::new() };
        let insert = format!("INSERT INTO {there} VALUES (?, ?, ?, ?, ?, NULL{flag})");
        transaction.execute(&insert, duckdb::params![id, name, score, amount, stamp]).unwrap();
    }
    let told = match anew {
        Some(order) => {
            anew::merge(&transaction, plan, &table_columns(&transaction, &plan.target).unwrap(), order)
        }
        None => in_place::merge(&transaction, plan),
    };
    let told = told.unwrap();
    transaction.commit().unwrap();
    let shown = format!(
        "SELECT concat_ws('|', \"ID\", coalesce(\"odd \"\"name\"\"\", '-'), coalesce(\"SCORE\" + 0.0, -1), \"AMOUNT\", \
         \"STAMP\", coalesce(kept, 'new'), {0} IS NOT NULL, {0} = TIMESTAMP '2026-01-01') FROM {here} ORDER BY ALL",
        quoted(DELETED_AT)
    );
    let mut statement = connection.prepare(&shown).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    (rows.collect::<duckdb::Result<_>>().unwrap(), told)
}

fn literal(flag: Option<bool>) -> &'static str {
    match flag {
        None => "NULL",
        Some(true) => "true",
        Some(false) => "false",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn rows_put_in_anew_and_rows_changed_where_they_are_come_to_the_same(
        target in rows(),
        staged in rows(),
        flag in prop_oneof![Just(Flag::None), Just(Flag::Removes), Just(Flag::Marks)]
    ) {
        let plan = plan(flag);
        let in_place = merged(&plan, &target, &staged, None);
        for order in [Order::RemovalFirst, Order::InsertionFirst] {
            prop_assert_eq!(&merged(&plan, &target, &staged, Some(order)), &in_place);
        }
    }
}

#[test]
fn rows_that_are_removed_part_by_part_are_all_removed_and_no_others() {
    let mut connection = Connection::open_in_memory().unwrap();
    let plan = plan(Flag::None);
    let target = quoted_target(&plan.target);
    connection
        .execute_batch(&format!(
            "ATTACH ':memory:' AS vendor; CREATE SCHEMA vendor.s; CREATE TABLE {target} AS FROM range(1000) AS t(id);
             CREATE TEMP TABLE _snowferry_differing AS
                 SELECT CASE WHEN id % 3 <> 1 THEN rowid END AS _snowferry_place FROM {target}"
        ))
        .unwrap();
    for (row_count, end, left) in [(0, 0, 1000), (5 * anew::ROWS_AT_ONCE, 1000, 333)] {
        let transaction = connection.transaction().unwrap();
        Removed { row_count, end }.remove(&transaction, &plan).unwrap();
        let query = format!("SELECT count(*), count(*) FILTER (id % 3 = 1) FROM {target}");
        let counts = transaction.query_row(&query, [], |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(counts.unwrap(), (left, 333));
    }
}

#[test]
fn a_table_with_a_column_called_rowid_is_changed_where_it_is() {
    let columns =
        |name: &str| [("ID".to_owned(), "BIGINT".to_owned()), (name.to_owned(), "BIGINT".to_owned())];
    assert!(!anew::is_possible(&columns("RowId")));
    assert!(anew::is_possible(&columns("ROW_ID")));
}

#[test]
fn a_table_that_refuses_two_rows_of_one_key_is_known_by_any_way_to_say_so() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "ATTACH ':memory:' AS vendor; CREATE SCHEMA vendor.s; CREATE SCHEMA vendor.other;
             CREATE TABLE vendor.s.primary_key (id BIGINT PRIMARY KEY); CREATE TABLE vendor.s.constrained (id BIGINT UNIQUE);
             CREATE TABLE vendor.s.indexed (id BIGINT); CREATE UNIQUE INDEX only_one ON vendor.s.indexed (id);
             CREATE TABLE vendor.s.looked_up (id BIGINT NOT NULL); CREATE INDEX for_reads ON vendor.s.looked_up (id);
             CREATE TABLE vendor.other.indexed (id BIGINT)",
        )
        .unwrap();
    let refuses = |schema, table| {
        refuses_duplicates(&connection, &TableName::in_vendor_database(schema, table)).unwrap()
    };
    for table in ["primary_key", "constrained", "indexed"] {
        assert!(refuses("s", table), "{table}");
    }
    assert!(!refuses("s", "looked_up"));
    assert!(!refuses("other", "indexed"));
}
