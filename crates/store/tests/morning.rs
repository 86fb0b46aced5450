//! A morning with thousands of tenants that all want to run at two o'clock, on a clock that is moved by hand: how long
//! each waits, and what the queue itself takes.

use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use model::{Error, ErrorKind, Result, ScheduleSpec};
use serde_json::json;
use store::{
    Actor, ApplyOptions, Claimed, Id, MasterKey, Outcome, Queue, QueuePolicy, Store, StoreClock, Tenant,
    Vault, Wanted, WantedConnection, WantedSync, WantedTenant,
};

/// Runs that all workers together have room for: fewer than five thousand tenants want within their five minutes.
const PLACES: usize = 200;
/// How long a usual run takes, and how long the one backfill of the day does.
const RUN: Duration = Duration::from_secs(20);
const BACKFILL: Duration = Duration::from_secs(24 * 3_600);
/// How often the queue is looked at.
const LOOK: Duration = Duration::from_secs(1);
const MORNING: Duration = Duration::from_secs(15 * 60);

/// Stores so many tenants, each with a sync that wants to run at two o'clock.
async fn set_up(store: &Store, tenant_count: usize) -> Result<Vec<Id<Tenant>>> {
    let connection = |system: &str| WantedConnection {
        name: system.to_owned(),
        system: system.to_owned(),
        settings: json!({}),
        runs_max: 3,
        secrets: Vec::new(),
        kept: Vec::new(),
    };
    let sync = || WantedSync {
        name: "deals".to_owned(),
        source: "snowflake".to_owned(),
        destination: "duckdb".to_owned(),
        definition: json!({}),
        schedule: Some(ScheduleSpec::new("0 2 * * *", "UTC")),
        late_after: None,
    };
    let tenant = |number| WantedTenant {
        name: format!("tenant-{number:05}"),
        runs_max: 3,
        connections: vec![connection("snowflake"), connection("duckdb")],
        syncs: vec![sync()],
    };
    let key = MasterKey::parse(MasterKey::generate()?.expose().as_bytes())?;
    let vault = Vault::open(store.clone(), key, Vec::new()).await?;
    let wanted = Wanted { tenants: (0..tenant_count).map(tenant).collect() };
    vault.apply(&wanted, ApplyOptions::default(), &Actor::new("morning")).await?;
    let mut ids = Vec::new();
    for name in ["tenant-00000", "tenant-00001"] {
        ids.push(store.tenant_named(name).await?.id);
    }
    Ok(ids)
}

/// A morning as it went.
pub(crate) struct Morning {
    store: Store,
    queue: Queue,
    clock: StoreClock,
    now: Timestamp,
    failing: Id<Tenant>,
    backfilling: Id<Tenant>,
    /// Runs that are going, the next to end on top.
    going: BinaryHeap<Going>,
    pub(crate) delays: Vec<Duration>,
    claims: u32,
    pub(crate) attempts_of_failing: u64,
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
    /// Plays the morning of so many tenants on an empty database.
    pub(crate) async fn of(url: &str, tenant_count: usize) -> Result<Self> {
        let clock = StoreClock::by_hand("2026-05-01T01:59:00Z".parse().expect("a moment"));
        let store = Store::open_with_clock(url, clock.clone()).await?;
        let begun = Instant::now();
        let tenants = set_up(&store, tenant_count).await?;
        println!("{tenant_count} tenants in {:.1} s", begun.elapsed().as_secs_f64());
        let mut morning = Self::new(store, clock, tenants);
        morning.play().await?;
        morning.delays.sort();
        Ok(morning)
    }

    /// How long this share of the runs waited at most.
    pub(crate) fn delay(&self, share: f64) -> Duration {
        self.delays[((self.delays.len() - 1) as f64 * share) as usize]
    }

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

    pub(crate) fn print(&self) {
        let at = |share: f64| self.delay(share).as_secs();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Postgres;

    #[tokio::test]
    async fn of_five_thousand_tenants_at_two_o_clock_none_starves_and_two_that_misbehave_delay_nobody() {
        let server = Postgres::get();
        let url = server.url(&server.create_database().await);
        let morning = Morning::of(&url, 5_000).await.unwrap();
        morning.print();
        assert_eq!(morning.delays.len(), 5_000, "each has begun once");
        // 4,998 runs of 20 s in 199 places take 502 s and a little more; jitter spreads the fires over five minutes.
        let room = Duration::from_secs(600);
        assert!(morning.delay(1.0) < room, "{:?}", morning.delay(1.0));
        assert!(morning.delay(0.5) < room / 2, "{:?}", morning.delay(0.5));
        assert!(morning.attempts_of_failing <= 6, "{}", morning.attempts_of_failing);
    }
}
