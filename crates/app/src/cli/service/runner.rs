//! How a stored sync is run: put together from its definition, as `snowferry run` does it from a file.

use async_trait::async_trait;
use engine::{RunOptions, RunProgress, RunReport, VerifyOptions};
use model::{Result, RetryPolicy};
use service::{Job, Runner};
use snowflake::{Secret, UsageMeter};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::field::Empty;
use tracing::{Instrument, info_span};

use super::super::export::refresh;
use super::super::import::{imported, is_outdated};
use super::super::plan::refuse_append_anew;
use super::super::verify::Upkeep;
use crate::assemble::{Assembled, RunChoices, assemble};
use crate::config::{KeptSecrets, SyncFile};
use crate::telemetry::begin_trace_of;
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
        job: &Job,
        progress: &watch::Sender<RunProgress>,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let span = info_span!(
            target: "snowferry::trace", "run", tenant.name = job.tenant, sync.name = job.sync, run.id = %job.run,
            run.attempt = job.attempt, statements = Empty, virtual_warehouse.seconds = Empty,
            credits.estimated = Empty, error.code = Empty, otel.status_code = Empty
        );
        begin_trace_of(job.run.as_str(), &span);
        let meter = UsageMeter::default();
        let outcome = self.run_traced(job, &meter, progress, cancel).instrument(span.clone()).await;
        let usage = usage_of(&meter);
        record_usage(&span, &usage);
        job.usage.add(usage);
        if let Err(error) = &outcome {
            span.record("error.code", error.code()).record("otel.status_code", "ERROR");
        }
        outcome
    }
}

impl StoredSyncs {
    async fn run_traced(
        &self,
        job: &Job,
        meter: &UsageMeter,
        progress: &watch::Sender<RunProgress>,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let secret = |secret: &store::SecretValue| Secret::new(secret.expose());
        let kept: KeptSecrets =
            job.secrets.iter().map(|(field, value)| (field.clone(), secret(value))).collect();
        let mut file = SyncFile::from_store(&job.sync, &job.definition, kept)?;
        if let Some(look_back) = job.asked.look_back {
            file.look_back(look_back)?;
        }
        if job.asked.is_fresh_start {
            refuse_append_anew(&file).await?;
        }
        let choices =
            RunChoices { memory_bytes: self.memory_bytes, usage: meter.clone(), ..RunChoices::default() };
        refresh(&file).await?;
        // Opening the tenant's file may read what a killed process has left in its log.
        let mut assembled = tokio::task::block_in_place(|| assemble(&file, &choices))?;
        assembled.sync.spec.lease = Some(job.lease);
        let run = StoredRun { job, file: &file, assembled: &assembled };
        let result = run.run(progress, cancel).await;
        assembled.close().await;
        tokio::task::block_in_place(|| drop(assembled));
        result
    }
}

struct StoredRun<'a> {
    job: &'a Job,
    file: &'a SyncFile,
    assembled: &'a Assembled,
}

impl StoredRun<'_> {
    async fn run(
        &self,
        progress: &watch::Sender<RunProgress>,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let options = RunOptions {
            retry: RetryPolicy { attempts_max: TRIES, ..RetryPolicy::default() },
            seed: self.job.seed,
            is_fresh_start: self.job.asked.is_fresh_start || is_outdated(self.assembled, self.file).await?,
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
