//! The runs that a worker has going, and what it says about each when it ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use engine::{RunProgress, RunReport};
use model::{Error, ErrorKind, Result, RunState, Usage};
use store::{Claimed, Connection, Held, Id, Outcome, RejectCount, Run, Ticket};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::lease::{Lease, is_lost};
use super::{RETRY_DELAY, Worker};
use crate::asked::RunAsked;
use crate::runner::{DueSync, UsageSlot};

/// So long a run may take to stop once its lease is gone. Its writes are refused anyway; what it holds is to become free.
const DROP_PATIENCE: Duration = Duration::from_secs(5);

/// How long a run waits that another process is in the way of: long enough to cost nothing, short enough to be missed by
/// nobody.
const POSTPONED: Duration = Duration::from_secs(10);

/// The code of an error that says that another process has a tenant's file open.
const FILE_IN_USE: &str = "database_locked";

/// Codes of errors that would be the account's if they were not those of databases of ours.
const OWN_CODES: [&str; 6] = [
    "database_busy",
    "database_interrupted",
    "database_unavailable",
    "disk_full",
    "out_of_memory",
    "state_unavailable",
];

/// The runs of a worker under one lease.
pub(super) struct Attempts {
    worker: Arc<Worker>,
    going: HashMap<Id<Run>, Going>,
    tasks: JoinSet<Id<Run>>,
}

/// A run that is going.
struct Going {
    ticket: Ticket,
    stop: Stop,
}

/// How a run is told to stop, and why.
#[derive(Clone)]
struct Stop {
    token: CancellationToken,
    reason: Arc<AtomicU8>,
}

/// Somebody has cancelled the run.
const ASKED: u8 = 1;
/// The process ends, or the lease is lost: whoever has the run next says what becomes of it.
const LEFT: u8 = 2;

impl Stop {
    fn stop(&self, reason: u8) {
        self.reason.fetch_max(reason, Ordering::SeqCst);
        self.token.cancel();
    }

    fn is_left(&self) -> bool {
        self.reason.load(Ordering::SeqCst) == LEFT
    }
}

impl Attempts {
    pub(super) fn new(worker: &Worker) -> Self {
        Self { worker: Arc::new(worker.clone()), going: HashMap::new(), tasks: JoinSet::new() }
    }

    pub(super) fn count(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn room(&self) -> usize {
        self.worker.options.places.saturating_sub(self.tasks.len())
    }

    pub(super) fn start(&mut self, claimed: Claimed) {
        let stop = Stop { token: CancellationToken::new(), reason: Arc::new(AtomicU8::new(0)) };
        self.going
            .insert(claimed.ticket.run.clone(), Going { ticket: claimed.ticket.clone(), stop: stop.clone() });
        let attempt = Attempt {
            worker: Arc::clone(&self.worker),
            claimed,
            stop,
            name: OnceLock::new(),
            usage: UsageSlot::default(),
        };
        self.tasks.spawn(async move {
            let run = attempt.claimed.ticket.run.clone();
            attempt.run().await;
            run
        });
        self.note_places();
    }

    /// Waits until one of them has ended.
    pub(super) async fn next_ended(&mut self) {
        if let Some(ended) = self.tasks.join_next().await {
            self.forget(ended);
        }
    }

    /// What the database says that this worker holds, beside what it has: runs that somebody cancelled or that are not
    /// ours any more are stopped, and those that never reached us are handed back.
    pub(super) fn compare_with(&mut self, held: Vec<Held>) {
        for going in self.going.values() {
            match held.iter().find(|held| held.ticket == going.ticket) {
                Some(held) if held.is_cancel_asked => going.stop.stop(ASKED),
                Some(_) => {}
                None => going.stop.stop(LEFT),
            }
        }
        for held in held.into_iter().filter(|held| !self.going.contains_key(&held.ticket.run)) {
            let worker = Arc::clone(&self.worker);
            tokio::spawn(async move {
                let reason =
                    Error::new(ErrorKind::Unavailable, "claim_lost", "the answer to a claim was lost");
                let outcome = Outcome::Postponed { reason: &reason, delay: Duration::ZERO };
                if let Err(error) = worker.queue.finish(&held.ticket, outcome).await {
                    tracing::warn!(run.id = %held.ticket.run, error = %error, "a run could not be handed back");
                }
            });
        }
    }

    /// Stops all of them, keeping the lease, and drops those that take too long.
    pub(super) async fn stop_for_shutdown(&mut self, lease: &mut Lease) {
        self.going.values().for_each(|going| going.stop.stop(LEFT));
        let deadline = Instant::now() + self.worker.options.stop_patience;
        while self.count() > 0 {
            tokio::select! {
                biased;
                () = sleep_until(deadline) => break,
                () = sleep_until(lease.beat_at()) => {
                    if lease.beat(self).await.is_err() {
                        break;
                    }
                }
                () = self.next_ended() => {}
            }
        }
        self.tasks.shutdown().await;
        self.going.clear();
        self.note_places();
    }

    /// Ends all of them at once: they are somebody else's.
    pub(super) async fn drop_all(&mut self) {
        self.going.values().for_each(|going| going.stop.stop(LEFT));
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ended_or_dropped = timeout(DROP_PATIENCE, all).await;
        self.tasks.shutdown().await;
        self.going.clear();
        self.note_places();
    }

    fn forget(&mut self, ended: Result<Id<Run>, JoinError>) {
        match ended {
            Ok(run) => drop(self.going.remove(&run)),
            // The task itself catches what the runner does; this is our own.
            Err(error) => tracing::error!(error = %error, "a run's task ended badly"),
        }
        self.note_places();
    }

    fn note_places(&self) {
        self.worker.metrics.places(self.tasks.len(), self.worker.options.places);
    }
}

/// One attempt at a run.
struct Attempt {
    worker: Arc<Worker>,
    claimed: Claimed,
    stop: Stop,
    /// What people call the sync, once it is known.
    name: OnceLock<String>,
    usage: UsageSlot,
}

impl Attempt {
    async fn run(&self) {
        let began = Instant::now();
        let result = self.work().await;
        let took = began.elapsed();
        let usage = self.usage.usage().clone();
        let said = self.say(&result, &usage).await;
        let word = match (&said, &result) {
            (Ok(Some(state)), Ok(_)) if *state == RunState::Succeeded => "succeeded",
            (Ok(Some(RunState::Cancelled)), _) => "cancelled",
            (Ok(Some(RunState::Queued)), _) => "postponed",
            (Ok(Some(_)), _) => "failed",
            (Ok(None), _) | (Err(_), _) => "left",
        };
        self.worker.metrics.attempt(word, took, result.as_ref().ok());
        if let Some((tenant, _)) = self.name.get().and_then(|name| name.split_once('/')) {
            self.worker.metrics.usage(tenant, &usage.totals());
        }
        self.log(word, took, &result);
    }

    fn log(&self, word: &str, took: Duration, result: &Result<RunReport>) {
        let run = &self.claimed.ticket.run;
        let sync = self.name.get().map_or("", String::as_str);
        let duration_ms = took.as_millis() as u64;
        match result {
            Ok(report) => {
                tracing::info!(
                    sync, run.id = %run, outcome = word, duration_ms, rows.read = report.read, "run ended"
                );
            }
            Err(error) => tracing::warn!(
                sync, run.id = %run, outcome = word, duration_ms,
                error.kind = error.kind().as_str(), error.code = error.code(), error = %error, "run ended"
            ),
        }
    }

    async fn work(&self) -> Result<RunReport> {
        let due = self.due().await?;
        let sync = self.name.get_or_init(|| format!("{}/{}", due.tenant, due.sync));
        let (run, attempt) = (&self.claimed.ticket.run, self.claimed.attempt);
        tracing::info!(sync, run.id = %run, attempt.number = attempt, lease = due.lease.0, "run started");
        let runner = Arc::clone(&self.worker.runner);
        let token = self.stop.token.clone();
        let (progress, _watched) = watch::channel(RunProgress::default());
        // In a task of its own, so that a panic ends this run and nothing else. Dropped with this future.
        let mut task = JoinSet::new();
        task.spawn(async move { runner.run(&due, &progress, &token).await });
        match task.join_next().await {
            Some(Ok(result)) => result,
            _ => Err(Error::internal("the run panicked")),
        }
    }

    /// What is to be run, with its secrets opened.
    async fn due(&self) -> Result<DueSync> {
        let Claimed { ticket, tenant, sync, source, destination, options, .. } = &self.claimed;
        let worker = &self.worker;
        let tenant_row = worker.store.tenant(tenant).await?;
        let sync = worker.store.sync(tenant, sync).await?;
        let mut secrets = Vec::new();
        for connection in [source, destination] {
            for field in worker.vault.fields(tenant, connection).await? {
                let secret = worker.vault.get(tenant, connection, &field).await?;
                secrets.push((field, secret));
            }
        }
        Ok(DueSync {
            tenant: tenant_row.name,
            sync: sync.name,
            run: ticket.run.clone(),
            attempt: self.claimed.attempt,
            definition: sync.definition,
            secrets,
            lease: ticket.epoch,
            asked: RunAsked::of_options(options),
            seed: ticket.epoch.0,
            usage: self.usage.clone(),
        })
    }

    /// Says how the attempt ended, for as long as anybody may want to hear it. Nothing where it is left to others.
    async fn say(&self, result: &Result<RunReport>, usage: &Usage) -> Result<Option<RunState>> {
        loop {
            if self.stop.is_left() && result.is_err() {
                return Ok(None);
            }
            let outcome = match result {
                Ok(report) => succeeded(report)?,
                Err(error) => self.failed(error).await?,
            };
            match self.finish(outcome, usage).await {
                Ok(state) => return Ok(Some(state)),
                Err(error) if is_lost(&error) => return Ok(None),
                Err(error) if error.kind() != ErrorKind::Unavailable => return Err(error),
                Err(error) => {
                    tracing::warn!(run.id = %self.claimed.ticket.run, error = %error, "the end of a run could not be noted");
                    // The lease ends this task where the database stays away.
                    sleep(RETRY_DELAY).await;
                }
            }
        }
    }

    /// Notes what the attempt took, which may be done twice, and then its end.
    async fn finish(&self, outcome: Outcome<'_>, usage: &Usage) -> Result<RunState> {
        let Attempt { worker, claimed, .. } = self;
        if !usage.is_empty() {
            worker.queue.note_usage(&claimed.ticket, usage).await?;
        }
        worker.queue.finish(&claimed.ticket, outcome).await
    }

    async fn failed<'e>(&self, error: &'e Error) -> Result<Outcome<'e>> {
        if error.kind() == ErrorKind::Cancelled {
            return Ok(Outcome::Cancelled);
        }
        if error.code() == FILE_IN_USE {
            return Ok(Outcome::Postponed { reason: error, delay: POSTPONED });
        }
        Ok(Outcome::Failed { error, connection: self.blamed(error).await? })
    }

    /// The connection that an error is about: the one to a system that is not ours.
    async fn blamed(&self, error: &Error) -> Result<Option<Id<Connection>>> {
        if OWN_CODES.contains(&error.code()) {
            return Ok(None);
        }
        let Claimed { tenant, source, destination, .. } = &self.claimed;
        for id in [source, destination] {
            if self.worker.store.connection(tenant, id).await?.system != "duckdb" {
                return Ok(Some(id.clone()));
            }
        }
        Ok(None)
    }
}

fn succeeded(report: &RunReport) -> Result<Outcome<'static>> {
    let rejects = report.rejected.iter().map(|rejected| RejectCount {
        column: rejected.column.clone(),
        code: rejected.rule.clone(),
        row_count: rejected.row_count,
    });
    let rejects = rejects.collect();
    let report = serde_json::to_value(report)
        .map_err(|error| Error::internal("a report cannot be written as JSON").with_source(error))?;
    Ok(Outcome::Succeeded { report, rejects })
}
