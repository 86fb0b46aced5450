//! A year of a daily sync in each of several zones, on a clock that is moved by hand: whatever is done to local clocks, each day has
//! its run, none has two, and no two runs of a sync are going at once.

use std::collections::HashMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use model::{Epoch, ScheduleSpec};
use serde_json::json;
use store::{
    Actor, Id, NewConnection, NewSync, NewTenant, Outcome, Queue, QueuePolicy, Store, StoreClock, Sync,
};

/// Zones whose clocks jump in different ways: an hour at night, half an hour, southern summers, none.
const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Kolkata",
    "Africa/Casablanca",
];

/// Within the hour that jumps in Berlin and New York.
const CRON: &str = "30 2 * * *";

/// Fires are at whole and half hours of UTC in all of these zones, and jitter is switched off.
const STEP: Duration = Duration::from_secs(30 * 60);

struct Year {
    store: Store,
    queue: Queue,
    clock: StoreClock,
    syncs: HashMap<Id<Sync>, &'static str>,
    /// The starts of runs, by zone.
    started: HashMap<&'static str, Vec<Timestamp>>,
    epochs: HashMap<&'static str, Epoch>,
}

impl Year {
    async fn of(url: &str, begin: Timestamp) -> Self {
        let clock = StoreClock::by_hand(begin);
        let store = Store::open_with_clock(url, clock.clone()).await.unwrap();
        let by = Actor::new("year");
        let tenant =
            store.create_tenant(NewTenant { name: "acme".to_owned(), runs_max: 100 }, &by).await.unwrap();
        let new = NewConnection {
            name: "snowflake".to_owned(),
            system: "snowflake".to_owned(),
            settings: json!({}),
            runs_max: 100,
        };
        let connection = store.create_connection(&tenant.id, new, &by).await.unwrap();
        let mut syncs = HashMap::new();
        for zone in ZONES {
            let schedule = ScheduleSpec { jitter_ms: Some(0), ..ScheduleSpec::new(CRON, zone) };
            let new = NewSync {
                name: zone.replace('/', "-"),
                source: connection.id.clone(),
                destination: connection.id.clone(),
                definition: json!({}),
                priority: 0,
                schedule: Some(schedule),
                late_after: None,
            };
            syncs.insert(store.create_sync(&tenant.id, new, &by).await.unwrap().id, zone);
        }
        let queue = Queue::new(store.clone(), QueuePolicy::default());
        Self { store, queue, clock, syncs, started: HashMap::new(), epochs: HashMap::new() }
    }

    async fn play(&mut self, begin: Timestamp, end: Timestamp) {
        let mut now = begin;
        while now < end {
            now += STEP;
            self.clock.set(now);
            if self.queue.tick().await.unwrap().queued == 0 {
                continue;
            }
            let worker = self.queue.register("year").await.unwrap();
            for claimed in self.queue.claim(&worker, ZONES.len()).await.unwrap() {
                let zone = self.syncs[&claimed.sync];
                self.started.entry(zone).or_default().push(now);
                let before = self.epochs.insert(zone, claimed.ticket.epoch);
                assert!(before.is_none_or(|before| before < claimed.ticket.epoch), "{zone} at {now}");
                let outcome = Outcome::Succeeded { report: json!({}), rejects: Vec::new() };
                self.queue.finish(&claimed.ticket, outcome).await.unwrap();
            }
            self.queue.give_back(&worker).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_year_of_days_has_a_run_each_in_every_zone_whatever_is_done_to_its_clock() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("state.db").display());
    let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let end: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    let mut year = Year::of(&url, begin).await;
    year.play(begin, end).await;
    for zone in ZONES {
        let time_zone = TimeZone::get(zone).unwrap();
        let local = |at: &Timestamp| at.to_zoned(time_zone.clone());
        let starts = &year.started[zone];
        let days: Vec<_> = starts.iter().map(|at| local(at).date()).collect();
        for pair in days.windows(2) {
            assert_eq!(pair[0].checked_add(1.day()).unwrap(), pair[1], "{zone}: every day once");
        }
        assert!((364..=366).contains(&starts.len()), "{zone}: {}", starts.len());
        // Where the clock does not show half past two, it is the moment of the jump; where it shows it twice, the first time.
        for at in starts {
            let shown = local(at);
            let is_jump = time_zone
                .preceding(*at + Duration::from_secs(1))
                .next()
                .is_some_and(|jump| jump.timestamp() == *at);
            assert!(is_jump || (shown.hour(), shown.minute()) == (2, 30), "{zone}: {shown}");
            let ambiguous = time_zone.to_ambiguous_timestamp(shown.datetime());
            assert_eq!(ambiguous.earlier().unwrap(), *at, "{zone}: {shown} is the first of both");
        }
    }
    year.store.close().await;
}
