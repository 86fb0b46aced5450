//! An hour of many syncs that each run every quarter of it, on a clock that is moved by hand: what looking at the schedules every
//! second takes of a processor.

use std::time::Duration;

use jiff::Timestamp;
use model::{Result, ScheduleSpec};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use store::{
    Actor, ApplyOptions, MasterKey, Outcome, Queue, QueuePolicy, Store, StoreClock, Vault, Wanted,
    WantedConnection, WantedSync, WantedTenant,
};

const SYNCS_OF_TENANT: usize = 10;
const MINUTES: u32 = 60;
/// How often a scheduler looks.
const LOOK: Duration = Duration::from_secs(1);
const LOOKS_OF_MINUTE: u32 = 60;
/// Runs that are taken at once: none waits for long, so that every fire finds its sync at rest.
const PLACES: usize = 1_000;

/// An hour as it went.
#[derive(Debug, Default)]
pub(crate) struct Hour {
    pub(crate) asked: usize,
    pub(crate) queued: usize,
    pub(crate) passed: usize,
    /// What looking took of processors, on all threads of this program.
    looking: Duration,
    busiest_minute: Duration,
    /// What it took for a minute in which nothing was due.
    idle_minute: Duration,
}

impl Hour {
    /// Plays the hour of so many syncs on an empty database.
    pub(crate) async fn of(url: &str, sync_count: usize) -> Result<Self> {
        let mut now: Timestamp = "2026-05-01T07:58:00Z".parse().expect("a moment");
        let clock = StoreClock::by_hand(now);
        let store = Store::open_with_clock(url, clock.clone()).await?;
        set_up(&store, sync_count).await?;
        let queue = Queue::new(store.clone(), QueuePolicy::default());
        let worker = queue.register("hour").await?;
        let mut hour = Self::default();
        // The first look at each schedule says when it is to be looked at next.
        while queue.tick().await?.is_full {}
        // Minute 0 is the one before eight, in which nothing is due.
        for minute in 0..=MINUTES {
            let mut taken = Duration::ZERO;
            for _ in 0..LOOKS_OF_MINUTE {
                now += LOOK;
                clock.set(now);
                taken += hour.look(&queue).await?;
                queue.heartbeat(&worker).await?;
                for claimed in queue.claim(&worker, PLACES).await? {
                    let outcome = Outcome::Succeeded { report: json!({}), rejects: Vec::new() };
                    queue.finish(&claimed.ticket, outcome).await?;
                }
            }
            match minute {
                0 => hour.idle_minute = taken,
                _ => {
                    hour.looking += taken;
                    hour.busiest_minute = hour.busiest_minute.max(taken);
                }
            }
        }
        store.close().await;
        Ok(hour)
    }

    /// Looks as the scheduler does, and gives the processor time of it.
    async fn look(&mut self, queue: &Queue) -> Result<Duration> {
        let begun = processor_time();
        loop {
            let tick = queue.tick().await?;
            self.asked += tick.asked;
            self.queued += tick.queued;
            self.passed += tick.passed;
            if !tick.is_full {
                return Ok(processor_time().saturating_sub(begun));
            }
        }
    }

    pub(crate) fn print(&self, sync_count: usize) {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
        println!(
            "{sync_count} syncs, every 15 minutes each: {} runs, {} fires without one, {} times asked",
            self.queued, self.passed, self.asked
        );
        println!(
            "processor time per minute of schedule: {:.0} ms (mean), {:.0} ms (busiest), {:.0} ms with nothing due",
            milliseconds(self.looking) / f64::from(MINUTES),
            milliseconds(self.busiest_minute),
            milliseconds(self.idle_minute)
        );
    }
}

/// Stores so many syncs, ten to a tenant, their fires spread by the schedule's own jitter.
async fn set_up(store: &Store, sync_count: usize) -> Result<()> {
    let connection = |system: &str| WantedConnection {
        name: system.to_owned(),
        system: system.to_owned(),
        settings: json!({}),
        runs_max: 1_000,
        secrets: Vec::new(),
        kept: Vec::new(),
    };
    let sync = |number| WantedSync {
        name: format!("sync-{number}"),
        source: "snowflake".to_owned(),
        destination: "duckdb".to_owned(),
        definition: json!({}),
        schedule: Some(ScheduleSpec::new("*/15 * * * *", "Europe/Berlin")),
        late_after: None,
    };
    let tenant = |number| WantedTenant {
        name: format!("tenant-{number:05}"),
        runs_max: 1_000,
        connections: vec![connection("snowflake"), connection("duckdb")],
        syncs: (0..SYNCS_OF_TENANT).map(sync).collect(),
    };
    let key = MasterKey::parse(MasterKey::generate()?.expose().as_bytes())?;
    let vault = Vault::open(store.clone(), key, Vec::new()).await?;
    let wanted = Wanted { tenants: (0..sync_count / SYNCS_OF_TENANT).map(tenant).collect() };
    vault.apply(&wanted, ApplyOptions::default(), &Actor::new("hour")).await.map(drop)
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_fire_of_an_hour_becomes_a_run_and_schedules_that_are_not_due_are_not_asked() {
        let folder = tempfile::tempdir().unwrap();
        let hour =
            Hour::of(&format!("sqlite:{}", folder.path().join("hour.db").display()), 50).await.unwrap();
        hour.print(50);
        assert_eq!((hour.queued, hour.passed), (200, 0));
        // When it fires, when that is settled, and when its run has ended.
        assert!(hour.asked <= 3 * hour.queued, "{}", hour.asked);
        assert!(hour.looking >= hour.busiest_minute);
    }
}
