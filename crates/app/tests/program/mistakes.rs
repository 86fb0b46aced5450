//! Mistakes of all kinds: one clear line each with cause and remedy, an exit code by class, and nothing half written.

use emulator::{Action, FaultRule, Route};

use crate::world::{DEALS, USER, World, deals};

/// Runs a sync that cannot work; its words must hold `expected`, a remedy and no secret.
#[track_caller]
fn refused(ended: &crate::world::Ended, code: i32, expected: &str) {
    assert_eq!(ended.code, Some(code), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains(expected), "no `{expected}` in: {}", ended.stderr);
    assert!(ended.stderr.contains("to do: "), "no remedy in: {}", ended.stderr);
    assert!(!ended.stderr.contains(crate::world::PASSWORD), "a secret is in: {}", ended.stderr);
}

async fn run(world: &World, file: &std::path::Path) -> crate::world::Ended {
    world.program(&["run", "-f", file.to_str().unwrap()]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    std::fs::write(world.folder().join("password"), "wrong").unwrap();
    refused(&run(&world, &file).await, 4, "390100");
    assert_eq!(world.landed(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_user_does_not_have() {
    let world = World::start().await;
    let key = snowflake::PrivateKey::generate(snowflake::KeyBits::Rsa2048).unwrap();
    std::fs::write(world.folder().join("key.p8"), key.to_pkcs8_pem().unwrap().expose()).unwrap();
    let file = world.sync_as(&format!("user: {USER}\n    private_key: {{ file: key.p8 }}"), DEALS);
    refused(&run(&world, &file).await, 4, "390144");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_private_key() {
    let world = World::start().await;
    std::fs::write(
        world.folder().join("key.p8"),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
    )
    .unwrap();
    let file = world.sync_as(&format!("user: {USER}\n    private_key: {{ file: key.p8 }}"), DEALS);
    let ended = run(&world, &file).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("public key"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_user() {
    let world = World::start().await;
    world.emulator.users().alter(USER, |user| user.is_locked = true);
    refused(&run(&world, &world.sync(DEALS)).await, 4, "390102");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_policy() {
    let world = World::start().await;
    let elsewhere = "203.0.113.0/24".parse().unwrap();
    world.emulator.users().alter(USER, |user| user.allowed_addresses = vec![elsewhere]);
    refused(&run(&world, &world.sync(DEALS)).await, 4, "390422");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_virtual_warehouse() {
    let world = World::start().await;
    world.set_deals(&deals(3));
    let message = "No active warehouse selected in the current session.";
    let none =
        Action::Error { code: "000606".into(), sql_state: Some("57P03".into()), message: message.into() };
    world.emulator.faults().add(FaultRule::on(Route::Query, none).statement("SELECT \"ID\"").forever());
    refused(&run(&world, &world.sync(DEALS)).await, 3, "000606");
    assert_eq!(world.landed(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_virtual_warehouse_that_does_not_exist() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    let text =
        std::fs::read_to_string(&file).unwrap().replace("virtual_warehouse: WH", "virtual_warehouse: NOPE");
    std::fs::write(&file, text).unwrap();
    let ended = run(&world, &file).await;
    assert!(matches!(ended.code, Some(3 | 4)), "{}", ended.stderr);
    assert!(ended.stderr.contains("390201"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table() {
    let world = World::start().await;
    refused(&run(&world, &world.sync(&DEALS.replace("DEALS", "DEELS"))).await, 6, "002003");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_privilege_names_the_grant() {
    let world = World::start().await;
    world.sql(&[
        "CREATE ROLE READER",
        "GRANT USAGE ON DATABASE CRM TO ROLE READER",
        "GRANT USAGE ON SCHEMA CRM.SALES TO ROLE READER",
        "GRANT USAGE ON WAREHOUSE WH TO ROLE READER",
    ]);
    let file = world.sync(DEALS);
    let text = std::fs::read_to_string(&file).unwrap().replace("role: ACCOUNTADMIN", "role: READER");
    std::fs::write(&file, text).unwrap();
    let ended = run(&world, &file).await;
    assert!(matches!(ended.code, Some(5 | 6)), "{}", ended.stderr);
    assert!(
        ended.stderr.contains(r#"GRANT SELECT ON TABLE "CRM"."SALES"."DEALS" TO ROLE "READER""#),
        "{}",
        ended.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_does_not_exist() {
    let world = World::start().await;
    refused(&run(&world, &world.sync(&format!("{DEALS}columns: [ID, NAMME, UPDATED_AT]"))).await, 3, "NAMME");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_column_that_does_not_exist() {
    let world = World::start().await;
    refused(&run(&world, &world.sync(&DEALS.replace("UPDATED_AT", "CHANGED_AT"))).await, 3, "CHANGED_AT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_column_without_an_order() {
    let world = World::start().await;
    world.sql(&["ALTER TABLE CRM.SALES.DEALS ADD COLUMN DETAILS VARIANT"]);
    let file = world.sync(&DEALS.replace("{ cursor: UPDATED_AT, lookback: 1m }", "{ cursor: DETAILS }"));
    refused(&run(&world, &file).await, 3, "no order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_does_not_tell_rows_apart_leaves_the_table_as_it_was() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    world.set_deals(&deals(10));
    run(&world, &file).await.succeeded();
    let mut doubled = deals(12);
    doubled[11].id = 11;
    world.set_deals(&doubled);
    refused(&run(&world, &file).await, 7, "repeat a key");
    world.assert_landed(&deals(10), "after the refusal");
    world.set_deals(&deals(12));
    run(&world, &file).await.succeeded();
    world.assert_landed(&deals(12), "once the source is right");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_changed_its_columns() {
    let world = World::start().await;
    let paused = world.sync(&format!("{DEALS}\ndrift: pause\n"));
    world.set_deals(&deals(10));
    run(&world, &paused).await.succeeded();
    world.sql(&["ALTER TABLE CRM.SALES.DEALS ADD COLUMN STAGE VARCHAR"]);
    refused(&run(&world, &paused).await, 8, "STAGE is new");
    let followed = world.sync(DEALS);
    let done = run(&world, &followed).await.succeeded();
    assert!(done.stdout.contains("column STAGE is new: added to the table"), "{}", done.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_program_has_open() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    world.set_deals(&deals(1_000));
    world.emulator.faults().add(FaultRule::on(Route::Chunk, Action::Hold { gate: "chunk".into() }).forever());
    let other = world.start_program(&["run", "-f", file.to_str().unwrap()]);
    world.emulator.faults().reached("chunk", 1).await;
    refused(&run(&world, &file).await, 9, "is open in another program");
    drop(other);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    std::fs::create_dir_all(world.folder().join("data")).unwrap();
    std::fs::write(world.tenant_file().path(), "these are somebody's notes, not a database".repeat(500))
        .unwrap();
    refused(&run(&world, &file).await, 3, "not a DuckDB database");
    let kept = std::fs::read_to_string(world.tenant_file().path()).unwrap();
    assert!(kept.starts_with("these are somebody's notes"), "the file was overwritten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_file_with_a_mistake_shows_its_line() {
    let world = World::start().await;
    let file = world.sync(&DEALS.replace("cursor:", "curser:"));
    let ended = run(&world, &file).await;
    refused(&ended, 3, "unknown field `curser`");
    assert!(ended.stderr.contains("deals.yaml:"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_there() {
    let world = World::start().await;
    let file = world.sync_as(&format!("user: {USER}\n    password: {{ env: SNOWFERRY_TEST_UNSET }}"), DEALS);
    refused(&run(&world, &file).await, 3, "SNOWFERRY_TEST_UNSET");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_reached() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    // Nothing listens on the discard port of this machine.
    let text = std::fs::read_to_string(&file).unwrap().replace(world.emulator.url(), "http://127.0.0.1:9");
    std::fs::write(&file, text).unwrap();
    refused(&world.program(&["check", "-f", file.to_str().unwrap()]).await, 10, "cannot be reached");
}
