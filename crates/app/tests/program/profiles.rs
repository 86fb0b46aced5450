//! Cursors before they are followed: what is recommended, what `plan` refuses, and what a first run refuses.

use std::path::PathBuf;

use crate::world::{Deal, World, deals};

/// Two thousand deals, with good columns and bad ones.
const DEALS: &str = "CREATE TABLE CRM.SALES.LABELLED AS SELECT \
    SEQ4() AS DEAL_ID, \
    DATEADD('second', -SEQ4(), '2026-03-01 12:00:00.123'::TIMESTAMP_NTZ(9))::TIMESTAMP_NTZ(9) AS UPDATED_AT, \
    DATEADD('day', -MOD(SEQ4(), 300), '2026-03-01'::DATE) AS CLOSE_DATE, \
    IFF(MOD(SEQ4(), 2) = 0, NULL, '2026-02-01'::TIMESTAMP_LTZ(9)) AS SYNCED_AT, \
    FLOOR(SEQ4() / 4)::NUMBER(18,0) AS ACCOUNT_ID, \
    'deal' AS NAME \
    FROM TABLE(GENERATOR(ROWCOUNT => 2000))";

async fn labelled(read: &str) -> (World, PathBuf) {
    let world = World::start().await;
    world.sql(&[DEALS]);
    let file = following(&world, read);
    (world, file)
}

fn following(world: &World, read: &str) -> PathBuf {
    world.sync(&format!("stream: CRM.SALES.LABELLED\n{read}\n"))
}

/// What is said between two of its headings.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let from = text.find(start).unwrap_or_else(|| panic!("no `{start}` in {text}"));
    let length = text[from..].find(end).unwrap_or_else(|| panic!("no `{end}` in {text}"));
    text[from..from + length].trim_end()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_shows_what_was_found_and_says_why_it_recommends_what() {
    let (world, file) = labelled("").await;
    let arguments = ["discover", "-f", file.to_str().unwrap(), "--profile", "crm.sales.labelled"];
    let shown = world.program(&arguments).await.succeeded().stdout;
    assert!(shown.starts_with("CRM.SALES.LABELLED: 2,000 rows, change tracking is off\n"), "{shown}");
    let row = |name: &str| shown.lines().find(|line| line.contains(name)).unwrap().replace(' ', "");
    assert!(
        row("SYNCED_AT").starts_with("│SYNCED_AT┆TIMESTAMP_LTZ(9)┆1,000(50.0%)┆1┆1,000(50.0%)┆0┆2026-02-01"),
        "{shown}"
    );
    assert!(row("DEAL_ID").starts_with("│DEAL_ID┆NUMBER(19,0)┆0┆unique┆1(<0.1%)┆"), "{shown}");
    insta::assert_snapshot!(between(&shown, "Advice", "cost:"), @r"
    Advice
    cursor UPDATED_AT
      by its name UPDATED_AT says when a row was last written
      its newest value is more than 30 days old: is it still written?
      rows that are committed late have an earlier time, and a clock without a zone shows an hour twice when summer time ends
    key DEAL_ID
      DEAL_ID tells all 2000 rows apart
    not SYNCED_AT
      SYNCED_AT is NULL in 50 % of the rows, which every run would read
    not CLOSE_DATE
      by its name CLOSE_DATE belongs to what the row tells of, not to when it was written

    For the sync file
    read:
      incremental: { cursor: UPDATED_AT, lookback: 2h }
      key: [DEAL_ID]
    ");
    let cost = between(&shown, "cost:", "\n");
    assert!(cost.starts_with("cost: 1 statement over every row, 5 rows back ("), "{cost}");
    assert!(cost.ends_with(", on virtual warehouse WH"), "{cost}");
    assert_eq!(world.landed(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recommended_can_be_pasted_and_is_taken() {
    let (world, file) = labelled("").await;
    let arguments = ["discover", "-f", file.to_str().unwrap(), "--profile", "CRM.SALES.LABELLED", "--json"];
    let shown = world.program(&arguments).await.succeeded().stdout;
    let document: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(document["advice"]["cursor"]["column"], "UPDATED_AT");
    assert_eq!(document["advice"]["cursor"]["lookback_seconds"], 7_200);
    assert_eq!(document["profile"]["columns"][0]["name"], "DEAL_ID");
    let file = following(&world, document["read"].as_str().unwrap());
    let planned = world.program(&["plan", "-f", file.to_str().unwrap()]).await.succeeded().stdout;
    assert!(
        planned.contains(
            "UPDATED_AT looks safe: 0.0 % NULL, 0.1 % with the highest value, 0.0 % ahead of the clock, in 2,000 rows; \
             the key DEAL_ID never repeats"
        ),
        "{planned}"
    );
    world.program(&["run", "-f", file.to_str().unwrap()]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_safe_column_it_says_so() {
    let world = World::start().await;
    world.sql(&[
        "CREATE TABLE CRM.SALES.NOTHING AS SELECT SEQ4() AS ID, 'x' AS NAME FROM TABLE(GENERATOR(ROWCOUNT => 10))",
    ]);
    let file = world.sync("stream: CRM.SALES.NOTHING");
    let arguments = ["discover", "-f", file.to_str().unwrap(), "--profile", "CRM.SALES.NOTHING"];
    let shown = world.program(&arguments).await.succeeded().stdout;
    insta::assert_snapshot!(between(&shown, "Advice", "cost:"), @r"
    Advice
    no column is safe to follow: read everything each time, or let the customer run: ALTER TABLE CRM.SALES.NOTHING SET CHANGE_TRACKING = TRUE;
    key ID
      ID tells all 10 rows apart

    For the sync file
    read:
      full_refresh: {}
      key: [ID]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_refuses_an_unsafe_choice_unless_the_file_allows_it() {
    let (world, _) = labelled("").await;
    let unsafe_choices = [
        ("cursor: SYNCED_AT, null_cursor: exclude", "DEAL_ID", "cursor_unsafe"),
        ("cursor: UPDATED_AT", "ACCOUNT_ID", "key_unsafe"),
        ("cursor: UPDATED_AT", "SYNCED_AT", "key_unsafe"),
    ];
    for (choice, key, code) in unsafe_choices {
        let read = |allow: &str| format!("read:\n  incremental: {{ {choice}{allow} }}\n  key: [{key}]");
        let file = following(&world, &read(""));
        let ended = world.program(&["plan", "-f", file.to_str().unwrap()]).await;
        assert_eq!(ended.code, Some(3), "{choice} by {key}: {}", ended.stdout);
        assert!(ended.stderr.contains(&format!("error[{code}]")), "{}", ended.stderr);
        assert!(ended.stderr.contains("`unsafe: allow`"), "{}", ended.stderr);
        let file = following(&world, &read(", unsafe: allow"));
        world.program(&["plan", "-f", file.to_str().unwrap()]).await.succeeded();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_a_virtual_warehouse_says_that_nobody_looked() {
    let (world, file) = labelled("read: { incremental: { cursor: SYNCED_AT, null_cursor: exclude } }").await;
    world.sql(&["ALTER WAREHOUSE WH SUSPEND", "ALTER WAREHOUSE WH SET AUTO_RESUME = FALSE"]);
    let planned = world.program(&["plan", "-f", file.to_str().unwrap()]).await.succeeded().stdout;
    assert!(planned.contains("the values of cursor and key were not looked at: "), "{planned}");
}

/// A third of these has no time of the last change.
fn undated(count: i64) -> Vec<Deal> {
    let undate = |deal: Deal| Deal { updated_at: deal.updated_at.filter(|_| deal.id % 3 != 0), ..deal };
    deals(count).into_iter().map(undate).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_refuses_what_it_has_counted_and_goes_on_once_that_is_allowed() {
    let world = World::start().await;
    world.set_deals(&undated(2_000));
    let sync = |allow: &str| {
        world.sync(&format!(
            "stream: CRM.SALES.DEALS\nread:\n  incremental: {{ cursor: UPDATED_AT, null_cursor: exclude{allow} }}\n  key: [ID]\n"
        ))
    };
    let file = sync("");
    let ended = world.program(&["run", "-f", file.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(3), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("error[cursor_unsafe]"), "{}", ended.stderr);
    assert!(ended.stderr.contains("UPDATED_AT is NULL in 35 % of the rows"), "{}", ended.stderr);
    assert_eq!(world.landed(), None, "nothing is published");

    let file = sync(", unsafe: allow");
    world.program(&["run", "-f", file.to_str().unwrap()]).await.succeeded();
    let dated: Vec<Deal> = undated(2_000).into_iter().filter(|deal| deal.updated_at.is_some()).collect();
    world.assert_landed(&dated, "in the end");
    let reads =
        r#"SELECT "ID", "NAME", "UPDATED_AT" FROM "CRM"."SALES"."DEALS" WHERE "UPDATED_AT" IS NOT NULL"#;
    assert_eq!(world.statements_sent(reads), 1, "the rows that were read are not read again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_run_asks_for_no_virtual_warehouse_to_know_its_cursor() {
    let (world, file) = labelled("read: { incremental: { cursor: UPDATED_AT }, key: [DEAL_ID] }").await;
    world.program(&["run", "-f", file.to_str().unwrap()]).await.succeeded();
    world.program(&["run", "-f", file.to_str().unwrap()]).await.succeeded();
    assert_eq!(world.statements_sent("looked_at"), 0, "runs look at nothing but the rows that they read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_none_and_a_table_that_is_not_there_are_told_apart() {
    let (world, file) = labelled("").await;
    for (table, code) in
        [("DEALS", "error[name_invalid]"), ("CRM.SALES.NOWHERE", "error[snowflake_not_found]")]
    {
        let ended = world.program(&["discover", "-f", file.to_str().unwrap(), "--profile", table]).await;
        assert!(ended.stderr.contains(code), "{table}: {}", ended.stderr);
    }
}
