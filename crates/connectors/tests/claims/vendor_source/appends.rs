//! Reads for a table that rows are only added to: each row is given once, ties and all.

use model::{EndOfRead, ErrorKind, NullCursor, Result, StreamName, StreamPlan, WriteSpec};

use super::world::{World, by_cursor, shown, table};

async fn plan(world: &World, stream: &StreamName, end: Option<&EndOfRead>) -> Result<StreamPlan> {
    world.plan_with(stream, by_cursor("changed_at", NullCursor::Exclude), WriteSpec::Append, end).await
}

/// The ids of the rows that one run would append, and where it ends.
async fn appended(world: &World, end: Option<&EndOfRead>) -> (Vec<String>, EndOfRead) {
    let plan = plan(world, &table("t"), end).await.unwrap();
    let (rows, end) = world.read(&plan).await.unwrap();
    let mut ids: Vec<String> = (0..rows.num_rows()).map(|row| shown(rows.column(0), row)).collect();
    ids.sort();
    (ids, end)
}

#[tokio::test]
async fn a_row_that_ties_with_the_watermark_is_appended_once() {
    let world = World::new();
    world.execute("CREATE TABLE t (id VARCHAR, changed_at TIMESTAMP); INSERT INTO t VALUES ('a', '2026-01-01'), ('b', '2026-01-02')");
    let (ids, end) = appended(&world, None).await;
    assert_eq!(ids, ["a", "b"]);
    world.execute("INSERT INTO t VALUES ('c', '2026-01-02'), ('none', NULL)");
    let (ids, end) = appended(&world, Some(&end)).await;
    assert_eq!(ids, ["c"]);
    let (ids, same) = appended(&world, Some(&end)).await;
    assert_eq!((ids.len(), &same.cursor), (0, &end.cursor));
    world.execute("INSERT INTO t VALUES ('d', '2026-01-02'), ('e', '2026-01-03')");
    let (ids, end) = appended(&world, Some(&same)).await;
    assert_eq!(ids, ["d", "e"]);
    world.execute("DELETE FROM t WHERE id = 'e'; INSERT INTO t VALUES ('f', '2026-01-03')");
    let (ids, end) = appended(&world, Some(&end)).await;
    assert_eq!(ids, ["f"]);
    world.execute("INSERT INTO t VALUES ('e', '2026-01-03')");
    let (ids, _) = appended(&world, Some(&end)).await;
    assert!(ids.is_empty(), "a row that was delivered, went and came back is the same row");
}

#[tokio::test]
async fn ties_that_span_batches_are_all_remembered() {
    let world = World::new();
    // The highest value comes early and late, and others pass for the highest on the way.
    world.execute(
        "CREATE TABLE t AS SELECT range AS id, CASE WHEN range % 3 = 0 THEN DATE '2026-06-01'
             ELSE DATE '2026-01-01' + (range % 100)::INTEGER END AS changed_at FROM range(200000)",
    );
    let (ids, end) = appended(&world, None).await;
    assert_eq!(ids.len(), 200_000);
    world.execute("INSERT INTO t VALUES (-1, '2026-06-01')");
    let (ids, _) = appended(&world, Some(&end)).await;
    assert_eq!(ids, ["-1"]);
}

#[tokio::test]
async fn more_ties_than_a_position_can_hold_are_an_error_only_at_the_very_end() {
    let world = World::new();
    world.execute("CREATE TABLE t AS SELECT range AS id, DATE '2026-01-01' AS changed_at FROM range(100001)");
    let plan = plan(&world, &table("t"), None).await.unwrap();
    let error = world.read(&plan).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Data, "cursor_too_coarse"));
    world.execute("INSERT INTO t VALUES (-1, '2026-01-02')");
    assert_eq!(world.read(&plan).await.unwrap().0.num_rows(), 100_002);
    world.execute("DELETE FROM t WHERE id < 1");
    let (rows, _) = world.read(&plan).await.unwrap();
    assert_eq!(rows.num_rows(), 100_000, "as many as a position holds are no error");
}

#[tokio::test]
async fn another_key_than_before_is_refused() {
    let world = World::new();
    world.execute("CREATE TABLE t (id BIGINT, changed_at DATE); INSERT INTO t VALUES (1, '2026-01-01')");
    let (_, end) = appended(&world, None).await;
    world.execute("ALTER TABLE t ALTER id TYPE VARCHAR");
    let plan = plan(&world, &table("t"), Some(&end)).await.unwrap();
    let error = world.read(&plan).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::SchemaChanged, "append_key_changed"));
}

#[tokio::test]
async fn a_position_that_an_append_did_not_reach_is_refused() {
    let world = World::new();
    world.execute("CREATE TABLE t (id BIGINT, changed_at DATE); INSERT INTO t VALUES (1, '2026-01-01')");
    let upsert = WriteSpec::Upsert { delete_flag: None };
    let upserted = world
        .plan_with(&table("t"), by_cursor("changed_at", NullCursor::Exclude), upsert, None)
        .await
        .unwrap();
    let (_, end) = world.read(&upserted).await.unwrap();
    let plan = plan(&world, &table("t"), Some(&end)).await.unwrap();
    assert_eq!(world.read(&plan).await.unwrap_err().code(), "cursor_not_of_append");
}
