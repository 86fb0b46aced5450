//! One look at all syncs: whose condition is not what a channel was told last.

use alerts::{Alert, Change, EndedRun, Failure, SyncRuns, Told};
use jiff::{SignedDuration, Timestamp};
use model::Result;
use serde_json::Value;
use store::{Id, RunError, Standing, Store, Sync};

/// Syncs that are read at once.
const PAGE_SYNCS: u32 = 500;

/// A sync whose condition a channel was not told.
#[derive(Debug)]
pub(super) struct News {
    pub(super) sync: Id<Sync>,
    /// The tenant and the sync, as people name it.
    tenant: String,
    name: String,
    change: Change,
    runs: SyncRuns,
}

/// All that `channel` does not know at `now`.
pub(super) async fn look(store: &Store, channel: &str, now: Timestamp) -> Result<Vec<News>> {
    let mut news = Vec::new();
    let mut after = None;
    loop {
        let page = store.standings(channel, after.as_ref(), PAGE_SYNCS).await?;
        let is_last = page.len() < PAGE_SYNCS as usize;
        after = page.last().map(|standing| standing.sync.clone());
        news.extend(page.into_iter().filter_map(|standing| News::of(standing, now)));
        if is_last {
            return Ok(news);
        }
    }
}

impl News {
    fn of(standing: Standing, now: Timestamp) -> Option<Self> {
        // What cannot be read any more was written by another release: it is told again.
        let told = standing.told.as_ref().and_then(|(told, at)| {
            let condition = serde_json::from_value(told.clone()).ok()?;
            Some(Told { condition, at: *at })
        });
        let runs = runs_of(&standing);
        let change = Told::change(told.as_ref(), &runs.condition(now))?;
        Some(Self { sync: standing.sync, tenant: standing.tenant_name, name: standing.name, change, runs })
    }

    /// What is told of it alone.
    pub(super) fn alert(&self, now: Timestamp) -> Alert {
        Alert::of(&self.tenant, &self.name, &self.change, &self.runs, now)
    }

    /// What is told of it among many.
    pub(super) fn named(&self) -> (String, Change) {
        (format!("{}/{}", self.tenant, self.name), self.change.clone())
    }

    /// What is noted as told.
    pub(super) fn told(&self) -> (Id<Sync>, Value) {
        let condition = serde_json::to_value(&self.change.after).unwrap_or_default();
        (self.sync.clone(), condition)
    }
}

/// The word for how a sync stands, the same for the API, the figures and people.
pub(crate) fn condition_word(standing: &Standing, now: Timestamp) -> &'static str {
    if standing.is_resting { "resting" } else { runs_of(standing).condition(now).as_str() }
}

/// What is known of the runs of a sync, as those see it who alert.
pub(crate) fn runs_of(standing: &Standing) -> SyncRuns {
    let failure = |error: &RunError| Failure {
        code: error.code.clone(),
        message: error.message.clone(),
        remedy: error.remedy.clone(),
    };
    SyncRuns {
        known_since: standing.expected_since,
        last: standing
            .last_ended
            .as_ref()
            .map(|(at, error)| EndedRun { at: *at, failure: error.as_ref().map(failure) }),
        last_success_at: standing.last_success_at,
        late_after: standing.late_after.and_then(|late_after| SignedDuration::try_from(late_after).ok()),
        is_resting: standing.is_resting,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::{Error, RunState};
    use serde_json::json;
    use store::{
        Actor, NewConnection, NewRun, NewSync, NewTenant, Outcome, Queue, QueuePolicy, Standings, StoreClock,
    };

    use super::*;

    /// Numbers that look random and are the same every time.
    fn next(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *seed >> 33
    }

    /// What people are told of each sync, counted; and by how much the one that is most overdue is.
    fn counted(standings: &[Standing], now: Timestamp) -> Standings {
        let mut counted = Standings::default();
        for standing in standings {
            let count = match condition_word(standing, now) {
                "resting" => &mut counted.resting,
                "failing" => &mut counted.failing,
                "late" => &mut counted.late,
                _ => &mut counted.well,
            };
            *count += 1;
            let runs = runs_of(standing);
            let fresh_at = runs.last_success_at.unwrap_or(runs.known_since).max(runs.known_since);
            if let (false, Some(late_after)) = (standing.is_resting, runs.late_after) {
                let overdue =
                    Duration::try_from(now.duration_since(fresh_at) - late_after).unwrap_or_default();
                counted.overdue = counted.overdue.max(overdue);
            }
        }
        counted
    }

    #[tokio::test]
    async fn syncs_are_counted_by_what_people_are_told_of_each() {
        let folder = tempfile::tempdir().unwrap();
        let clock = StoreClock::by_hand("2026-05-01T12:00:00Z".parse().unwrap());
        let url = format!("sqlite:{}", folder.path().join("state.db").display());
        let store = Store::open_with_clock(&url, clock.clone()).await.unwrap();
        let queue = Queue::new(store.clone(), QueuePolicy::default());
        let by = Actor::new("test");
        let tenant =
            store.create_tenant(NewTenant { name: "acme".to_owned(), runs_max: 100 }, &by).await.unwrap();
        let mut connections = Vec::new();
        for name in ["one", "two", "three"] {
            let new = NewConnection {
                name: name.to_owned(),
                system: "snowflake".to_owned(),
                settings: json!({}),
                runs_max: 100,
            };
            connections.push(store.create_connection(&tenant.id, new, &by).await.unwrap());
        }
        let mut seed = 11;
        let mut syncs = Vec::new();
        for number in 0..24 {
            let hours = next(&mut seed) % 5;
            let new = NewSync {
                name: format!("sync-{number}"),
                source: connections[number % 2].id.clone(),
                destination: connections[2].id.clone(),
                definition: json!({}),
                priority: 0,
                schedule: None,
                late_after: (hours > 0).then(|| Duration::from_secs(hours * 3_600)),
            };
            syncs.push(store.create_sync(&tenant.id, new, &by).await.unwrap());
        }
        let mut seen = Standings::default();
        for round in 0..60 {
            clock.set(store.now().await.unwrap() + Duration::from_secs(next(&mut seed) % 5_000));
            let sync = &syncs[next(&mut seed) as usize % syncs.len()];
            match next(&mut seed) % 8 {
                0 => store.pause_sync(&tenant.id, &sync.id, &by).await.unwrap(),
                1 => store.resume_sync(&tenant.id, &sync.id, &by).await.unwrap(),
                2 if round > 40 => store.suspend_tenant(&tenant.id, &by).await.unwrap(),
                3 => store.resume_tenant(&tenant.id, &by).await.unwrap(),
                _ => {
                    // Refused where nothing may run.
                    let _asked = queue.enqueue(&tenant.id, &sync.id, NewRun::default(), &by).await;
                }
            }
            if round == 50 {
                store.close_connection(&tenant.id, &connections[0].id, &by).await.unwrap();
            }
            let worker = queue.register("worker").await.unwrap();
            for claimed in queue.claim(&worker, 10).await.unwrap() {
                let error = Error::config("unknown_column", "there is no such column");
                let outcome = match next(&mut seed) % 3 {
                    0 => Outcome::Failed { error: &error, connection: None },
                    _ => Outcome::Succeeded { report: json!({}), rejects: Vec::new() },
                };
                let ended = queue.finish(&claimed.ticket, outcome).await.unwrap();
                assert!(matches!(ended, RunState::Succeeded | RunState::Failed));
            }
            let (standings, now) =
                (store.standings_of(&tenant.id).await.unwrap(), store.now().await.unwrap());
            let expected = counted(&standings, now);
            assert_eq!(store.count_standings().await.unwrap(), expected, "round {round}");
            for (most, count) in [
                (&mut seen.well, expected.well),
                (&mut seen.failing, expected.failing),
                (&mut seen.late, expected.late),
                (&mut seen.resting, expected.resting),
            ] {
                *most = (*most).max(count);
            }
        }
        assert!(seen.well.min(seen.failing).min(seen.late).min(seen.resting) > 0, "{seen:?}");
    }
}
