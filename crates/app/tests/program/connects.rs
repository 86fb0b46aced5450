//! The script that gives access: run by the customer as it is printed, it is exactly enough, and it can be taken back.

use std::os::unix::fs::PermissionsExt;

use crate::world::{DEALS, World, deals};

const USER: &str = "user: SNOWFERRY_ACME\n    private_key: { file: acme.p8 }";

/// A sync of a user that does not exist yet, with a role of its own.
fn sync(world: &World) -> String {
    let file = world.sync_as(USER, DEALS);
    let text = std::fs::read_to_string(&file).unwrap().replace("role: ACCOUNTADMIN", "role: SNOWFERRY_READ");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Runs a script as the customer's administrator, statement by statement.
fn run_script(world: &World, script: &str) {
    let lines: Vec<&str> = script.lines().filter(|line| !line.starts_with("--")).collect();
    let script = lines.join("\n");
    let statements: Vec<&str> = script.split(';').map(str::trim).filter(|text| !text.is_empty()).collect();
    world.sql(&statements);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_gives_exactly_what_a_pull_needs_and_takes_it_back() {
    let world = World::start().await;
    world.set_deals(&deals(3));
    world.sql(&["CREATE TABLE CRM.SALES.SALARIES (ID NUMBER(18,0))"]);
    let file = sync(&world);
    let refused = world.program(&["check", "-f", &file]).await;
    assert_eq!(refused.code, Some(3), "the key is not there yet: {}", refused.stderr);

    let first = world.program(&["connect", "-f", &file]).await.succeeded();
    let key = world.folder().join("acme.p8");
    let pem = std::fs::read_to_string(&key).unwrap();
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(first.stderr.contains("acme.p8"), "{}", first.stderr);
    let secret = pem.lines().nth(1).unwrap();
    assert!(!first.stdout.contains(secret) && !first.stderr.contains(secret));
    run_script(&world, &first.stdout);
    world.program(&["check", "-f", &file]).await.succeeded();
    world.program(&["run", "-f", &file]).await.succeeded();
    world.assert_landed(&deals(3), "after the script");

    // Printed again it is the same script for the same key, and run again it changes nothing.
    let again = world.program(&["connect", "-f", &file]).await.succeeded();
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), (first.stdout.as_str(), ""));
    run_script(&world, &again.stdout);
    world.program(&["check", "-f", &file]).await.succeeded();

    // Nothing beyond what was named can be read.
    let other = std::fs::read_to_string(&file).unwrap().replace("CRM.SALES.DEALS", "CRM.SALES.SALARIES");
    let other_file = world.folder().join("salaries.yaml");
    std::fs::write(&other_file, other).unwrap();
    let nosy = world.program(&["check", "-f", other_file.to_str().unwrap()]).await;
    assert!(matches!(nosy.code, Some(5 | 6)), "{}{}", nosy.stdout, nosy.stderr);

    let close = world.program(&["connect", "-f", &file, "--close"]).await.succeeded();
    run_script(&world, &close.stdout);
    let gone = world.program(&["check", "-f", &file]).await;
    assert_eq!(gone.code, Some(4), "{}", gone.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_for_is_said_before_a_key_is_made() {
    let world = World::start().await;
    let key = world.folder().join("acme.p8");
    let query = world.sync_as(USER, "stream: { name: q, query: SELECT 1 }\ntarget: a.b\n");
    let query = query.to_str().unwrap().to_owned();
    for (arguments, expected) in [
        (vec!["connect", "-f", &query], "connect_tables"),
        (vec!["connect", "-f", &query, "--table", "A.B"], "connect_tables"),
    ] {
        let ended = world.program(&arguments).await;
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert!(ended.stderr.contains(expected) && ended.stderr.contains("to do: "), "{}", ended.stderr);
    }
    let file = sync(&world);
    let anywhere = world.program(&["connect", "-f", &file, "--egress", "0.0.0.0/0"]).await;
    assert!(anywhere.stderr.contains("egress_invalid"), "{}", anywhere.stderr);
    assert!(!key.exists());
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("{ file: acme.p8 }", "{ file: acme.p8, passphrase: { env: UNSET } }"))
        .unwrap();
    let encrypted = world.program(&["connect", "-f", &file]).await;
    assert!(encrypted.stderr.contains("key_passphrase"), "{}", encrypted.stderr);
    assert!(!key.exists());
}
