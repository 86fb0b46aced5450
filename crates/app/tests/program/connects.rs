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

/// The names of the customer's objects of a kind.
async fn names(world: &World, show: &str) -> Vec<String> {
    let shown = world.customer().await.query(snowflake::Statement::new(show)).await.unwrap();
    let batches = shown.collect().await.unwrap();
    let names = batches.iter().flat_map(|batch| {
        let column = batch.column_by_name("name").unwrap();
        (0..batch.num_rows()).map(|row| arrow_cast::display::array_value_to_string(column, row).unwrap())
    });
    names.collect()
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
    world.run_script(&first.stdout).await;
    world.program(&["check", "-f", &file]).await.succeeded();
    world.program(&["run", "-f", &file]).await.succeeded();
    world.assert_landed(&deals(3), "after the script");

    // Printed again it is the same script for the same key, and run again it changes nothing.
    let again = world.program(&["connect", "-f", &file]).await.succeeded();
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), (first.stdout.as_str(), ""));
    world.run_script(&again.stdout).await;
    world.program(&["check", "-f", &file]).await.succeeded();

    // Nothing beyond what was named can be read.
    let other = std::fs::read_to_string(&file).unwrap().replace("CRM.SALES.DEALS", "CRM.SALES.SALARIES");
    let other_file = world.folder().join("salaries.yaml");
    std::fs::write(&other_file, other).unwrap();
    let nosy = world.program(&["check", "-f", other_file.to_str().unwrap()]).await;
    assert!(matches!(nosy.code, Some(5 | 6)), "{}{}", nosy.stdout, nosy.stderr);

    let close = world.program(&["connect", "-f", &file, "--close"]).await.succeeded();
    world.run_script(&close.stdout).await;
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
    assert!(encrypted.stderr.contains("secret_missing"), "{}", encrypted.stderr);
    assert!(!key.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_snowflake_defines_are_neither_granted_nor_dropped() {
    let world = World::start().await;
    let file = sync(&world);
    let text = std::fs::read_to_string(&file).unwrap();
    for (role, code) in [
        ("ACCOUNTADMIN", "connect_reserved"),
        ("securityadmin", "connect_reserved"),
        ("public", "connect_reserved"),
        ("SNOWFLAKE.OBJECT_VIEWER", "connect_name"),
    ] {
        std::fs::write(&file, text.replace("role: SNOWFERRY_READ", &format!("role: {role}"))).unwrap();
        for arguments in [vec!["connect", "-f", &file], vec!["connect", "-f", &file, "--close"]] {
            let ended = world.program(&arguments).await;
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""), "{role}");
            assert!(ended.stderr.contains(code) && ended.stderr.contains("to do: "), "{}", ended.stderr);
        }
    }
    assert!(!world.folder().join("acme.p8").exists(), "no key is made for a script that is refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_drops_what_the_script_made_and_nothing_else() {
    let world = World::start().await;
    let file = sync(&world);
    let close = ["connect", "-f", &file, "--close", "--own-virtual-warehouse", "--egress", "127.0.0.1"];
    let open: Vec<&str> = close.into_iter().filter(|argument| *argument != "--close").collect();
    let user = "SNOWFERRY_ACME";

    // The virtual warehouse was there before; user, role and policy were not.
    let script = world.program(&open).await.succeeded();
    world.run_script(&script.stdout).await;
    assert_eq!(names(&world, "SHOW NETWORK POLICIES").await, [format!("{user}_ONLY_FROM")]);
    let script = world.program(&close).await.succeeded();
    world.run_script(&script.stdout).await;
    assert_eq!(names(&world, "SHOW WAREHOUSES").await, ["COMPUTE_WH", "WH"]);
    assert_eq!(names(&world, "SHOW NETWORK POLICIES").await, Vec::<String>::new());
    assert!(!names(&world, "SHOW USERS").await.contains(&user.to_owned()));
    assert!(!names(&world, "SHOW ROLES").await.contains(&"SNOWFERRY_READ".to_owned()));

    // User and role were there before, and the virtual warehouse was not.
    world.sql(&["DROP WAREHOUSE WH", "CREATE ROLE SNOWFERRY_READ", &format!("CREATE USER {user}")]);
    for arguments in [&open[..], &close[..]] {
        let script = world.program(arguments).await.succeeded();
        world.run_script(&script.stdout).await;
    }
    assert_eq!(names(&world, "SHOW WAREHOUSES").await, ["COMPUTE_WH"]);
    assert!(names(&world, "SHOW USERS").await.contains(&user.to_owned()));
    assert!(names(&world, "SHOW ROLES").await.contains(&"SNOWFERRY_READ".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_network_policy_lets_in_from_where_we_come_and_from_nowhere_else() {
    let world = World::start().await;
    world.set_deals(&deals(3));
    let file = sync(&world);
    for (egress, code) in [("127.0.0.0/8", 0), ("203.0.113.4", 4)] {
        let script = world.program(&["connect", "-f", &file, "--egress", egress]).await.succeeded();
        world.run_script(&script.stdout).await;
        let ended = world.program(&["run", "-f", &file]).await;
        assert_eq!(ended.code, Some(code), "{egress}: {}", ended.stderr);
    }
}
