//! Why a sync does or does not run now: its schedule's answer, and what an open run waits for.

use std::time::Duration;

use alerts::Condition;
use jiff::Timestamp;
use model::{Result, RunState};
use store::{PassedFire, Queue, Run, RunFilter, Store, Sync, Tenant};

use crate::alerting::{condition_word, runs_of};

/// Running runs of a tenant that are counted; its limit is far below.
const COUNTED_MAX: u32 = 1_000;

/// An answer for a person.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What the schedule says; nothing where the sync has none.
    pub schedule: Option<String>,
    pub open_run: Option<Run>,
    /// What the open run waits for. Empty where it is going.
    pub waits_for: Vec<String>,
    /// The last fire that got no run.
    pub passed: Option<PassedFire>,
    pub last_run: Option<Run>,
    /// How it is doing, as people are told it.
    pub condition: Condition,
    /// The word for that, or that nobody expects it to run.
    pub condition_word: &'static str,
    /// When it last succeeded, and how old that may become.
    pub last_success_at: Option<Timestamp>,
    pub late_after: Option<Duration>,
}

/// Looks at everything that may keep a sync from running.
pub async fn explain(store: &Store, queue: &Queue, tenant: &Tenant, sync: &Sync) -> Result<Explanation> {
    let why = store.why(&tenant.id, &sync.id).await?;
    let standing = store.standing(&tenant.id, &sync.id).await?;
    let open_run = match &why.open_run {
        Some(run) => Some(store.run(&tenant.id, run).await?),
        None => None,
    };
    let waits_for = match &open_run {
        Some(run) if run.state != RunState::Running => waits_for(store, queue, tenant, sync, run).await?,
        _ => Vec::new(),
    };
    let now = store.now().await?;
    Ok(Explanation {
        schedule: why.decision.map(|decision| decision.to_string()),
        open_run,
        waits_for,
        passed: why.passed,
        last_run: why.last_run,
        condition: runs_of(&standing).condition(now),
        condition_word: condition_word(&standing, now),
        last_success_at: standing.last_success_at,
        late_after: standing.late_after,
    })
}

async fn waits_for(
    store: &Store,
    queue: &Queue,
    tenant: &Tenant,
    sync: &Sync,
    run: &Run,
) -> Result<Vec<String>> {
    let depth = queue.depth().await?;
    let mut reasons = Vec::new();
    if run.due_at > depth.now {
        reasons.push(format!("its next attempt is due at {}", moment(run.due_at)));
    }
    reasons.extend(tenant.suspended_at.map(|at| format!("the tenant was suspended at {}", moment(at))));
    reasons.extend(sync.paused_at.map(|at| format!("the sync was paused at {}", moment(at))));
    for id in [&sync.source, &sync.destination] {
        let connection = store.connection(&tenant.id, id).await?;
        let until = connection.broken_until.filter(|until| *until > depth.now);
        reasons.extend(until.map(|until| {
            format!(
                "after {} failures the connection {} is left alone until {}",
                connection.failures,
                connection.name,
                moment(until)
            )
        }));
    }
    let running = RunFilter { state: Some(RunState::Running), ..RunFilter::default() };
    let running = store.find_runs(&tenant.id, &running, COUNTED_MAX).await?.len();
    if running >= tenant.runs_max as usize {
        reasons.push(format!("{running} runs of the tenant are going, and {} may", tenant.runs_max));
    }
    if depth.workers == 0 {
        reasons.push("no worker is alive; start `snowferry serve` or `snowferry worker`".to_owned());
    }
    if reasons.is_empty() {
        reasons.push(format!("a place: {} workers have {} runs going", depth.workers, depth.running));
    }
    Ok(reasons)
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
