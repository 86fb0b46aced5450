//! Workers that die and stall while they work: nothing is lost, doubled or shown by one that has lost its lease.
//!
//! Six real processes on Postgres, twenty tenants. `SNOWFERRY_CHAOS_SECONDS=60` makes it the long form, with 200 streams.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use connectors::duckdb::{TenantFile, query_json};
use model::RunState;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use store::{Actor, NewRun, Queue, QueuePolicy, RunFilter, Store, Sync, Tenant};

use crate::fleet::{Fleet, Process};
use crate::server::Postgres;
use crate::world::{Deal, deal, deals};

const TENANTS: usize = 20;
const WORKERS: usize = 6;
/// Of each tenant, whatever happens.
const TENANT_RUNS_MAX: usize = 2;
/// In seconds. A worker is stopped for longer than this and the grace of a quarter.
const LEASE: &str = "3";
const STOPPED_FOR: Duration = Duration::from_millis(4_500);
const DEALS: i64 = 250;
/// Between changes of the rows, which take the longest.
const ROUNDS_A_CHANGE: usize = 4;
/// The environment variable that makes the test last so many seconds.
const SECONDS_VARIABLE: &str = "SNOWFERRY_CHAOS_SECONDS";

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_are_killed_and_stopped_lose_nothing_and_double_nothing() {
    let seconds: Option<u64> =
        std::env::var(SECONDS_VARIABLE).ok().map(|text| text.parse().expect("a number of seconds"));
    let streams = if seconds.is_some() { 10 } else { 2 };
    let mut chaos = Chaos::start(streams).await;
    chaos.rage(Duration::from_secs(seconds.unwrap_or(12))).await;
    chaos.settle().await;
    chaos.stop_workers().await;
    chaos.assert_nothing_is_lost_or_doubled();
    chaos.print_figures().await;
}

struct Chaos {
    fleet: Fleet,
    store: Store,
    queue: Queue,
    syncs: Vec<(Tenant, Sync)>,
    workers: Vec<Process>,
    random: TestRng,
    source: Vec<Deal>,
    tick: i64,
    figures: Figures,
}

#[derive(Debug, Default)]
struct Figures {
    kills: usize,
    stops: usize,
    running_max_of_a_tenant: usize,
    rows: usize,
}

impl Chaos {
    async fn start(streams: usize) -> Self {
        let server = Postgres::get();
        let url = server.url(&server.create_database().await);
        let fleet = Fleet::on(url.clone()).await;
        for tenant in 0..TENANTS {
            let name = format!("tenant-{tenant}");
            for stream in 0..streams {
                let rest = format!(
                    "stream: CRM.SALES.DEALS
target: sales.deals_{stream}
read: {{ incremental: {{ cursor: UPDATED_AT, lookback: 1m }}, key: [ID] }}"
                );
                fleet.file(&name, &format!("deals-{stream}"), &rest);
            }
            let limits = format!("tenant: {name}\nruns_max: {TENANT_RUNS_MAX}\n");
            std::fs::write(fleet.folder().join("customers").join(&name).join("tenant.yaml"), limits).unwrap();
        }
        fleet.apply().await;
        let store = Store::open(&url).await.unwrap();
        let queue = Queue::new(store.clone(), QueuePolicy::default());
        let mut syncs = Vec::new();
        for tenant in store.tenants(None).await.unwrap() {
            for sync in store.syncs(&tenant.id).await.unwrap() {
                syncs.push((tenant.clone(), sync));
            }
        }
        let seed: [u8; 32] = std::array::from_fn(|at| (std::process::id() >> (at % 4 * 8)) as u8);
        println!("seed {seed:?}");
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let source = deals(DEALS);
        fleet.world.set_deals(&source);
        let workers = Vec::new();
        let mut chaos = Self {
            fleet,
            store,
            queue,
            syncs,
            workers,
            random,
            source,
            tick: 3_000,
            figures: Figures::default(),
        };
        for number in 0..WORKERS {
            let worker = chaos.worker(number);
            chaos.workers.push(worker);
        }
        chaos
    }

    fn worker(&self, number: usize) -> Process {
        let name = format!("worker-{number}");
        let arguments = ["worker", "--lease", LEASE, "--name", &name, "--memory", "32MiB"];
        let child = self.fleet.command(&arguments).stderr(std::process::Stdio::null()).spawn().unwrap();
        Process { child, address: None, log: tokio::spawn(async { String::new() }) }
    }

    /// Kills and stops workers, one after another, while rows change and runs are asked for.
    async fn rage(&mut self, duration: Duration) {
        let until = Instant::now() + duration;
        let mut stopped: BTreeMap<usize, Instant> = BTreeMap::new();
        for round in 0.. {
            if Instant::now() > until {
                break;
            }
            if round % ROUNDS_A_CHANGE == 0 {
                self.change_rows();
            }
            self.ask_for_all().await;
            self.look_at_limits().await;
            stopped.retain(|number, since| {
                let goes_on = since.elapsed() > STOPPED_FOR;
                if goes_on {
                    self.workers[*number].signal("-CONT");
                }
                !goes_on
            });
            let number = self.below(WORKERS);
            if stopped.contains_key(&number) || self.below(4) == 0 {
                continue;
            }
            if self.below(2) == 0 {
                self.workers[number].child.kill().await.unwrap();
                self.workers[number] = self.worker(number);
                self.figures.kills += 1;
            } else {
                self.workers[number].signal("-STOP");
                stopped.insert(number, Instant::now());
                self.figures.stops += 1;
            }
        }
        for number in stopped.into_keys() {
            self.workers[number].signal("-CONT");
        }
    }

    fn below(&mut self, end: usize) -> usize {
        (self.random.next_u64() % end as u64) as usize
    }

    fn change_rows(&mut self) {
        self.tick += 1;
        for _ in 0..10 {
            let at = self.below(self.source.len());
            self.source[at] = deal(at as i64 + 1, self.tick);
        }
        self.fleet.world.set_deals(&self.source);
    }

    async fn ask_for_all(&self) {
        let by = Actor::new("chaos");
        for (tenant, sync) in &self.syncs {
            self.queue.enqueue(&tenant.id, &sync.id, NewRun::default(), &by).await.unwrap();
        }
    }

    async fn look_at_limits(&mut self) {
        let running = RunFilter { state: Some(RunState::Running), ..RunFilter::default() };
        let mut tenants: Vec<_> = self.syncs.iter().map(|(tenant, _)| tenant.id.clone()).collect();
        tenants.dedup();
        for tenant in tenants {
            let count = self.store.find_runs(&tenant, &running, 100).await.unwrap().len();
            self.figures.running_max_of_a_tenant = self.figures.running_max_of_a_tenant.max(count);
        }
        assert!(self.figures.running_max_of_a_tenant <= TENANT_RUNS_MAX, "a tenant is above its limit");
    }

    /// One more run of every stream, undisturbed. Runs that wait for a later attempt are not waited for.
    async fn settle(&mut self) {
        self.change_rows();
        let by = Actor::new("chaos");
        let began = Instant::now();
        let mut settled = vec![false; self.syncs.len()];
        for (tenant, sync) in &self.syncs {
            if let Some(open) = self.store.why(&tenant.id, &sync.id).await.unwrap().open_run {
                // It may have ended meanwhile, which is as good.
                let _ended = self.queue.cancel(&tenant.id, &open, &by).await;
            }
        }
        let asked_at = self.store.now().await.unwrap();
        while settled.contains(&false) {
            assert!(began.elapsed() < Duration::from_secs(240), "some streams never succeed: {settled:?}");
            for (at, (tenant, sync)) in self.syncs.iter().enumerate() {
                if settled[at] {
                    continue;
                }
                let runs = RunFilter { sync: Some(sync.id.clone()), ..RunFilter::default() };
                let latest = self.store.find_runs(&tenant.id, &runs, 1).await.unwrap().pop();
                let is_after = latest.as_ref().is_some_and(|run| run.queued_at >= asked_at);
                match latest.map(|run| run.state) {
                    Some(RunState::Succeeded) if is_after => settled[at] = true,
                    Some(state) if !state.is_final() && is_after => {}
                    _ => drop(self.queue.enqueue(&tenant.id, &sync.id, NewRun::default(), &by).await),
                }
            }
            self.look_at_limits().await;
            tokio::task::yield_now().await;
        }
        println!("settled after {:.1} s", began.elapsed().as_secs_f64());
    }

    async fn stop_workers(&mut self) {
        for worker in self.workers.drain(..) {
            assert_eq!(worker.stop().await, Some(0));
        }
    }

    /// Every stream's rows are those of the source, and its position is that of its rows.
    fn assert_nothing_is_lost_or_doubled(&mut self) {
        for (tenant, sync) in &self.syncs {
            let stream = sync.name.trim_start_matches("deals-");
            let landed = self.fleet.landed(&tenant.name, &format!("sales.deals_{stream}"));
            let differs = landed.iter().zip(&self.source).find(|(landed, source)| landed != source);
            assert_eq!(differs, None, "{}/{}", tenant.name, sync.name);
            assert_eq!(landed.len(), self.source.len(), "{}/{}", tenant.name, sync.name);
            let latest = landed.iter().filter_map(|deal| deal.updated_at.as_deref()).max().unwrap();
            let cursor = self.cursor(&tenant.name, &format!("deals_{stream}"));
            assert!(cursor.contains(latest), "{}/{}: {cursor} and {latest}", tenant.name, sync.name);
            self.figures.rows += landed.len();
        }
    }

    fn cursor(&self, tenant: &str, table: &str) -> String {
        let file = TenantFile::new(&self.fleet.folder().join("data"), tenant).unwrap();
        let sql = format!(
            "SELECT committed_cursor AS cursor FROM _snowferry.streams WHERE target_table = '{table}'"
        );
        let rows = query_json(&file, &sql, 10).unwrap();
        arrow_cast::display::array_value_to_string(rows.batches[0].column(0), 0).unwrap()
    }

    async fn print_figures(&self) {
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
        for (tenant, sync) in &self.syncs {
            for run in self.store.runs(&tenant.id, &sync.id).await.unwrap() {
                *states.entry(run.state.as_str()).or_default() += 1;
                if let Some(error) = run.error.filter(|_| run.state == RunState::Failed) {
                    println!("{}/{} failed: [{}] {}", tenant.name, sync.name, error.code, error.message);
                }
                for attempt in self.store.attempts(&tenant.id, &run.id).await.unwrap() {
                    let outcome = attempt.outcome.unwrap_or_else(|| "going".to_owned());
                    let code = attempt.error_code.map(|code| format!(" ({code})")).unwrap_or_default();
                    *outcomes.entry(outcome + &code).or_default() += 1;
                }
            }
        }
        println!("{} streams of {TENANTS} tenants, {WORKERS} workers", self.syncs.len());
        println!("{:?}", self.figures);
        println!("runs {states:?}");
        println!("attempts {outcomes:?}");
        self.store.close().await;
    }
}
