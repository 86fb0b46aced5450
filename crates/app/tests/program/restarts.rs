//! Everything of ours ends in the middle of what it does, and the tables are in the end what they would have been.

use std::time::{Duration, Instant};

use connectors::duckdb::{TenantFile, query_json};
use emulator::sample::{Sample, load};
use emulator::{Action, FaultRule, Route};

use crate::fleet::{Fleet, Process};
use crate::http::request;
use crate::server::Postgres;
use crate::world::{DEALS, deals};

/// Short, so that runs of a process that was killed are taken from it soon.
const LEASE: [&str; 2] = ["--lease", "2"];

/// Half of what the demo loads.
const SAMPLE: Sample = Sample { accounts: 200, tpch_scale: None };

/// A pull from the sample that the demo loads, and pushes of what comes of it: an append and a rewrite.
const OPPORTUNITIES: &str = "stream: CRM.SALES.OPPORTUNITIES
read:
  incremental: { cursor: UPDATED_AT, lookback: 2m }
  key: [OPPORTUNITY_ID]
";
const ACTIONS: &str = "stream: product.actions
read:
  incremental: { cursor: happened_at }
  key: [action_id]
target: ANALYTICS.VENDOR.ACTIONS
write: append
";
const SUMMARY: &str = "stream:
  name: deals_by_stage
  query: |
    select stage, currency, count(*) as deals, sum(amount)::decimal(38,2) as amount, max(updated_at) as newest
    from sales.opportunities group by all
target: ANALYTICS.VENDOR.DEALS_BY_STAGE
write: rewrite
";

/// What the vendor's own program writes.
const MAKE_ACTIONS: &str = "
CREATE SCHEMA product;
CREATE TABLE product.actions AS
SELECT row_number() OVER (ORDER BY updated_at, opportunity_id, step) AS action_id,
    opportunity_id, contact_email AS user_email,
    ['proposal_opened', 'price_viewed', 'proposal_signed'][step] AS action,
    json_object('step', step, 'currency', currency) AS details,
    updated_at::TIMESTAMP + to_minutes(step) AS happened_at
FROM sales.opportunities, range(1, 4) AS steps(step)
WHERE updated_at IS NOT NULL AND hash(opportunity_id) % step = 0;
";

/// These syncs on a Postgres of their own.
struct Demo {
    fleet: Fleet,
    server: Postgres,
}

impl Demo {
    async fn start() -> Self {
        let server = Postgres::own();
        let fleet = Fleet::on(server.url(&server.create_database().await)).await;
        tokio::task::block_in_place(|| load(&fleet.world.emulator, SAMPLE)).unwrap();
        fleet.file("acme", "opportunities", OPPORTUNITIES);
        for (name, rest) in [("actions", ACTIONS), ("summary", SUMMARY)] {
            fleet.push_file("acme", name, rest);
        }
        fleet.apply().await;
        Self { fleet, server }
    }

    fn vendor_file(&self) -> TenantFile {
        TenantFile::new(&self.fleet.folder().join("data"), "acme").unwrap()
    }

    /// One text from the vendor database.
    fn here(&self, sql: &str) -> String {
        let sql = format!("SELECT ({sql})::VARCHAR AS found");
        let rows = query_json(&self.vendor_file(), &sql, 1).unwrap();
        let row = arrow_cast::display::array_value_to_string(rows.batches[0].column(0), 0).unwrap();
        let row: serde_json::Value = serde_json::from_str(&row).unwrap();
        row["found"].as_str().unwrap().to_owned()
    }

    /// Runs a sync, ends all of ours when it is in the middle, starts all of it again and waits for its end.
    async fn run_through_a_restart(&self, sync: &str, route: Route, skipped: u32) {
        let faults = self.fleet.world.emulator.faults();
        // A gate of its own: one that was reached before counts as reached.
        let gate = sync.to_owned();
        faults.add(FaultRule::on(route, Action::Hold { gate }).skip(skipped).forever());
        let mut process: Process = self.fleet.serve(&LEASE).await;
        self.fleet.program(&["trigger", sync]).await.succeeded();
        faults.reached(sync, 1).await;
        process.child.kill().await.unwrap();
        self.server.stop();
        faults.clear();
        self.server.start_again();
        let process = self.fleet.serve(&LEASE).await;
        let run = self.fleet.until(sync, "succeeded").await;
        assert!(run["attempt"].as_u64().unwrap() > 1, "{sync} was not in the middle: {run}");
        assert_eq!(process.stop().await, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_everything_in_the_middle_of_the_demos_syncs_ends_with_the_same_tables() {
    let demo = Demo::start().await;
    demo.run_through_a_restart("acme/opportunities", Route::Chunk, 4).await;
    let sums = "SELECT COUNT(*), COUNT(DISTINCT OPPORTUNITY_ID), SUM(AMOUNT) FROM CRM.SALES.OPPORTUNITIES";
    let there = demo.fleet.world.ask(sums).await;
    let here = demo.here(
        "SELECT concat_ws(' ', count(*), count(DISTINCT \"OPPORTUNITY_ID\"), sum(\"AMOUNT\")) FROM sales.opportunities",
    );
    assert_eq!(here, there[0].join(" "));

    demo.fleet.world.vendor(MAKE_ACTIONS);
    demo.run_through_a_restart("acme/actions", Route::StageUpload, 0).await;
    let actions = demo
        .fleet
        .world
        .ask("SELECT COUNT(*), COUNT(DISTINCT ACTION_ID) FROM ANALYTICS.VENDOR.ACTIONS")
        .await;
    let expected = demo.here("SELECT count(*) FROM product.actions");
    assert_eq!((&actions[0][0], &actions[0][1]), (&expected, &expected));

    demo.run_through_a_restart("acme/summary", Route::StageUpload, 0).await;
    let summed =
        demo.fleet.world.ask("SELECT COUNT(*), SUM(DEALS) FROM ANALYTICS.VENDOR.DEALS_BY_STAGE").await;
    assert_eq!(summed[0][1], there[0][0], "every opportunity is in the summary once");
    assert_eq!(
        demo.fleet.world.staged().await,
        Vec::<String>::new(),
        "no file is left in the Snowflake stage"
    );
}

/// For how many seconds Postgres is away at least; for as long as a short lease where absent.
const OUTAGE_VARIABLE: &str = "SNOWFERRY_OUTAGE_SECONDS";

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgres_costs_a_run_that_is_going_nothing() {
    let server = Postgres::own();
    let fleet = Fleet::on(server.url(&server.create_database().await)).await;
    fleet.file("acme", "deals", DEALS);
    fleet.world.set_deals(&deals(1_000));
    fleet.apply().await;
    let process = fleet.serve(&[]).await;
    let faults = fleet.world.emulator.faults();
    faults.add(FaultRule::on(Route::Chunk, Action::Hold { gate: "middle".into() }).skip(2).forever());
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    faults.reached("middle", 1).await;
    server.stop();
    server.start_again();
    faults.release("middle");
    faults.clear();
    let run = fleet.until("acme/deals", "succeeded").await;
    assert_eq!((&run["attempt"], &run["report"]["read"]), (&1.into(), &1_000.into()), "{run}");
    process.stop().await;
    assert_eq!(fleet.landed("acme", "sales.deals"), deals(1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_that_is_away_for_longer_than_the_lease_stops_runs_and_they_go_on_when_it_is_back() {
    let server = Postgres::own();
    let fleet = Fleet::on(server.url(&server.create_database().await)).await;
    fleet.file("acme", "deals", DEALS);
    fleet.world.set_deals(&deals(1_000));
    fleet.apply().await;
    // A literal outage of so many seconds is lived through with the lease that `serve` has by itself.
    let outage = std::env::var(OUTAGE_VARIABLE).ok().map(|text| text.parse().expect("a number of seconds"));
    let process = fleet.serve(if outage.is_some() { &[] } else { &LEASE }).await;
    let faults = fleet.world.emulator.faults();
    faults.add(FaultRule::on(Route::Chunk, Action::Hold { gate: "middle".into() }).skip(2).forever());
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    faults.reached("middle", 1).await;
    server.stop();
    let (gone_at, outage) = (Instant::now(), Duration::from_secs(outage.unwrap_or(0)));
    let lost = async {
        let metrics = async || request(process.address(), "GET /metrics", &[], "").await.body;
        while !metrics().await.contains("snowferry_leases_lost_total 1") || gone_at.elapsed() < outage {}
    };
    tokio::time::timeout(outage + Duration::from_secs(120), lost).await.expect("the lease is lost");
    println!("Postgres was away for {:.1} s", gone_at.elapsed().as_secs_f64());
    assert_eq!(request(process.address(), "GET /healthz", &[], "").await.status, 200, "it lives on");
    faults.clear();
    server.start_again();
    let run = fleet.until("acme/deals", "succeeded").await;
    assert!(run["attempt"].as_u64().unwrap() > 1, "{run}");
    assert_eq!(process.stop().await, Some(0));
    assert_eq!(fleet.landed("acme", "sales.deals"), deals(1_000));
}
