//! Mistakes in pushes: one clear line each with a remedy, the target as it was, and no file left behind.

use crate::push_world::{APPEND, Push, REWRITE, UPSERT};
use crate::world::{Ended, World};

/// A run that cannot work; its words must hold `expected` and a remedy.
#[track_caller]
fn refused(ended: &Ended, code: i32, expected: &str) {
    assert_eq!(ended.code, Some(code), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains(expected), "no `{expected}` in: {}", ended.stderr);
    assert!(ended.stderr.contains("to do: "), "no remedy in: {}", ended.stderr);
}

/// A push into a table that holds the rows -3 to -1, which a refusal must leave alone.
fn with_rows<'a>(world: &'a World, mode: (&str, &str)) -> Push<'a> {
    let push = Push::new(world, "ACTIONS", mode);
    world.sql(&["INSERT INTO ANALYTICS.VENDOR.ACTIONS (ID) VALUES (-3), (-2), (-1)"]);
    push.add(0..100);
    push
}

/// Runs a push that must be refused, and leave everything as it was.
async fn run_refused(push: &Push<'_>, code: i32, expected: &str) {
    refused(&push.run(&[]).await, code, expected);
    push.assert_delivered(-3..0, expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_does_not_exist() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    world.sql(&["DROP TABLE ANALYTICS.VENDOR.ACTIONS"]);
    refused(&push.run(&[]).await, 6, "ANALYTICS.VENDOR.ACTIONS does not exist");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_only_read() {
    let world = World::start().await;
    let push = with_rows(&world, (APPEND.0, "SELECT"));
    let grant = "GRANT INSERT ON TABLE \"ANALYTICS\".\"VENDOR\".\"ACTIONS\" TO ROLE \"WRITE_ACTIONS\";";
    run_refused(&push, 5, grant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_too_long_among_many() {
    let world = World::start().await;
    let push = with_rows(&world, APPEND);
    push.add(100..50_000);
    push.vendor("UPDATE product.actions SET name = repeat('ü', 31) WHERE id = 33333");
    run_refused(&push, 7, "column NAME: 1 row break text_too_long (keys: 33333)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_no_json_and_text_that_is_too_large() {
    let world = World::start().await;
    let push = with_rows(&world, APPEND);
    world.sql(&[
        "ALTER TABLE ANALYTICS.VENDOR.ACTIONS ADD COLUMN DETAILS VARIANT",
        "ALTER TABLE ANALYTICS.VENDOR.ACTIONS ADD COLUMN NOTE VARCHAR(16777216)",
    ]);
    push.vendor(
        "ALTER TABLE product.actions ADD COLUMN details VARCHAR; UPDATE product.actions SET details = '{'",
    );
    run_refused(&push, 7, "column DETAILS").await;
    push.vendor(
        "ALTER TABLE product.actions DROP COLUMN details; ALTER TABLE product.actions ADD COLUMN note VARCHAR;
         UPDATE product.actions SET note = repeat('x', 17 * 1024 * 1024) WHERE id = 7",
    );
    run_refused(&push, 7, "column NOTE: 1 row").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_repeat_in_an_upsert() {
    let world = World::start().await;
    let push = with_rows(&world, UPSERT);
    push.add(0..1);
    run_refused(&push, 7, "repeat a key").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_query_that_fails_half_way() {
    let world = World::start().await;
    let push = with_rows(&world, REWRITE);
    let text = std::fs::read_to_string(&push.file).unwrap();
    push.add(100..200_000);
    push.vendor("INSERT INTO product.actions VALUES (200000, 'no number', NULL)");
    let query = "select id, name, happened_at, case when name like 'no%' then error('half way') end as note from product.actions";
    let text =
        text.replace("stream: product.actions", &format!("stream: {{ name: broken, query: \"{query}\" }}"));
    std::fs::write(&push.file, text).unwrap();
    world.sql(&["ALTER TABLE ANALYTICS.VENDOR.ACTIONS ADD COLUMN NOTE VARCHAR"]);
    let ended = push.run(&[]).await;
    assert!(matches!(ended.code, Some(3 | 7)), "{}{}", ended.stdout, ended.stderr);
    push.assert_delivered(-3..0, "after half a query").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_the_target_does_not_have() {
    let world = World::start().await;
    let push = with_rows(&world, APPEND);
    push.vendor("ALTER TABLE product.actions ADD COLUMN extra INTEGER");
    run_refused(&push, 3, "extra: the table has no such column").await;
    let ended = push.program("plan", &[]).await;
    assert!(ended.stdout.contains("refused"), "{}", ended.stdout);
    refused(&ended, 3, "extra: the table has no such column");
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_are_quoted_wherever_they_stand() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    world.sql(&[
        r#"CREATE TABLE ANALYTICS.VENDOR."odd ""table""" ("select" NUMBER(18,0), "na me" VARCHAR, HAPPENED_AT TIMESTAMP_NTZ)"#,
        r#"GRANT INSERT ON TABLE ANALYTICS.VENDOR."odd ""table""" TO ROLE WRITE_ACTIONS"#,
    ]);
    push.vendor(
        r#"CREATE TABLE product."or""der" AS SELECT 7 AS "select", 'x' AS "na me", TIMESTAMP '2026-01-01' AS happened_at"#,
    );
    let text = std::fs::read_to_string(&push.file).unwrap();
    let text = text
        .replace("stream: product.actions", r#"stream: 'product."or""der"'"#)
        .replace("target: ANALYTICS.VENDOR.ACTIONS", r#"target: 'ANALYTICS.VENDOR."odd ""table"""'"#)
        .replace("key: [id]", "key: [select]");
    std::fs::write(&push.file, text).unwrap();
    push.run(&[]).await.succeeded();
    let rows = world.ask(r#"SELECT "select", "na me" FROM ANALYTICS.VENDOR."odd ""table""""#).await;
    assert_eq!(rows, [["7", "x"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_guard_stops_before_any_change_and_is_lifted_by_its_name() {
    let world = World::start().await;
    let push = with_rows(&world, REWRITE);
    push.run(&[]).await.succeeded();

    push.vendor("DELETE FROM product.actions WHERE id >= 40");
    lifted(&push, "max_shrink", 100, 40).await;
    push.write("write: rewrite\nexpected_rows: 41\n");
    lifted(&push, "expected_rows", 40, 40).await;
    push.write("write: rewrite\n");
    push.vendor("DELETE FROM product.actions");
    lifted(&push, "empty_source", 40, 0).await;

    push.add(0..10);
    world.sql(&[
        "CREATE OR REPLACE TABLE ANALYTICS.VENDOR.ACTIONS (ID NUMBER(18,0), NAME VARCHAR(30), HAPPENED_AT TIMESTAMP_NTZ(6))",
        "GRANT INSERT, DELETE ON TABLE ANALYTICS.VENDOR.ACTIONS TO ROLE WRITE_ACTIONS",
    ]);
    lifted(&push, "target_recreated", 0, 10).await;
    push.vendor("ALTER TABLE product.actions DROP COLUMN name");
    lifted(&push, "missing_columns", 10, 10).await;
}

/// The guard stops a run and leaves `before` rows; its override lets the run through to `after`.
async fn lifted(push: &Push<'_>, guard: &str, before: i64, after: i64) {
    let ended = push.run(&[]).await;
    assert!(ended.stderr.contains(&format!("error[{guard}]")), "{guard}: {}{}", ended.stdout, ended.stderr);
    push.assert_delivered(0..before, guard).await;
    push.run(&["--override", guard]).await.succeeded();
    push.assert_delivered(0..after, guard).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_not_written_to() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    world.sql(&[
        "DROP TABLE ANALYTICS.VENDOR.ACTIONS",
        "CREATE VIEW ANALYTICS.VENDOR.ACTIONS AS SELECT 1 AS ID",
        "GRANT SELECT ON VIEW ANALYTICS.VENDOR.ACTIONS TO ROLE WRITE_ACTIONS",
    ]);
    refused(&push.run(&[]).await, 3, "is a view");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_is_not_begun_anew() {
    let world = World::start().await;
    let push = with_rows(&world, APPEND);
    refused(&push.run(&["--full-refresh"]).await, 3, "again");
    push.assert_delivered(-3..0, "after the refusal").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_database_that_is_not_there() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    let text = std::fs::read_to_string(&push.file).unwrap().replace("tenant: actions", "tenant: nobody");
    std::fs::write(&push.file, text).unwrap();
    refused(&push.run(&[]).await, 6, "does not exist");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_does_not_exist_and_flags_of_pushes_on_a_pull() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    let ended = push.run(&["--override", "everything"]).await;
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("max_shrink"), "the guards are not listed: {}", ended.stderr);
    let pull = world.sync(crate::world::DEALS);
    let ended = world.program(&["run", "-f", pull.to_str().unwrap(), "--dry-run"]).await;
    refused(&ended, 3, "--dry-run is for pushes");
}
