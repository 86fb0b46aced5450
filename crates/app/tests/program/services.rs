//! `snowferry serve`: stored syncs run, and the process answers for them.

use std::time::Duration;

use emulator::{Action, FaultRule, Route};

use crate::fleet::Fleet;
use crate::http::request;
use crate::world::{DEALS, PASSWORD, deal, deals};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_asked_for_is_done_and_the_next_reads_only_what_changed() {
    let fleet = Fleet::start().await;
    fleet.file("acme", "deals", DEALS);
    fleet.world.set_deals(&deals(300));
    fleet.apply().await;
    let process = fleet.serve(&[]).await;
    let asked = fleet.program(&["trigger", "acme/deals"]).await.succeeded().stdout;
    assert!(asked.starts_with("queued as "), "{asked}");
    let run = fleet.until("acme/deals", "succeeded").await;
    assert_eq!(run["report"]["read"], 300);
    let mut expected = deals(300);
    expected[7] = deal(8, 2_000);
    fleet.world.set_deals(&expected);
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    let run = fleet.until("acme/deals", "succeeded").await;
    assert_eq!((&run["report"]["inserted"], &run["report"]["updated"]), (&0.into(), &1.into()));
    let why = fleet.program(&["why", "acme/deals"]).await.succeeded().stdout;
    assert!(why.contains("none: it runs when it is asked to"), "{why}");
    assert_eq!(process.stop().await, Some(0));
    assert_eq!(fleet.landed("acme", "sales.deals"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_gives_a_run_back_and_the_next_process_has_it() {
    let fleet = Fleet::start().await;
    fleet.file("acme", "deals", DEALS);
    fleet.world.set_deals(&deals(1_000));
    fleet.apply().await;
    let faults = fleet.world.emulator.faults();
    let hold = Action::Hold { gate: "chunk".into() };
    faults.add(FaultRule::on(Route::Chunk, hold).skip(5).forever());
    let process = fleet.serve(&[]).await;
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    faults.reached("chunk", 1).await;
    assert_eq!(process.stop().await, Some(0));
    faults.clear();
    let run = fleet.runs("acme/deals").await.remove(0);
    assert_eq!((&run["state"], &run["attempt"]), (&"queued".into(), &1.into()));
    let why = fleet.program(&["why", "acme/deals"]).await.succeeded().stdout;
    assert!(why.contains("no worker is alive"), "{why}");

    let process = fleet.serve(&[]).await;
    let run = fleet.until("acme/deals", "succeeded").await;
    assert_eq!(run["attempt"], 2, "{run}");
    process.stop().await;
    assert_eq!(fleet.landed("acme", "sales.deals"), deals(1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_stops_and_says_so() {
    let fleet = Fleet::start().await;
    fleet.file("acme", "deals", DEALS);
    fleet.world.set_deals(&deals(1_000));
    fleet.apply().await;
    let hold = Action::Hold { gate: "chunk".into() };
    fleet.world.emulator.faults().add(FaultRule::on(Route::Chunk, hold).skip(2).forever());
    let process = fleet.serve(&["--lease", "3"]).await;
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    fleet.world.emulator.faults().reached("chunk", 1).await;
    let run = fleet.until("acme/deals", "running").await;
    fleet.program(&["cancel", "acme", run["id"].as_str().unwrap()]).await.succeeded();
    fleet.until("acme/deals", "cancelled").await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_program_has_open_is_waited_for_without_a_failed_attempt() {
    let fleet = Fleet::start().await;
    let file = fleet.file("acme", "deals", DEALS);
    fleet.world.set_deals(&deals(1_000));
    fleet.apply().await;
    let faults = fleet.world.emulator.faults();
    faults.add(FaultRule::on(Route::Chunk, Action::Hold { gate: "chunk".into() }).skip(2).forever());
    let mut other = fleet.command(&["run", "-f", file.to_str().unwrap()]).spawn().unwrap();
    faults.reached("chunk", 1).await;
    let process = fleet.serve(&[]).await;
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    let postponed = async {
        loop {
            let run = fleet.runs("acme/deals").await.remove(0);
            if run["error"]["code"] == "database_locked" && run["state"] == "queued" {
                return run;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), postponed).await.unwrap();
    let why = fleet.program(&["why", "acme/deals"]).await.succeeded().stdout;
    assert!(why.contains("is open in another program") && why.contains("next attempt is due at"), "{why}");
    other.kill().await.unwrap();
    faults.clear();
    let run = fleet.until("acme/deals", "succeeded").await;
    assert_eq!(run["error"], serde_json::Value::Null);
    process.stop().await;
    assert_eq!(fleet.landed("acme", "sales.deals"), deals(1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_figures_and_the_api_are_answered_and_no_tenant_sees_another() {
    let fleet = Fleet::start().await;
    fleet.file("acme", "deals", DEALS);
    fleet.file("other", "deals", DEALS);
    fleet.apply().await;
    let process = fleet.serve(&[]).await;
    let address = process.address();
    let get = async |path: &str, token: &str| {
        let token = format!("authorization: Bearer {}", token.trim());
        request(address, &format!("GET {path}"), &[&token], "").await
    };
    assert_eq!(request(address, "GET /healthz", &[], "").await.status, 200);
    assert_eq!(request(address, "GET /readyz", &[], "").await.status, 200);
    let token = async |arguments: &[&str]| {
        let arguments = [&["token", "create"], arguments].concat();
        fleet.program(&arguments).await.succeeded().stdout
    };
    let admin = token(&["admin", "--role", "admin"]).await;
    let operator = token(&["portal", "--role", "operator", "--tenant", "acme"]).await;

    assert_eq!(request(address, "GET /v1/tenants", &[], "").await.status, 401);
    assert_eq!(get("/v1/tenants", "sfy_wrong").await.json()["code"], "token_invalid");
    assert_eq!(get("/v1/tenants", &admin).await.json()["items"].as_array().unwrap().len(), 2);
    let own = get("/v1/tenants", &operator).await.json();
    assert_eq!((own["items"][0]["name"].as_str(), own["items"].as_array().unwrap().len()), (Some("acme"), 1));
    let foreign = get("/v1/tenants/other/syncs", &operator).await;
    let absent = get("/v1/tenants/nobody/syncs", &operator).await;
    assert_eq!((foreign.status, &foreign.body), (404, &absent.body), "they cannot be told apart");
    assert_eq!(get("/v1/tokens", &operator).await.status, 403);
    assert_eq!(get("/v1/tenants/acme/audit", &operator).await.status, 403);
    let connections = get("/v1/tenants/acme/connections", &operator).await;
    assert!(!connections.body.contains(PASSWORD), "{connections:?}");

    let bearer = format!("authorization: Bearer {}", operator.trim());
    let trigger = "POST /v1/tenants/acme/syncs/deals/trigger";
    let headers = [bearer.as_str(), "idempotency-key: once"];
    let first = request(address, trigger, &headers, "").await;
    assert_eq!(first.status, 201, "{first:?}");
    fleet.until("acme/deals", "succeeded").await;
    let again = request(address, trigger, &headers, "").await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert!(again.head.contains("idempotency-replayed: true"), "{again:?}");
    assert_eq!(fleet.runs("acme/deals").await.len(), 1);
    let path = format!("/v1/tenants/acme/runs/{}", first.json()["run"].as_str().unwrap());
    let run = get(&path, &operator).await.json();
    assert_eq!((&run["run"]["state"], &run["attempts"][0]["lease"]), (&"succeeded".into(), &1.into()));
    let statements = run["statements"].as_array().unwrap();
    assert_eq!(run["run"]["usage"]["statements"], statements.len());
    let read = &run["run"]["report"]["query_id"];
    assert!(
        statements.iter().any(|statement| &statement["query_id"] == read && statement["size"].is_string())
    );
    let id = first.json()["run"].as_str().unwrap().to_owned();
    let told = fleet.program(&["runs", "acme", "--run", &id]).await.succeeded().stdout;
    assert!(told.contains("query ids: ") && told.contains(read.as_str().unwrap()), "{told}");

    let figures = request(address, "GET /metrics", &[], "").await.body;
    for line in [
        "snowferry_attempts_total{outcome=\"succeeded\"} 1",
        "snowferry_runs{state=\"running\"} 0",
        "snowferry_workers 1",
    ] {
        assert!(figures.lines().any(|shown| shown == line), "{line}: {figures}");
    }
    process.stop().await;
}
