//! A mapping that is proposed from a sample, and works.

use serde_json::{Value, json};

use crate::imports::{rows, run};
use crate::world::World;

const TABLES: &[&str] = &[
    "CREATE TABLE CRM.SALES.ACTIVITY (ACTIVITY_KEY NUMBER(9,0) NOT NULL, CONTACT_MAIL VARCHAR, OCCURRED VARCHAR, KIND VARCHAR, COMPANY_SIZE NUMBER(9,0), \
     AMOUNT VARCHAR, LAST_CHANGED TIMESTAMP_NTZ(9))",
    "INSERT INTO CRM.SALES.ACTIVITY VALUES \
     (1, 'jo@acme.com', '01.03.2026 10:00', 'Meeting', 5, '€ 1.200,50', '2026-03-01 10:00:00.1'), \
     (2, 'Al@Globex.com', '15.03.2026 10:00', 'Call', 5, '€ 3,00', '2026-03-02 10:00:00.2'), \
     (3, 'nobody at all', '16.03.2026 10:00', 'Call', 5, NULL, '2026-03-03 10:00:00.3'), \
     (4, 'sam@acme.com', '17.03.2026 10:00', 'Meeting', 5, NULL, '2026-03-04 10:00:00.4')",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_proposed_mapping_is_shown_written_and_works() {
    let world = World::start().await;
    world.sql(TABLES);
    let file = world.sync("stream: CRM.SALES.DEALS\n");
    let (from, into) = (file.to_str().unwrap(), world.folder().join("activity.yaml"));
    let arguments = [
        "sample",
        "-f",
        from,
        "CRM.SALES.ACTIVITY",
        "--as",
        "custom_actions",
        "--write",
        into.to_str().unwrap(),
    ];
    let shown = world.program(&arguments).await.succeeded().stdout;
    for expected in [
        "e-mail addresses in 3 of 4",
        "{ date: OCCURRED, format: '%d.%m.%Y %H:%M' }",
        "company properties: company_size",
        "meeting",
        "identity_invalid",
        "written:",
    ] {
        assert!(shown.to_lowercase().contains(&expected.to_lowercase()), "no `{expected}` in {shown}");
    }
    let done = run(&world, &into).await;
    assert_eq!(done["report"]["inserted"], 4, "{done}");
    let actions = rows(
        &world,
        "SELECT email, action_name, action_date, revenue::DOUBLE AS revenue FROM model.actions ORDER BY action_date",
    );
    assert_eq!(
        actions[0],
        json!({"email": "jo@acme.com", "action_name": "Meeting", "action_date": "2026-03-01 10:00:00", "revenue": 1200.5})
    );
    assert_eq!(actions.len(), 3);

    let again = world.program(&arguments).await;
    assert!(again.stderr.contains("sync_file_exists"), "{}", again.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mapping_needs_and_no_column_gives_is_said() {
    let world = World::start().await;
    world.sql(&[
        "CREATE TABLE CRM.SALES.NOTES (NOTE VARCHAR)",
        "INSERT INTO CRM.SALES.NOTES VALUES ('hello'), ('world')",
    ]);
    let file = world.sync("stream: CRM.SALES.DEALS\n");
    let from = file.to_str().unwrap();
    let ended = world.program(&["sample", "-f", from, "CRM.SALES.NOTES", "--as", "custom_actions"]).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stdout.contains("no column was found for identity, date"), "{}", ended.stdout);
    assert!(ended.stdout.contains("# identity: COLUMN"), "{}", ended.stdout);
    let told = world
        .program(&["sample", "-f", from, "CRM.SALES.DEALS", "--as", "objects", "--type", "deal", "--json"])
        .await;
    let told: Value = serde_json::from_str(&told.succeeded().stdout).unwrap();
    assert_eq!(told["proposal"]["fields"][0]["column"], "ID", "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_and_counts_that_are_numbers_are_found_too() {
    let world = World::start().await;
    world.sql(&[
        "CREATE TABLE CRM.SALES.PEOPLE (ACCOUNT_ID NUMBER(38,0), CONTACT_ID NUMBER(38,0), EMAIL VARCHAR)",
        "INSERT INTO CRM.SALES.PEOPLE VALUES (1, 1, 'a@acme.com'), (2, 2, 'b@acme.com'), (3, 3, 'c@acme.com'), (4, 4, 'd@acme.com')",
        "CREATE TABLE CRM.SALES.FIRMS (INDUSTRY_ID NUMBER(38,0), ACCOUNT_ID NUMBER(38,0), DOMAIN VARCHAR)",
        "INSERT INTO CRM.SALES.FIRMS VALUES (1, 1, 'acme.com'), (1, 2, 'globex.com'), (2, 3, 'initech.com'), (2, 4, 'hooli.com')",
        "CREATE TABLE CRM.SALES.ADS (DATE DATE, CAMPAIGN_ID NUMBER(38,0), CAMPAIGN_NAME VARCHAR, CLICKS NUMBER(38,0))",
        "INSERT INTO CRM.SALES.ADS VALUES ('2026-03-01', 7, 'spring', 5)",
    ]);
    let file = world.sync("stream: CRM.SALES.DEALS\n");
    for (table, rest, expected) in [
        ("PEOPLE", &["objects", "--type", "user"][..], &["object_id: CONTACT_ID"][..]),
        ("FIRMS", &["objects", "--type", "company"], &["object_id: ACCOUNT_ID"]),
        ("ADS", &["metrics"], &["campaign_id: CAMPAIGN_ID", "clicks: CLICKS"]),
    ] {
        let table = format!("CRM.SALES.{table}");
        let arguments = [&["sample", "-f", file.to_str().unwrap(), &table, "--as"], rest].concat();
        let shown = world.program(&arguments).await.succeeded().stdout;
        for line in expected {
            assert!(shown.contains(line), "no `{line}` in {shown}");
        }
    }
}
