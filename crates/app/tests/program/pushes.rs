//! Pushes that end well, and what they say.

use crate::pulls::last_event;
use crate::push_world::{APPEND, Push, REWRITE, UPSERT};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_append_delivers_everything_once_and_then_only_additions() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    push.add(0..1_000);
    push.run(&[]).await.succeeded();
    push.assert_delivered(0..1_000, "after the first run").await;

    // 1,000 to 1,004 share their instant with nobody; 1,005 to 1,009 come later into it.
    push.add(1_000..1_005);
    push.run(&[]).await.succeeded();
    push.add(1_005..1_040);
    let ended = push.run(&["--json"]).await.succeeded();
    push.assert_delivered(0..1_040, "after additions").await;
    let done = last_event(&ended.stdout);
    assert_eq!(done["report"]["inserted"], 35, "{done}");
    assert_eq!(done["delivery"]["step"], "done", "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_with_nothing_new_uploads_nothing() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    push.add(0..10);
    push.run(&[]).await.succeeded();
    let before = (world.statements_sent("PUT "), world.statements_sent("COPY INTO"));
    let shown = push.run(&[]).await.succeeded().stdout;
    assert!(shown.contains("0 added"), "{shown}");
    assert_eq!((world.statements_sent("PUT "), world.statements_sent("COPY INTO")), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewrite_leaves_exactly_the_rows_of_the_stream_in_the_table() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", REWRITE);
    world.sql(&["INSERT INTO ANALYTICS.VENDOR.ACTIONS (ID) VALUES (-1), (-2)"]);
    for count in [300, 200] {
        push.vendor("DELETE FROM product.actions");
        push.add(0..count);
        push.run(&[]).await.succeeded();
        push.assert_delivered(0..count, "after a rewrite").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_replaces_adds_and_removes() {
    let world = World::start().await;
    let push =
        Push::new(&world, "ACTIONS", ("write: upsert\nread: { key: [id] }\n", "INSERT, UPDATE, DELETE"));
    push.add(0..100);
    push.run(&[]).await.succeeded();
    push.vendor(
        "ALTER TABLE product.actions ADD COLUMN is_gone BOOLEAN DEFAULT false;
         UPDATE product.actions SET name = 'renamed' WHERE id < 10;
         UPDATE product.actions SET is_gone = true WHERE id >= 95;
         INSERT INTO product.actions VALUES (100, 'new', NULL, false)",
    );
    push.write("write: { upsert: { delete_flag: is_gone } }\nread: { key: [id] }\n");
    push.run(&[]).await.succeeded();
    let mut expected: Vec<i64> = (0..95).collect();
    expected.push(100);
    assert_eq!(push.ids().await, expected);
    let renamed = world.ask("SELECT COUNT(*) FROM ANALYTICS.VENDOR.ACTIONS WHERE NAME = 'renamed'").await;
    assert_eq!(renamed, [["10"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let world = World::start().await;
    for (number, (mode, expected)) in
        [(APPEND, "40 added"), (REWRITE, "40 added, 3 removed"), (UPSERT, "40 rows would be sent")]
            .into_iter()
            .enumerate()
    {
        let push = Push::new(&world, &format!("ACTIONS_{number}"), mode);
        let old = format!("INSERT INTO ANALYTICS.VENDOR.ACTIONS_{number} (ID) VALUES (-3), (-2), (-1)");
        world.sql(&[&old]);
        push.add(0..40);
        let shown = push.run(&["--dry-run"]).await.succeeded().stdout;
        assert!(shown.contains(expected) && shown.contains("nothing was changed"), "{shown}");
        push.assert_delivered(-3..0, "after a dry run").await;
        push.run(&[]).await.succeeded();
        assert!(push.ids().await.ends_with(&(0..40).collect::<Vec<i64>>()), "a dry run moved the position");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_verdicts_statements_and_grants_and_changes_nothing() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    push.add(0..10);
    let shown = push.program("plan", &[]).await.succeeded().stdout;
    for expected in [
        "NUMBER(18,0) NOT NULL",
        "checked",
        "text_too_long",
        "COPY INTO \"ANALYTICS\".\"VENDOR\".\"ACTIONS\" (\"ID\", \"NAME\", \"HAPPENED_AT\")",
        "GRANT INSERT ON TABLE \"ANALYTICS\".\"VENDOR\".\"ACTIONS\" TO ROLE \"WRITE_ACTIONS\";",
    ] {
        assert!(shown.contains(expected), "no `{expected}` in {shown}");
    }
    push.assert_delivered(0..0, "after a plan").await;
    let json: serde_json::Value =
        serde_json::from_str(&push.program("plan", &["--json"]).await.succeeded().stdout).unwrap();
    assert_eq!(json["mapping"][0]["verdict"], "checked");
    assert_eq!((&json["target_rows"], &json["is_created"]), (&0.into(), &false.into()));
    assert!(json["statements"].as_array().unwrap().len() >= 3, "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_goes_through_every_privilege_and_names_the_missing_grant() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", REWRITE);
    let shown = push.program("check", &[]).await.succeeded().stdout;
    for step in ["vendor database", "stream", "log-in", "role", "virtual warehouse", "target", "columns"] {
        assert!(shown.lines().any(|line| line.starts_with("ok") && line.contains(step)), "{step}: {shown}");
    }
    world.sql(&["REVOKE DELETE ON TABLE ANALYTICS.VENDOR.ACTIONS FROM ROLE WRITE_ACTIONS"]);
    let ended = push.program("check", &[]).await;
    assert_eq!(ended.code, Some(5), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("fail privilege          DELETE ON TABLE"), "{}", ended.stdout);
    let grant = "GRANT DELETE ON TABLE \"ANALYTICS\".\"VENDOR\".\"ACTIONS\" TO ROLE \"WRITE_ACTIONS\";";
    assert!(ended.stderr.contains(grant), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_lists_what_the_vendor_database_holds() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    let shown = push.program("discover", &["--columns"]).await.succeeded().stdout;
    assert!(shown.contains("product.actions") && shown.contains("BIGINT"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_go_where_the_sync_file_says() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", REWRITE);
    world.sql(&["ALTER TABLE ANALYTICS.VENDOR.ACTIONS RENAME COLUMN ID TO ACTION"]);
    push.write("write: rewrite\ncolumns: { id: ACTION, name: name }\n");
    push.add(0..5);
    push.run(&[]).await.succeeded();
    let rows = world.ask("SELECT ACTION, NAME FROM ANALYTICS.VENDOR.ACTIONS ORDER BY 1 LIMIT 1").await;
    assert_eq!(rows, [["0", "action 0"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_where_that_is_asked_for_and_granted() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    world.sql(&["DROP TABLE ANALYTICS.VENDOR.ACTIONS"]);
    push.write(&format!("create_table: true\n{}", APPEND.0));
    push.add(0..5);
    let shown = push.program("plan", &[]).await.succeeded().stdout;
    assert!(shown.contains("CREATE TABLE") && shown.contains("would be made"), "{shown}");
    let refused = push.run(&[]).await;
    assert_eq!(refused.code, Some(5), "{}{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.contains("GRANT CREATE TABLE ON SCHEMA"), "{}", refused.stderr);
    world.sql(&["GRANT CREATE TABLE ON SCHEMA ANALYTICS.VENDOR TO ROLE WRITE_ACTIONS"]);
    push.run(&[]).await.succeeded();
    push.assert_delivered(0..5, "in the new table").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_fit_are_left_out_told_and_kept() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", REWRITE);
    push.write("write: rewrite\nread: { key: [id] }\non_misfit: quarantine\n");
    push.add(0..20);
    push.vendor("UPDATE product.actions SET name = repeat('x', 31) WHERE id IN (18, 19)");
    let shown = push.run(&[]).await.succeeded().stdout;
    assert!(shown.contains("2 rows left out"), "{shown}");
    assert!(shown.contains("NAME: 2 text_too_long (keys 18, 19)"), "{shown}");
    push.assert_delivered(0..18, "without the two").await;
    let sql = "select key_json, rule from _snowferry.rejects order by key_json";
    let kept = push.program("query", &["--json", sql]).await.succeeded().stdout;
    assert_eq!(kept.lines().count(), 2, "{kept}");
    assert!(kept.contains("text_too_long"), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_a_pushs_json_output_is_an_event() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    push.add(0..100);
    let ended = push.run(&["--json"]).await.succeeded();
    let events = ended.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let names: Vec<String> = events.map(|event| event["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names.last().map(String::as_str), Some("done"));
}
