//! Queries over the vendor database: what is run, what is refused, and what happens when one fails half-way.

use futures_util::{FutureExt, StreamExt};
use model::{Error, ErrorKind, ReadEvent, Source, StreamFilter, StreamKind, StreamPlan};

use super::world::{World, query, table};

#[tokio::test]
async fn a_query_is_described_without_being_run() {
    let world = World::new();
    let sql = "WITH far AS (FROM range(100000000000000)) SELECT count(*) AS n, 'x' AS \"the name\" FROM far -- the end";
    let schema = world.source.describe(&query(sql)).await.unwrap();
    let columns: Vec<String> =
        schema.columns.iter().map(|c| format!("{} {} ({})", c.name, c.logical_type, c.source_type)).collect();
    assert_eq!(columns, ["n int64 (BIGINT)", "the name text (VARCHAR)"]);
    assert_eq!((schema.kind, schema.row_count, schema.key), (StreamKind::Query, None, vec![]));
}

#[tokio::test]
async fn tables_and_views_are_listed_and_our_own_notes_are_not() {
    let world = World::new();
    world.execute(
        "CREATE SCHEMA shop;
         CREATE TABLE shop.orders (line INTEGER, id BIGINT, changed_at TIMESTAMPTZ NOT NULL, took INTERVAL, PRIMARY KEY (id, line));
         INSERT INTO shop.orders VALUES (1, 1, now(), NULL), (2, 1, now(), NULL);
         CREATE TABLE shop._snowferry_staged_orders (id BIGINT);
         CREATE VIEW shop.lines AS SELECT line FROM shop.orders;
         CREATE TABLE gone (x INTEGER); CREATE VIEW broken AS FROM gone; DROP TABLE gone;",
    );
    let listed = world.source.discover(&StreamFilter::default()).await.unwrap();
    let listed: Vec<String> = listed
        .iter()
        .map(|s| format!("{} {:?} {:?} {:?} {}", s.stream, s.kind, s.key, s.row_count, s.columns.len()))
        .collect();
    assert_eq!(listed, ["shop.lines View [] None 1", "shop.orders Table [\"id\", \"line\"] Some(2) 3",]);
    let filter = StreamFilter { table: Some("orders".into()), ..StreamFilter::default() };
    assert_eq!(world.source.discover(&filter).await.unwrap().len(), 1);
    let error = world.source.describe(&table("absent")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, "stream_not_found"));
}

/// What a query does when it is described and read.
async fn outcome(world: &World, sql: &str) -> Result<usize, Error> {
    Ok(world.read_query(sql).await?.num_rows())
}

#[tokio::test]
async fn whatever_reads_is_run() {
    let world = World::new();
    for sql in [
        "SELECT 1 AS a; ;\n",
        "FROM range(3)",
        "VALUES (1, 'a')",
        "WITH a AS (SELECT 1 AS b) FROM a -- no line break at the end",
        "(SELECT 1 AS a) UNION ALL (SELECT 2)",
        "SELECT ';' AS a /* ; */",
        "SELECT 1 AS a ORDER BY a LIMIT 1",
        "SELECT 1 AS a, 2 AS a",
    ] {
        outcome(&world, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[tokio::test]
async fn nothing_that_writes_is_run() {
    let world = World::new();
    world.execute("CREATE TABLE t (id BIGINT); INSERT INTO t VALUES (1); CREATE SEQUENCE numbers");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.csv");
    let copy = format!("COPY t TO '{}'", file.display());
    for (sql, code) in [
        ("INSERT INTO t VALUES (2)", "query_not_a_read"),
        ("DELETE FROM t RETURNING id", "query_not_a_read"),
        ("UPDATE t SET id = 2", "query_not_a_read"),
        ("DROP TABLE t", "query_not_a_read"),
        ("CREATE TABLE u AS SELECT 1", "query_not_a_read"),
        ("ATTACH ':memory:' AS other", "query_not_a_read"),
        ("SET threads = 1", "query_not_a_read"),
        ("CALL pragma_version()", "query_not_a_read"),
        (&copy, "query_not_a_read"),
        ("SELECT 1 AS a; DELETE FROM t", "query_not_a_read"),
        ("SELECT 1 AS a; SELECT 2 AS a", "query_of_many_statements"),
        ("SELECT 1) AS source; DELETE FROM t; SELECT * FROM (SELECT 1", "query_not_parsed"),
        ("SELECT 1 AS a) AS source; DELETE FROM t; --", "query_not_parsed"),
        ("SELECT 1 /* and then", "query_not_parsed"),
        ("WITH gone AS (DELETE FROM t RETURNING id) FROM gone", "query_not_parsed"),
        ("SELECT 1 AS a\0", "query_not_parsed"),
        ("", "query_empty"),
        (" ; ", "query_empty"),
        ("SELECT nextval('numbers') AS n", "query_not_a_read"),
        ("SELECT absent FROM t", "query_refused"),
        ("SELECT ? AS a", "query_refused"),
    ] {
        let error = outcome(&world, sql).await.expect_err(sql);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Config, code), "{sql}: {error}");
        assert!(error.remedy().is_some() && !error.message().contains('\n'), "{sql}: {error}");
    }
    assert!(!file.exists());
    assert_eq!(world.count("SELECT sum(id)::UBIGINT FROM t"), 1);
    assert_eq!(world.count("SELECT nextval('numbers')::UBIGINT"), 1);
}

#[tokio::test]
async fn a_query_that_fails_half_way_ends_with_one_clear_line() {
    let world = World::new();
    let sql = "SELECT CASE WHEN range = 900000 THEN ('secret ' || range)::INTEGER ELSE range END AS id FROM range(1000000)";
    let plan = world.plan(&query(sql)).await.unwrap();
    let (row_count, error) = loop {
        let failed = failing_read(&world, &plan).await;
        // The thread that only was stopped may have been the first to say so; the next attempt says more.
        if failed.1.code() != "database_interrupted" {
            break failed;
        }
        assert_eq!(failed.1.kind(), ErrorKind::Unavailable);
    };
    assert!(row_count > 0 && row_count < 900_000, "{row_count} rows came before");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Data, "query_failed"));
    assert_eq!(error.to_string(), "query asked failed while it was read (DuckDB: conversion error)");
    assert!(!format!("{error:?}").contains("secret"));
}

/// Reads until the failure; the rows that came before it.
async fn failing_read(world: &World, plan: &StreamPlan) -> (usize, Error) {
    let mut read = world.source.read(plan).await.unwrap();
    let (mut row_count, mut failure) = (0, None);
    while let Some(event) = read.events.next().await {
        assert!(failure.is_none(), "nothing follows a failure");
        match event {
            Ok(ReadEvent::Batch(batch)) => row_count += batch.rows.num_rows(),
            Ok(ReadEvent::End(_)) => panic!("a read that failed has no end"),
            Err(error) => failure = Some(error),
        }
    }
    (row_count, failure.unwrap())
}

#[tokio::test]
async fn a_table_that_changes_between_plan_and_read_is_not_read() {
    let world = World::new();
    world.execute("CREATE TABLE t (id BIGINT, name VARCHAR)");
    let plan = world.plan(&table("t")).await.unwrap();
    world.execute("ALTER TABLE t ALTER name TYPE INTEGER");
    let error = world.source.read(&plan).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::SchemaChanged, "columns_changed"));
}

#[tokio::test]
async fn a_read_is_one_snapshot_and_holds_up_no_writer() {
    let world = World::new();
    world.execute("CREATE TABLE t AS SELECT range AS id FROM range(400000)");
    let plan = world.plan(&table("t")).await.unwrap();
    let mut read = world.source.read(&plan).await.unwrap();
    let first = read.events.next().await.unwrap().unwrap();
    world.execute("INSERT INTO t SELECT range FROM range(1000); DELETE FROM t WHERE id < 100000");
    let ReadEvent::Batch(first) = first else { panic!("rows come first") };
    let mut row_count = first.rows.num_rows();
    while let Some(event) = read.events.next().await {
        if let ReadEvent::Batch(batch) = event.unwrap() {
            row_count += batch.rows.num_rows();
        }
    }
    assert_eq!(row_count, 400_000);
}

/// The runtime waits for its threads when it goes, so these end only if the statement was stopped.
#[test]
fn a_read_that_nobody_wants_any_more_is_stopped() {
    let has_rows = "SELECT range AS id FROM range(100000000000000)";
    let has_none = "SELECT count(*) AS id FROM range(100000000000000)";
    for sql in [has_rows, has_none] {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let plan = world.plan(&query(sql)).await.unwrap();
            let mut read = world.source.read(&plan).await.unwrap();
            if sql == has_rows {
                read.events.next().await.unwrap().unwrap();
            } else {
                assert!(read.events.next().now_or_never().is_none());
            }
        });
    }
}

/// Batches on their way are few, whatever the number of rows: five million of them take no more than some tens of
/// mebibytes. What the process has at most held is in the kernel's books.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_bounded_however_many_rows_there_are() {
    let world = World::new();
    let sql = "SELECT range AS id, range::DOUBLE AS x, 'a text of some length for row ' || range AS name,
                      make_timestamp(range) AS changed_at FROM range(5000000)";
    let plan = world.plan(&query(sql)).await.unwrap();
    let before = resident_kib_max();
    let mut read = world.source.read(&plan).await.unwrap();
    let (mut row_count, mut bytes, mut largest) = (0, 0, 0);
    while let Some(event) = read.events.next().await {
        if let ReadEvent::Batch(batch) = event.unwrap() {
            row_count += batch.rows.num_rows();
            bytes += batch.byte_size();
            largest = largest.max(batch.rows.num_rows());
        }
    }
    let grown_kib = resident_kib_max() - before;
    println!("{row_count} rows, {} MiB, peak memory grew by {} MiB", bytes >> 20, grown_kib >> 10);
    assert_eq!(row_count, 5_000_000);
    assert!(largest <= 16_384 + 2_048);
    assert!(bytes as u64 / 1024 > 3 * grown_kib, "{grown_kib} KiB for {bytes} bytes");
}

#[cfg(target_os = "linux")]
fn resident_kib_max() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
