//! Revenue matched to activity, from a customer's tables to the report.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::imports::{rows, run, sync_called};
use crate::world::World;

/// Deals of every kind: two of one company, one without a company, a refund, a currency without a rate, one without activity.
const CRM: &[&str] = &[
    "CREATE TABLE CRM.SALES.OPPS (ID VARCHAR NOT NULL, CONTACT_EMAIL VARCHAR, WEBSITE VARCHAR, AMOUNT NUMBER(12,2), CURRENCY VARCHAR, \
     CLOSE_DATE DATE, STAGE VARCHAR, PERIOD VARCHAR, REFUND_OF VARCHAR, UPDATED_AT TIMESTAMP_NTZ(6))",
    "INSERT INTO CRM.SALES.OPPS VALUES \
     ('o1', NULL, 'https://WWW.Acme.com/', 1000, 'EUR', '2026-03-31', 'Won', NULL, NULL, '2026-04-01 00:00:00'), \
     ('o2', 'jo@acme.com', NULL, 100, 'USD', '2026-03-10', 'Won', 'month', NULL, '2026-04-01 00:00:00'), \
     ('o3', 'sam@gmail.com', NULL, 50, 'EUR', '2026-03-31', 'Won', NULL, NULL, '2026-04-01 00:00:00'), \
     ('o4', NULL, 'globex.com', 500, 'SEK', '2026-03-01', 'Won', NULL, NULL, '2026-04-01 00:00:00'), \
     ('o5', NULL, 'acme.com', -200, 'EUR', '2026-05-01', 'Refunded', NULL, 'o1', '2026-04-01 00:00:00'), \
     ('o6', 'jo@acme.com', NULL, 9000, 'EUR', '2026-03-31', 'Lost', NULL, NULL, '2026-04-01 00:00:00')",
    "CREATE TABLE CRM.SALES.ACTIVITY (ID NUMBER(9,0) NOT NULL, EMAIL VARCHAR, KIND VARCHAR, DATE TIMESTAMP_NTZ(6), DEAL_ID VARCHAR, \
     UPDATED_AT TIMESTAMP_NTZ(6))",
    "INSERT INTO CRM.SALES.ACTIVITY VALUES \
     (1, 'al@acme.com', 'Meeting', '2026-03-05 10:00:00', NULL, '2026-04-01 00:00:00'), \
     (2, 'jo@acme.com', 'Email', '2026-03-08 10:00:00', NULL, '2026-04-01 00:00:00'), \
     (3, 'al@gmail.com', 'Call', '2026-03-08 10:00:00', NULL, '2026-04-01 00:00:00'), \
     (4, 'x@globex.com', 'Call', '2026-03-02 10:00:00', NULL, '2026-04-01 00:00:00')",
];

const DEALS: &str = "
stream: CRM.SALES.OPPS
read: { incremental: { cursor: UPDATED_AT }, key: [ID] }
dataset: { objects: { type: deal, company_domain: WEBSITE } }
match:
  won: [Won]
  priority: [Meeting, Call]
  main_currency: EUR
  rates: { USD: 0.9 }
";

const ACTIVITY: &str = "
stream: CRM.SALES.ACTIVITY
read: { incremental: { cursor: UPDATED_AT }, key: [ID] }
dataset: { custom_actions: { action_name: KIND } }
";

async fn both(world: &World) -> (PathBuf, PathBuf) {
    world.sql(CRM);
    let (deals, activity) = (sync_called(world, "opps", DEALS), sync_called(world, "activity", ACTIVITY));
    run(world, &deals).await;
    run(world, &activity).await;
    (deals, activity)
}

/// Each deal with the name of its activity, or why it has none.
fn matches(world: &World) -> Vec<String> {
    let query = "SELECT deal.deal_id || ' ' || action_name || ' ' || match_rule AS line
         FROM model.opportunity_revenue AS deal JOIN model.actions AS action ON action.action_id = deal.matched_action_id
         UNION ALL SELECT deal_id || ' ' || reason FROM model.opportunity_unmatched ORDER BY 1";
    rows(world, query).iter().map(|row| row["line"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn revenue_is_matched_after_pulls_and_what_changes_later_is_matched_again() {
    let world = World::start().await;
    let (deals, activity) = both(&world).await;
    let expected = [
        "o1 Meeting company_domain",
        "o2 Email email",
        "o3 no_activity",
        "o4 activity_after_close",
        "o5 Meeting refund_of",
    ];
    assert_eq!(matches(&world), expected);
    let money = rows(
        &world,
        "SELECT sum(amount_in_main_currency)::INT AS sum, count(*) AS n FROM model.opportunity_revenue",
    );
    assert_eq!(money, [json!({"sum": 1000 + 1080 - 200, "n": 3})]);

    world.sql(&[
        "INSERT INTO CRM.SALES.ACTIVITY VALUES (5, 'sam@gmail.com', 'Call', '2026-03-30 10:00:00', NULL, '2026-04-02 00:00:00')",
    ]);
    let done = run(&world, &activity).await;
    let report = &done["matches"][0];
    assert_eq!(
        (&report["sync_id"], &report["looked_at"], &report["changed"]),
        (&json!("opps"), &json!(1), &json!(1))
    );
    assert_eq!(matches(&world)[2], "o3 Call email");
    world
        .sql(&["UPDATE CRM.SALES.OPPS SET AMOUNT = 800, UPDATED_AT = '2026-04-03 00:00:00' WHERE ID = 'o1'"]);
    let shown = world.program(&["run", "-f", deals.to_str().unwrap()]).await.succeeded().stdout;
    for expected in [
        "matched opps: 4 of 5 deals (80.0 %)",
        "2 looked at, 1 with another outcome",
        "1 activity_after_close",
    ] {
        assert!(shown.contains(expected), "no `{expected}` in {shown}");
    }
    let history = rows(
        &world,
        "SELECT deal_id, amount::INT AS amount FROM model.opportunity_history WHERE match_rule IS NOT NULL",
    );
    assert_eq!(history, [json!({"deal_id": "o1", "amount": 1000})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_tells_of_every_deal_and_changes_nothing_the_second_time() {
    let world = World::start().await;
    let (deals, activity) = both(&world).await;
    let path = deals.to_str().unwrap();
    let shown = world.program(&["match", "-f", path, "--full"]).await.succeeded().stdout;
    for expected in [
        "matched opps: 3 of 5 deals (60.0 %)",
        "5 looked at, 0 with another outcome",
        "by rule: 1 company_domain, 1 email, 1 refund_of",
        "matched revenue: 800 EUR, 1,200 USD",
        "unmatched revenue: 50 EUR, 500 SEK",
        "1 deals are in a currency without a rate to EUR",
        "activity_after_close",
    ] {
        assert!(shown.contains(expected), "no `{expected}` in {shown}");
    }
    let told = world.program(&["match", "-f", path, "--json"]).await.succeeded().stdout;
    let event: Value = serde_json::from_str(told.trim()).unwrap();
    assert_eq!(
        (&event["report"]["looked_at"], &event["report"]["changed"]),
        (&json!(0), &json!(0)),
        "{event}"
    );

    let ended = world.program(&["match", "-f", activity.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("does not say how its deals are matched"), "{}", ended.stderr);
    let without = DEALS.split("match:").next().unwrap();
    run(&world, &sync_called(&world, "opps", without)).await;
    assert_eq!(matches(&world), Vec::<String>::new(), "what is not asked for any more is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_own_actions_are_matched_again_only_once_they_have_changed() {
    let world = World::start().await;
    let (deals, _) = both(&world).await;
    let vendor = |sql: &str| {
        let database = connectors::duckdb::TenantDatabase::open(world.tenant_file()).unwrap();
        database.connect().unwrap().execute_batch(sql).unwrap();
    };
    let matched = async || {
        let done = run(&world, &deals).await;
        assert_eq!(done["report"]["is_unchanged"], true);
        done["matches"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(matched().await, 0);
    vendor(
        "CREATE SCHEMA own; CREATE TABLE own.actions (action_id INTEGER, identity VARCHAR, action_name VARCHAR, action_date TIMESTAMP);
         INSERT INTO own.actions VALUES (1, 'sam@gmail.com', 'Demo', '2026-03-30 10:00:00')",
    );
    assert_eq!(matched().await, 1);
    assert_eq!(matches(&world)[2], "o3 Demo email");
    assert_eq!(matched().await, 0, "they are what they were");
    vendor("UPDATE own.actions SET action_name = 'Call'");
    world.program(&["match", "-f", deals.to_str().unwrap()]).await.succeeded();
    vendor("UPDATE own.actions SET action_name = 'Demo'");
    assert_eq!(matched().await, 1, "they were looked at for other matches");
    assert_eq!(matches(&world)[2], "o3 Demo email");
    vendor("DROP TABLE own.actions");
    assert_eq!(matched().await, 1);
    assert_eq!(matches(&world)[2], "o3 no_activity");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_work_are_told_at_their_line() {
    let world = World::start().await;
    world.sql(CRM);
    for (rest, expected) in [
        (DEALS.replace("priority: [Meeting, Call]", "rules: [e-mail]"), "e-mail"),
        (DEALS.replace("main_currency: EUR", "main_currency: Euro"), "ISO 4217"),
        (DEALS.replace("type: deal", "type: user"), "is for pulls of deals"),
        (DEALS.replace("priority", "priorities"), "priorities"),
    ] {
        let file = sync_called(&world, "opps", &rest);
        let ended = world.program(&["run", "-f", file.to_str().unwrap()]).await;
        assert_eq!(ended.code, Some(3), "{rest}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(expected) && ended.stderr.contains("opps.yaml:"),
            "{rest}: {}",
            ended.stderr
        );
    }
    let file = sync_called(&world, "opps", DEALS);
    let ended = world.program(&["match", "-f", file.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(6), "{}", ended.stderr);
}
