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
        is_paused: standing.is_at_rest,
    }
}
