//! Pulls that end well, and what they say.

use std::collections::HashSet;

use connectors::duckdb::{TenantFile, query_json};

use crate::world::{ALL_DEALS, DEALS, World, deal, deals};

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_and_then_an_increment_land_exactly_the_rows_of_the_source() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    let mut expected = deals(1_000);
    world.set_deals(&expected);
    world.program(&["run", "-f", file.to_str().unwrap()]).await.succeeded();
    world.assert_landed(&expected, "in the end");

    for changed in &mut expected[100..110] {
        *changed = deal(changed.id, 2_000);
    }
    expected.push(deal(1_001, 2_001));
    world.set_deals(&expected);
    let ended = world.program(&["run", "-f", file.to_str().unwrap(), "--json"]).await.succeeded();
    world.assert_landed(&expected, "in the end");
    let done = last_event(&ended.stdout);
    assert_eq!((&done["report"]["inserted"], &done["report"]["updated"]), (&1.into(), &10.into()));
    assert!(done["report"]["read"].as_u64().unwrap() < 100, "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_refresh_follows_every_change_and_delete() {
    let world = World::start().await;
    let file = world.sync(ALL_DEALS);
    for count in [500, 0, 120] {
        let expected = deals(count);
        world.set_deals(&expected);
        world.program(&["run", "-f", file.to_str().unwrap()]).await.succeeded();
        world.assert_landed(&expected, "in the end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_json_output_is_an_event() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    world.set_deals(&deals(300));
    let ended = world.program(&["run", "-f", file.to_str().unwrap(), "--json"]).await.succeeded();
    let events: Vec<String> = ended
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(events.last().map(String::as_str), Some("done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn timings_tell_every_step_of_a_pull_and_what_ran_for_it() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    let file = file.to_str().unwrap();
    world.set_deals(&deals(1_000));
    let ended = world.program(&["run", "-f", file, "--json", "--timings"]).await.succeeded();
    let told = last_event(&ended.stdout);
    let names = |list: &str, name: &str| -> Vec<String> {
        told[list].as_array().unwrap().iter().map(|part| part[name].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("steps", "step"), ["plan", "query", "read", "stage", "publish"], "{told}");
    let parts = ["open", "request", "download", "gunzip", "decode", "convert", "insert", "commit", "close"];
    assert_eq!(names("parts", "part"), parts, "{told}");
    let chunks = told["parts"].as_array().unwrap().iter().find(|part| part["part"] == "download").unwrap();
    assert_eq!(chunks["times"], 10, "one for each chunk of 100 rows but the first 50: {told}");
    let steps = told["steps"].as_array().unwrap().iter();
    let seconds: f64 = steps.map(|step| step["elapsed_seconds"].as_f64().unwrap()).sum();
    assert!(seconds > 0.0 && seconds <= told["elapsed_seconds"].as_f64().unwrap(), "{told}");

    let ended = world.program(&["run", "-f", file, "--full-refresh", "--timings"]).await.succeeded();
    assert!(ended.stdout.contains("the source waited for the destination"), "{}", ended.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn syncs_that_run_side_by_side_land_what_each_would_alone() {
    let world = World::start().await;
    let text = std::fs::read_to_string(world.sync(DEALS)).unwrap();
    let expected = deals(300);
    world.set_deals(&expected);
    let tenants = ["acme", "globex", "initech", "umbrella", "hooli"];
    let mut arguments = vec!["run".to_owned(), "--side-by-side=3".to_owned()];
    for tenant in tenants {
        let path = world.folder().join(format!("{tenant}.yaml"));
        std::fs::write(&path, text.replace("tenant: acme", &format!("tenant: {tenant}"))).unwrap();
        arguments.push(format!("--file={}", path.display()));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = world.program(&arguments).await.succeeded();
    for tenant in tenants {
        assert!(ended.stdout.contains(&format!("done {tenant}:")), "{}", ended.stdout);
        let file = TenantFile::new(&world.folder().join("data"), tenant).unwrap();
        let count = query_json(&file, "SELECT count(*) AS deals FROM sales.deals", 1).unwrap();
        let count = arrow_cast::display::array_value_to_string(count.batches[0].column(0), 0).unwrap();
        assert_eq!(count, r#"{"deals":300}"#, "{tenant}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_syncs_the_one_that_fails_is_named_and_no_other_is_started() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    let text = std::fs::read_to_string(&file).unwrap();
    let broken = world.folder().join("broken.yaml");
    std::fs::write(&broken, text.replace("SALES.DEALS", "SALES.NOTHING")).unwrap();
    let ended = world.program(&["run", "-f", broken.to_str().unwrap(), "-f", file.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(6), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.starts_with("failed broken\n"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("done"), "{}", ended.stdout);
    assert_eq!(world.landed(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_the_statement_and_the_grants_and_writes_nothing() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    world.set_deals(&deals(3));
    let shown = world.program(&["plan", "-f", file.to_str().unwrap()]).await.succeeded().stdout;
    assert!(shown.contains(r#"SELECT "ID", "NAME", "UPDATED_AT" FROM "CRM"."SALES"."DEALS""#), "{shown}");
    assert!(
        shown.contains(r#"GRANT SELECT ON TABLE "CRM"."SALES"."DEALS" TO ROLE "ACCOUNTADMIN";"#),
        "{shown}"
    );
    assert!(shown.contains("in one statement: it is small enough"), "{shown}");
    assert_eq!(world.landed(), None);
    assert!(!world.tenant_file().path().exists(), "planning made the vendor database");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_goes_through_every_step() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    let shown = world.program(&["check", "-f", file.to_str().unwrap()]).await.succeeded().stdout;
    for step in ["log-in", "role", "virtual warehouse", "object", "privilege", "vendor database"] {
        assert!(shown.lines().any(|line| line.starts_with("ok") && line.contains(step)), "{step}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_lists_tables_with_their_rows_and_columns() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    world.set_deals(&deals(12));
    let file = file.to_str().unwrap();
    let shown =
        world.program(&["discover", "-f", file, "--database", "crm", "--columns"]).await.succeeded().stdout;
    assert!(shown.contains("CRM.SALES.DEALS"), "{shown}");
    assert!(shown.contains("TIMESTAMP_NTZ(9)"), "{shown}");
    let json =
        world.program(&["discover", "-f", file, "--database", "crm", "--json"]).await.succeeded().stdout;
    let streams: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(streams[0]["row_count"], 12);
    assert_eq!(streams[0]["columns"][0]["source_type"], "NUMBER(18,0)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_the_vendor_database_prints_a_table_or_json() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    world.set_deals(&deals(3));
    let file = file.to_str().unwrap();
    world.program(&["run", "-f", file]).await.succeeded();
    let sql = "select id, name from sales.deals order by id";
    let shown = world.program(&["query", "-f", file, sql]).await.succeeded().stdout;
    assert!(shown.contains("deal 2 ünï 'quoted'") && shown.contains("3 rows"), "{shown}");
    let shown = world.program(&["query", "-f", file, "--json", sql]).await.succeeded().stdout;
    assert_eq!(shown.lines().next(), Some(r#"{"ID":1,"NAME":"deal 1 ünï 'quoted'"}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_can_be_a_stream() {
    let world = World::start().await;
    let file = world.sync(
        "stream: { name: some, query: \"SELECT * FROM CRM.SALES.DEALS WHERE ID <= 5 -- few\" }\ntarget: sales.deals",
    );
    world.set_deals(&deals(10));
    world.program(&["run", "-f", file.to_str().unwrap()]).await.succeeded();
    world.assert_landed(&deals(5), "in the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_tells_every_statement_and_one_that_finds_nothing_changed_takes_no_virtual_warehouse() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    let file = file.to_str().unwrap();
    world.set_deals(&deals(1_000));
    let done = last_event(&world.program(&["run", "-f", file, "--json"]).await.succeeded().stdout);
    let statements = done["usage"]["statements"].as_array().unwrap();
    let ids: HashSet<&str> =
        statements.iter().map(|statement| statement["query_id"].as_str().unwrap()).collect();
    assert!(ids.len() == statements.len() && ids.len() > 1, "{done}");
    let read = statements
        .iter()
        .find(|statement| statement["query_id"] == done["report"]["query_id"])
        .expect("the statement that gave the rows");
    assert!(read["size"].is_string() && read["virtual_warehouse"].is_string(), "{read}");
    assert!(statements.iter().any(|statement| statement["size"].is_null()), "some need none: {done}");
    assert_eq!(done["usage"]["unpriced_seconds"], 0.0);

    let again = last_event(&world.program(&["run", "-f", file, "--json"]).await.succeeded().stdout);
    assert_eq!(again["report"]["is_unchanged"], true);
    assert_eq!(
        (&again["usage"]["virtual_warehouse_seconds"], &again["usage"]["credits"]),
        (&0.0.into(), &0.0.into())
    );
    assert!(!again["usage"]["statements"].as_array().unwrap().is_empty());

    let told = world.program(&["run", "-f", file, "--full-refresh"]).await.succeeded().stdout;
    assert!(told.contains(" statements, ") && told.contains(" of virtual warehouse"), "{told}");
    let verified = last_event(&world.program(&["verify", "-f", file, "--json"]).await.succeeded().stdout);
    assert!(!verified["usage"]["statements"].as_array().unwrap().is_empty(), "{verified}");
}

pub(crate) fn last_event(stdout: &str) -> serde_json::Value {
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}
