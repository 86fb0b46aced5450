//! How a stored sync is run: put together from its definition, as `snowferry run` does it from a file.

use async_trait::async_trait;
use engine::{RunOptions, RunProgress, RunReport, VerifyOptions};
use model::{Result, RetryPolicy};
use service::{DueSync, Runner};
use snowflake::{Secret, UsageMeter};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;
use tracing::info_span;

use super::super::import::imported;
use super::super::plan::refuse_append_anew;
use super::super::prepare::{Prepared, prepare};
use super::super::verify::Upkeep;
use crate::assemble::{Assembled, RunChoices};
use crate::config::{KeptSecrets, SyncFile};
use crate::telemetry::{begin_trace_of, run_within};
use crate::usage::{record_usage, usage_of};

/// Tries of one attempt at a run: what fails twice at once is tried again later, perhaps elsewhere.
const TRIES: u32 = 2;

/// Runs stored syncs in this process.
#[derive(Debug)]
pub(super) struct StoredSyncs {
    /// What rows of one run on their way may take.
    pub(super) memory_bytes: u64,
}

#[async_trait]
impl Runner for StoredSyncs {
    async fn run(
        &self,
        due: &DueSync,
        progress: &watch::Sender<RunProgress>,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let span = info_span!(
            target: "snowferry::trace", "run", tenant.name = due.tenant, sync.name = due.sync, run.id = %due.run,
            run.attempt = due.attempt, statements = Empty, virtual_warehouse.seconds = Empty,
            credits.estimated = Empty, error.code = Empty, otel.status_code = Empty
        );
        begin_trace_of(due.run.as_str(), &span);
        let meter = UsageMeter::default();
        let outcome =
            run_within(span.clone(), Box::pin(self.run_traced(due, &meter, progress, cancel))).await;
        let usage = usage_of(&meter);
        record_usage(&span, &usage);
        due.usage.add(usage);
        outcome
    }
}

impl StoredSyncs {
    async fn run_traced(
        &self,
        due: &DueSync,
        meter: &UsageMeter,
        progress: &watch::Sender<RunProgress>,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let secret = |secret: &store::SecretValue| Secret::new(secret.expose());
        let kept: KeptSecrets =
            due.secrets.iter().map(|(field, value)| (field.clone(), secret(value))).collect();
        let mut file = SyncFile::from_store(&due.sync, &due.definition, kept)?;
        if let Some(from) = due.asked.from {
            file.go_back_to(from)?;
        }
        if due.asked.is_fresh_start {
            refuse_append_anew(&file).await?;
        }
        let choices =
            RunChoices { memory_bytes: self.memory_bytes, usage: meter.clone(), ..RunChoices::default() };
        let Prepared { mut assembled, is_outdated } = prepare(&file, &choices).await?;
        assembled.sync.spec.lease = Some(due.lease);
        let is_fresh_start = due.asked.is_fresh_start || is_outdated;
        let run = StoredRun { due, file: &file, assembled: &assembled, is_fresh_start };
        let result = run.run(progress, cancel).await;
        assembled.close().await;
        tokio::task::block_in_place(|| drop(assembled));
        result
    }
}

struct StoredRun<'a> {
    due: &'a DueSync,
    file: &'a SyncFile,
    assembled: &'a Assembled,
    is_fresh_start: bool,
}

impl StoredRun<'_> {
    async fn run(
        &self,
        progress: &watch::Sender<RunProgress>,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let options = RunOptions {
            retry: RetryPolicy { attempts_max: TRIES, ..RetryPolicy::default() },
            seed: self.due.seed,
            is_fresh_start: self.is_fresh_start,
        };
        let mut report = match self.assembled.comparable() {
            Some((sync, _)) => engine::run_comparable(&sync, &options, progress, cancel).await?,
            None => engine::run(&self.assembled.sync, &options, progress, cancel).await?,
        };
        imported(self.assembled, self.file, &mut report).await?;
        self.look_after(RunOptions { is_fresh_start: false, ..options }, cancel).await?;
        Ok(report)
    }

    /// Reconciles and compares where the file asks for it and it is time.
    async fn look_after(&self, run: RunOptions, cancel: &CancellationToken) -> Result<()> {
        let is_healing = self.file.verify().is_some_and(|verify| verify.heal);
        let options = VerifyOptions { is_healing, run, ..VerifyOptions::default() };
        let upkeep = Upkeep { file: self.file, options: &options };
        upkeep.reconcile_when_due(self.assembled, cancel).await?;
        match upkeep.compare_when_due(self.assembled, cancel).await? {
            Some(report) if !report.is_equal() => Err(upkeep.differ(&report)),
            _ => Ok(()),
        }
    }
}
