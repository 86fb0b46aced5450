//! A morning with thousands of tenants that all want to run at two o'clock, on a clock that is moved by hand: how long
//! each waits, and what the queue itself takes. `cargo run -p store --example morning -- URL [TENANTS]`

use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use model::{Error, ErrorKind, Result, ScheduleSpec};
use serde_json::json;
use store::{
    Actor, Claimed, Id, NewConnection, NewSync, NewTenant, Outcome, Queue, QueuePolicy, Store, StoreClock,
    Tenant,
};

/// Runs that all workers together have room for: fewer than five thousand tenants want within their five minutes.
const PLACES: usize = 200;
/// How long a usual run takes, and how long the one backfill of the day does.
const RUN: Duration = Duration::from_secs(20);
const BACKFILL: Duration = Duration::from_secs(24 * 3_600);
/// How often the queue is looked at.
const LOOK: Duration = Duration::from_secs(1);
const MORNING: Duration = Duration::from_secs(30 * 60);

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("name the database: sqlite:PATH or postgres://…");
    let tenant_count = arguments.next().map_or(5_000, |count| count.parse().expect("a number of tenants"));
    let clock = StoreClock::by_hand("2026-05-01T01:59:00Z".parse().expect("a moment"));
    let store = Store::open_with_clock(&url, clock.clone()).await?;
    let begun = Instant::now();
    let tenants = set_up(&store, tenant_count).await?;
    println!("{tenant_count} tenants in {:.1} s", begun.elapsed().as_secs_f64());
    let mut morning = Morning::new(store, clock, tenants);
    morning.play().await?;
    morning.print();
    Ok(())
}

async fn set_up(store: &Store, tenant_count: usize) -> Result<Vec<Id<Tenant>>> {
    let by = Actor::new("morning");
    let mut tenants = Vec::new();
    for number in 0..tenant_count {
        let new = NewTenant { name: format!("tenant-{number}"), runs_max: 3 };
        let tenant = store.create_tenant(new, &by).await?.id;
        let mut ends = Vec::new();
        for system in ["snowflake", "duckdb"] {
            let new = NewConnection {
                name: system.to_owned(),
                system: system.to_owned(),
                settings: json!({}),
                runs_max: 3,
            };
            ends.push(store.create_connection(&tenant, new, &by).await?.id);
        }
        let sync = NewSync {
            name: "deals".to_owned(),
            source: ends[0].clone(),
            destination: ends[1].clone(),
            definition: json!({}),
            priority: 0,
            schedule: Some(ScheduleSpec::new("0 2 * * *", "UTC")),
        };
        store.create_sync(&tenant, sync, &by).await?;
        tenants.push(tenant);
    }
    Ok(tenants)
}

struct Morning {
    store: Store,
    queue: Queue,
    clock: StoreClock,
    now: Timestamp,
    failing: Id<Tenant>,
    backfilling: Id<Tenant>,
    /// Runs that are going, the next to end on top.
    going: BinaryHeap<Going>,
    delays: Vec<Duration>,
    claims: u32,
    attempts_of_failing: u64,
    claiming: Duration,
    claiming_max: Duration,
    finishing: Duration,
    looking: Duration,
}

struct Going {
    until: Timestamp,
    claimed: Claimed,
}

impl Morning {
    fn new(store: Store, clock: StoreClock, tenants: Vec<Id<Tenant>>) -> Self {
        Self {
            queue: Queue::new(store.clone(), QueuePolicy::default()),
            store,
            clock,
            now: "2026-05-01T01:59:00Z".parse().expect("a moment"),
            failing: tenants[0].clone(),
            backfilling: tenants[1].clone(),
            going: BinaryHeap::new(),
            delays: Vec::new(),
            claims: 0,
            attempts_of_failing: 0,
            claiming: Duration::ZERO,
            claiming_max: Duration::ZERO,
            finishing: Duration::ZERO,
            looking: Duration::ZERO,
        }
    }

    async fn play(&mut self) -> Result<()> {
        let worker = self.queue.register("morning").await?;
        let end = self.now + MORNING;
        while self.now < end {
            self.now += LOOK;
            self.clock.set(self.now);
            self.queue.heartbeat(&worker).await?;
            let begun = Instant::now();
            while self.queue.tick().await?.is_full {}
            self.looking += begun.elapsed();
            self.end_what_has_ended().await?;
            let begun = Instant::now();
            let claimed = self.queue.claim(&worker, PLACES - self.going.len()).await?;
            let took = begun.elapsed();
            (self.claiming, self.claiming_max) = (self.claiming + took, self.claiming_max.max(took));
            for claimed in claimed {
                self.begin(claimed).await?;
            }
        }
        Ok(())
    }

    async fn begin(&mut self, claimed: Claimed) -> Result<()> {
        self.claims += 1;
        if claimed.attempt == 1 {
            let run = self.store.run(&claimed.tenant, &claimed.ticket.run).await?;
            let delay = Duration::try_from(self.now.duration_since(run.queued_at));
            self.delays.push(delay.expect("a run starts after it was queued"));
        }
        let takes = if claimed.tenant == self.backfilling { BACKFILL } else { RUN };
        self.going.push(Going { until: self.now + takes, claimed });
        Ok(())
    }

    async fn end_what_has_ended(&mut self) -> Result<()> {
        let outage = Error::new(ErrorKind::Unavailable, "outage", "never answers");
        while self.going.peek().is_some_and(|next| next.until <= self.now) {
            let Some(Going { claimed, .. }) = self.going.pop() else { break };
            let is_failing = claimed.tenant == self.failing;
            self.attempts_of_failing += u64::from(is_failing);
            let outcome = match is_failing {
                true => Outcome::Failed { error: &outage, connection: Some(claimed.source.clone()) },
                false => Outcome::Succeeded { report: json!({}), rejects: Vec::new() },
            };
            let begun = Instant::now();
            self.queue.finish(&claimed.ticket, outcome).await?;
            self.finishing += begun.elapsed();
        }
        Ok(())
    }

    fn print(&mut self) {
        self.delays.sort();
        let at = |share: f64| self.delays[((self.delays.len() - 1) as f64 * share) as usize].as_secs();
        println!(
            "{} first attempts; after their time they waited: median {} s, p99 {} s, at most {} s",
            self.delays.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
        println!("the tenant that fails was tried {} times", self.attempts_of_failing);
        let per_second = |count: u32, time: Duration| f64::from(count) / time.as_secs_f64();
        println!(
            "claims: {:.0}/s, at most {} ms for one look",
            per_second(self.claims, self.claiming),
            self.claiming_max.as_millis()
        );
        println!("ends of runs: {:.0}/s", per_second(self.claims, self.finishing));
        println!(
            "schedules: {:.1} s for {} looks",
            self.looking.as_secs_f64(),
            MORNING.as_secs() / LOOK.as_secs()
        );
    }
}

impl PartialEq for Going {
    fn eq(&self, other: &Self) -> bool {
        self.until == other.until
    }
}

impl Eq for Going {}

impl PartialOrd for Going {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The one that ends first is the greatest: that is what a heap gives.
impl Ord for Going {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.until.cmp(&self.until)
    }
}
