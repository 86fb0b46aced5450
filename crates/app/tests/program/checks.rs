//! The check of a connection: each step is made to fail in turn, and the SQL that is printed for it mends it.

use emulator::EmulatorConfig;
use serde_json::Value;

use crate::push_world::{APPEND, Push};
use crate::world::{DEALS, Ended, World, deals};

/// A pull with a key pair and a role of its own, whose script the customer has run.
async fn connected(world: &World, rest: &str) -> String {
    world.set_deals(&deals(3));
    let file = world.sync_as("user: SNOWFERRY_ACME\n    private_key: { file: acme.p8 }", rest);
    let text = std::fs::read_to_string(&file).unwrap().replace("role: ACCOUNTADMIN", "role: SNOWFERRY_READ");
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let script = world.program(&["connect", "-f", &file]).await.succeeded();
    world.run_script(&script.stdout).await;
    file
}

/// The steps of a check, as programs read them.
async fn checked(world: &World, files: &[&str]) -> (Ended, Vec<Value>) {
    let mut arguments = vec!["check", "--json"];
    arguments.extend(files.iter().flat_map(|file| ["-f", *file]));
    let mut command = world.command(&arguments);
    for proxy in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(proxy);
    }
    let ended = Ended::from(command.output().await.unwrap());
    let mut events: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.pop().unwrap()["event"], "checked");
    (ended, events)
}

fn with_outcome<'a>(steps: &'a [Value], outcome: &str) -> Vec<&'a Value> {
    steps.iter().filter(|step| step["outcome"] == outcome).collect()
}

fn sql(step: &Value) -> Vec<String> {
    let statements = step["sql"].as_array().unwrap().iter();
    statements.map(|statement| statement.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_proved_in_its_order() {
    let world = World::start().await;
    let file = connected(&world, DEALS).await;
    let (ended, steps) = checked(&world, &[&file]).await;
    ended.succeeded();
    let names: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "sync_file",
            "vendor_database",
            "name",
            "tls",
            "clock",
            "network_policy",
            "log_in",
            "key",
            "role",
            "virtual_warehouse",
            "privilege",
            "object",
            "privilege",
            "privilege",
            "privilege",
        ]
    );
    assert!(steps.iter().all(|step| step["outcome"] == "passed"), "{steps:#?}");
    let shown = world.program(&["check", "-f", &file]).await.succeeded().stdout;
    assert!(shown.contains("ok   privilege          SELECT ON TABLE \"CRM\".\"SALES\".\"DEALS\""), "{shown}");
    assert!(shown.contains("is RSA_PUBLIC_KEY"), "{shown}");
    assert_eq!(world.statements_sent("SELECT \"ID\""), 0, "a check reads no rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_that_fails_says_who_acts_and_prints_the_sql_that_mends_it() {
    let world = World::start().await;
    let file = connected(&world, DEALS).await;
    for (breaks, step, code, exit) in [
        ("REVOKE SELECT ON TABLE CRM.SALES.DEALS FROM ROLE SNOWFERRY_READ", "privilege", "grant_missing", 5),
        ("REVOKE USAGE ON SCHEMA CRM.SALES FROM ROLE SNOWFERRY_READ", "privilege", "grant_missing", 5),
        ("REVOKE USAGE ON DATABASE CRM FROM ROLE SNOWFERRY_READ", "privilege", "grant_missing", 5),
        ("REVOKE USAGE ON WAREHOUSE WH FROM ROLE SNOWFERRY_READ", "virtual_warehouse", "grant_missing", 5),
        (
            "ALTER WAREHOUSE WH SET AUTO_RESUME = FALSE; ALTER WAREHOUSE WH SUSPEND",
            "virtual_warehouse",
            "virtual_warehouse_suspended",
            3,
        ),
        ("REVOKE ROLE SNOWFERRY_READ FROM USER SNOWFERRY_ACME", "role", "role_not_granted", 5),
        ("ALTER USER SNOWFERRY_ACME UNSET RSA_PUBLIC_KEY", "log_in", "key_refused", 4),
        ("ALTER USER SNOWFERRY_ACME SET DISABLED = TRUE", "log_in", "snowflake_auth", 4),
        (
            "CREATE NETWORK POLICY OFFICE ALLOWED_IP_LIST = ('203.0.113.0/24'); \
             ALTER USER SNOWFERRY_ACME SET NETWORK_POLICY = OFFICE",
            "network_policy",
            "network_policy",
            4,
        ),
    ] {
        world.sql(&breaks.split("; ").collect::<Vec<_>>());
        let (ended, steps) = checked(&world, &[&file]).await;
        assert_eq!(ended.code, Some(exit), "{breaks}: {}", ended.stderr);
        assert!(ended.stderr.contains(&format!("error[{code}]")), "{breaks}: {}", ended.stderr);
        let failed = with_outcome(&steps, "failed");
        assert_eq!(failed.len(), 1, "{breaks}: {failed:#?}");
        assert_eq!((&failed[0]["step"], &failed[0]["code"]), (&step.into(), &code.into()), "{breaks}");
        assert_eq!(failed[0]["owner"], "customer", "{breaks}");
        let steps_before = steps.iter().take_while(|step| step["outcome"] != "failed");
        assert!(steps_before.clone().all(|step| step["outcome"] != "noted"), "{breaks}");
        let statements = sql(failed[0]);
        assert!(!statements.is_empty(), "{breaks}");
        let pasted: Vec<&str> = statements
            .iter()
            .map(|text| text.trim_end_matches(';'))
            .filter(|text| !text.starts_with("SELECT SYSTEM$"))
            .collect();
        world.sql(&pasted);
        let (ended, steps) = checked(&world, &[&file]).await;
        assert_eq!(ended.code, Some(0), "{breaks}, after {pasted:?}: {steps:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_are_not_tracked_are_the_customers_to_switch_on() {
    let world = World::start().await;
    let file = connected(&world, "stream: CRM.SALES.DEALS\nread: { changes: true, key: [ID] }\n").await;
    let (ended, steps) = checked(&world, &[&file]).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let failed = with_outcome(&steps, "failed");
    assert_eq!((failed.len(), &failed[0]["code"]), (1, &"change_tracking_off".into()));
    let statement = sql(failed[0])[0].trim_end_matches(';').to_owned();
    world.sql(&[&statement]);
    assert_eq!(checked(&world, &[&file]).await.0.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_the_account_is_the_operators_to_mend() {
    let world = World::start().await;
    let file = connected(&world, DEALS).await;
    let text = std::fs::read_to_string(&file).unwrap();
    let plain = world.emulator.url();
    for (endpoint, step, code) in [
        ("https://snowferry-test.invalid".to_owned(), "name", "name_unresolved"),
        // The emulator does not speak TLS.
        (plain.replace("http://", "https://"), "tls", "host_unreachable"),
    ] {
        std::fs::write(&file, text.replace(plain, &endpoint)).unwrap();
        let (ended, steps) = checked(&world, &[&file]).await;
        assert_eq!(ended.code, Some(10), "{endpoint}: {}", ended.stderr);
        let last = steps.last().unwrap();
        assert_eq!((&last["step"], &last["code"]), (&step.into(), &code.into()));
        assert_eq!((&last["outcome"], &last["owner"]), (&"failed".into(), &"operator".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_told_beside_everything_else() {
    let world =
        World::start_with(EmulatorConfig { clock_offset_ms: 300_000, ..EmulatorConfig::default() }).await;
    let file = connected(&world, DEALS).await;
    let (ended, steps) = checked(&world, &[&file]).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let failed = with_outcome(&steps, "failed");
    assert_eq!((failed.len(), &failed[0]["code"]), (1, &"clock_skew".into()));
    assert_eq!(failed[0]["owner"], "operator");
    // The log-in went through all the same: its token goes by Snowflake's clock.
    assert!(steps.iter().any(|step| step["step"] == "privilege"), "{steps:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_granted_beyond_the_syncs_is_noted_with_the_sql_that_takes_it_back() {
    let world = World::start().await;
    let file = connected(&world, DEALS).await;
    let other_key = snowflake::PrivateKey::generate(snowflake::KeyBits::Rsa2048).unwrap();
    let other_key = other_key.public_key_body().unwrap();
    world.sql(&[
        "CREATE TABLE CRM.SALES.SALARIES (ID NUMBER(18,0))",
        "GRANT INSERT ON TABLE CRM.SALES.DEALS TO ROLE SNOWFERRY_READ",
        "GRANT SELECT ON TABLE CRM.SALES.SALARIES TO ROLE SNOWFERRY_READ",
        "GRANT OPERATE ON WAREHOUSE WH TO ROLE SNOWFERRY_READ",
        "GRANT SELECT ON FUTURE TABLES IN SCHEMA CRM.SALES TO ROLE SNOWFERRY_READ",
        "CREATE ROLE FINANCE",
        "GRANT CREATE SCHEMA ON DATABASE CRM TO ROLE FINANCE",
        "GRANT ROLE FINANCE TO ROLE SNOWFERRY_READ",
        "CREATE ROLE SUPPORT",
        "GRANT ROLE SUPPORT TO USER SNOWFERRY_ACME",
        &format!("ALTER USER SNOWFERRY_ACME SET RSA_PUBLIC_KEY_2 = '{other_key}'"),
    ]);
    let (ended, steps) = checked(&world, &[&file]).await;
    ended.succeeded();
    let noted = with_outcome(&steps, "noted");
    let mut subjects: Vec<&str> = noted.iter().map(|step| step["subject"].as_str().unwrap()).collect();
    subjects.sort_unstable();
    assert_eq!(
        subjects,
        [
            "CREATE SCHEMA ON DATABASE CRM, through ROLE \"FINANCE\"",
            "INSERT ON TABLE CRM.SALES.DEALS",
            "OPERATE ON WAREHOUSE WH",
            "RSA_PUBLIC_KEY_2",
            "SELECT ON FUTURE TABLES IN SCHEMA CRM.SALES",
            "SELECT ON TABLE CRM.SALES.SALARIES",
            "the role SUPPORT",
        ]
    );
    for step in &noted {
        let statements = sql(step);
        world.sql(&statements.iter().map(|text| text.trim_end_matches(';')).collect::<Vec<_>>());
    }
    let (ended, steps) = checked(&world, &[&file]).await;
    ended.succeeded();
    assert_eq!(with_outcome(&steps, "noted"), Vec::<&Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_of_one_user_are_checked_together() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", APPEND);
    let pull = std::fs::read_to_string(world.sync(DEALS)).unwrap();
    // Both as one tenant, user and role.
    let pull = pull.replace("tenant: acme", "tenant: actions").replace("ACCOUNTADMIN", "WRITE_ACTIONS");
    let pull_file = world.folder().join("deals.yaml");
    std::fs::write(&pull_file, &pull).unwrap();
    world.sql(&[
        "GRANT USAGE ON DATABASE CRM TO ROLE WRITE_ACTIONS",
        "GRANT USAGE ON SCHEMA CRM.SALES TO ROLE WRITE_ACTIONS",
        "GRANT SELECT ON TABLE CRM.SALES.DEALS TO ROLE WRITE_ACTIONS",
    ]);
    let files = [pull_file.to_str().unwrap(), push.file.to_str().unwrap()];
    let (ended, steps) = checked(&world, &files).await;
    ended.succeeded();
    let objects = steps.iter().filter(|step| step["step"] == "object").count();
    assert_eq!(objects, 2, "{steps:#?}");
    let noted = with_outcome(&steps, "noted");
    assert_eq!(noted, Vec::<&Value>::new(), "what either file takes is not too much");

    // By the push alone, what the pull takes is too much.
    let (_, steps) = checked(&world, &files[1..]).await;
    let noted = with_outcome(&steps, "noted");
    assert_eq!(noted.len(), 3, "{noted:#?}");

    std::fs::write(&pull_file, pull.replace("WRITE_ACTIONS", "OTHER")).unwrap();
    let ended = world.program(&["check", "-f", files[0], "-f", files[1]]).await;
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("connect_different"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_do_anything_is_noted() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    let (ended, steps) = checked(&world, &[file.to_str().unwrap()]).await;
    ended.succeeded();
    let noted = with_outcome(&steps, "noted");
    assert_eq!((noted.len(), &noted[0]["owner"]), (1, &"operator".into()), "{noted:#?}");
    assert!(noted[0]["message"].as_str().unwrap().contains("ACCOUNTADMIN"));
}
