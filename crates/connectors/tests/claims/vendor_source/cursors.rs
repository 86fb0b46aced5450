//! Reads by cursor: bounds are exact in every type, inclusive, and look back.

use std::time::Duration;

use model::{NullCursor, ReadSpec, Source, WriteSpec};

use super::world::{World, by_cursor, query, shown, table};

/// A cursor type, and three values of it in the order in which a watermark rises.
const ASCENDING: &[(&str, [&str; 3])] = &[
    ("TINYINT", ["-128", "0", "127"]),
    ("BIGINT", ["'-9223372036854775808'", "-1", "9223372036854775807"]),
    ("UBIGINT", ["0", "1", "18446744073709551615"]),
    ("HUGEINT", ["-99999999999999999999999999999999999999", "0", "99999999999999999999999999999999999999"]),
    ("UHUGEINT", ["0", "1", "99999999999999999999999999999999999999"]),
    ("DECIMAL(38,9)", ["-0.000000001", "0", "0.000000001"]),
    ("DATE", ["'0001-01-01'", "'1969-12-31'", "'9999-12-31'"]),
    ("TIMESTAMP_S", ["'1969-12-31 23:59:59'", "'1970-01-01'", "'9999-12-31'"]),
    ("TIMESTAMP_MS", ["'1969-12-31 23:59:59.999'", "'1970-01-01'", "'1970-01-01 00:00:00.001'"]),
    ("TIMESTAMP", ["'0001-01-01'", "'1969-12-31 23:59:59.999999'", "'9999-12-31 23:59:59.999999'"]),
    ("TIMESTAMP_NS", ["'2026-01-01 00:00:00.000000001'", "'2026-01-01 00:00:00.000000002'", "'2262-01-01'"]),
    (
        "TIMESTAMPTZ",
        ["'2026-10-25 00:30:00+00'", "'2026-10-25 00:30:00.000001+00'", "'2026-10-25 01:30:00+00'"],
    ),
    ("VARCHAR", ["''", "'B'", "'a'"]),
    ("BLOB", ["''::BLOB", "'\\x00'::BLOB", "'\\xFF\\x00'::BLOB"]),
    ("VARCHAR COLLATE NOCASE", ["'A'", "'B'", "'a'"]),
    ("ENUM('z', 'm', 'a')", ["'a'", "'m'", "'z'"]),
    (
        "UUID",
        [
            "'00000000-0000-0000-0000-000000000000'",
            "'7f000000-0000-0000-0000-000000000000'",
            "'80000000-0000-0000-0000-000000000000'",
        ],
    ),
];

#[tokio::test]
async fn a_bound_is_exact_in_every_type_and_time_zone() {
    let world = World::new();
    world.execute("SET GLOBAL TimeZone = 'Europe/Berlin'");
    for (data_type, [low, middle, high]) in ASCENDING {
        world.execute(&format!(
            "CREATE OR REPLACE TABLE t (id BIGINT, changed_at {data_type}); INSERT INTO t VALUES (1, {low}), (2, {middle})"
        ));
        let read = by_cursor("changed_at", NullCursor::Include);
        let plan = world.plan_with(&table("t"), read.clone(), WriteSpec::Mirror, None).await.unwrap();
        let (rows, end) = world.read(&plan).await.unwrap();
        assert_eq!(rows.num_rows(), 2, "{data_type}");
        world.execute(&format!("INSERT INTO t VALUES (3, {middle}), (4, {high}), (5, {low}), (6, NULL)"));
        let plan = world.plan_with(&table("t"), read.clone(), WriteSpec::Mirror, Some(&end)).await.unwrap();
        let (rows, end) = world.read(&plan).await.unwrap();
        let mut ids: Vec<String> = (0..rows.num_rows()).map(|row| shown(rows.column(0), row)).collect();
        ids.sort();
        assert_eq!(ids, ["2", "3", "4", "6"], "{data_type}");
        assert_eq!(end.null_cursor_count, Some(1));
        let plan = world.plan_with(&table("t"), read, WriteSpec::Mirror, Some(&end)).await.unwrap();
        assert_eq!(
            world.read(&plan).await.unwrap().0.num_rows(),
            2,
            "{data_type}: the highest value is kept"
        );
    }
}

#[tokio::test]
async fn a_lookback_reads_again_what_it_says() {
    let world = World::new();
    world.execute(
        "CREATE TABLE t AS SELECT range AS id, make_timestamp(range * 1000000) AS changed_at FROM range(100)",
    );
    let read = ReadSpec::Incremental {
        cursor_column: "changed_at".into(),
        lookback: Duration::from_secs(10),
        null_cursor: NullCursor::Include,
    };
    let plan = world.plan_with(&table("t"), read.clone(), WriteSpec::Mirror, None).await.unwrap();
    let (_, end) = world.read(&plan).await.unwrap();
    let plan = world.plan_with(&table("t"), read, WriteSpec::Mirror, Some(&end)).await.unwrap();
    assert_eq!(world.read(&plan).await.unwrap().0.num_rows(), 11);
    assert_eq!(
        world.source.statement(&plan).unwrap(),
        "SELECT \"id\", \"changed_at\" FROM vendor.\"main\".\"t\" \
         WHERE (\"changed_at\" >= CAST('1970-01-01 00:01:29.000000000' AS TIMESTAMP) OR \"changed_at\" IS NULL)"
    );
}

#[tokio::test]
async fn rows_that_are_left_out_for_want_of_a_cursor_value_are_counted() {
    let world = World::new();
    world.execute(
        "CREATE TABLE t AS SELECT range AS id, CASE WHEN range > 6 THEN range END AS changed_at FROM range(10)",
    );
    let read = by_cursor("changed_at", NullCursor::Exclude);
    let plan = world.plan_with(&table("t"), read, WriteSpec::Mirror, None).await.unwrap();
    let (rows, end) = world.read(&plan).await.unwrap();
    assert_eq!((rows.num_rows(), end.null_cursor_count), (3, Some(7)));
}

#[tokio::test]
async fn an_offset_column_is_a_cursor_by_its_instant() {
    let world = World::new();
    let sql = "SELECT id, changed_at::TIMESTAMP_NS AS changed_at, 60::SMALLINT AS changed_at__offset_minutes FROM (
                   VALUES (1, '2026-01-01 00:00:00.000000001'), (2, '2026-01-01 00:00:00.000000002')) AS v(id, changed_at)";
    let read = by_cursor("changed_at", NullCursor::Include);
    let plan = world.plan_with(&query(sql), read.clone(), WriteSpec::Mirror, None).await.unwrap();
    let (rows, end) = world.read(&plan).await.unwrap();
    assert_eq!((rows.num_rows(), shown(rows.column(2), 0)), (2, "60".to_owned()));
    let plan = world.plan_with(&query(sql), read, WriteSpec::Mirror, Some(&end)).await.unwrap();
    assert_eq!(world.read(&plan).await.unwrap().0.num_rows(), 1);
}

#[tokio::test]
async fn an_empty_read_keeps_the_position() {
    let world = World::new();
    world.execute("CREATE TABLE t (id BIGINT, changed_at DATE)");
    let read = by_cursor("changed_at", NullCursor::Include);
    let plan = world.plan_with(&table("t"), read.clone(), WriteSpec::Mirror, None).await.unwrap();
    let (_, nothing) = world.read(&plan).await.unwrap();
    world.execute("INSERT INTO t VALUES (1, '2026-01-01')");
    let plan = world.plan_with(&table("t"), read.clone(), WriteSpec::Mirror, Some(&nothing)).await.unwrap();
    let (rows, end) = world.read(&plan).await.unwrap();
    assert_eq!(rows.num_rows(), 1);
    world.execute("DELETE FROM t");
    let plan = world.plan_with(&table("t"), read, WriteSpec::Mirror, Some(&end)).await.unwrap();
    let (rows, still) = world.read(&plan).await.unwrap();
    assert_eq!((rows.num_rows(), still.cursor), (0, end.cursor));
}
