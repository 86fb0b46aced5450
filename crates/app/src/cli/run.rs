//! `snowferry run`: one run of one or several syncs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use connectors::snowflake::push::{DeliveryProgress, Guard};
use engine::{RunOptions, RunProgress, RunReport, VerifyOptions};
use model::{Error, Result, Usage};
use snowflake::UsageMeter;
use tokio::sync::watch;
use tokio::task::{JoinSet, block_in_place};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::MemoryArgument;
use super::export::refresh;
use super::import::{Imported, imported, is_outdated};
use super::matching;
use super::plan::refuse_append_anew;
use super::summary::Summary;
use super::verify::Verifying;
use crate::assemble::{Assembled, RunChoices, assemble};
use crate::config::SyncFile;
use crate::output::{Shown, Terminal, Watched, print_line, show_progress};
use crate::timings::Timings;
use crate::usage::{usage_json, usage_of};

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  snowferry run -f acme/opportunities.yaml
  snowferry run -f acme/opportunities.yaml -f acme/contacts.yaml --json
  snowferry run -f acme/opportunities.yaml --full-refresh
  snowferry run -f acme/summary-out.yaml --dry-run
  snowferry run -f acme/summary-out.yaml --override max_shrink
  snowferry run --jobs 4 -f acme/contacts.yaml -f globex/contacts.yaml -f initech/contacts.yaml

Ctrl-C stops cleanly: what was committed stays, what was staged is gone on with by the next run.")]
pub(crate) struct RunCommand {
    /// A sync file; may be given several times, and they run one after the other unless `--jobs` says more
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Read the stream anew from its beginning
    #[arg(long)]
    full_refresh: bool,

    /// Push as far as a temporary table, say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Lift this guard of a push for this run; may be given several times
    #[arg(long = "override", value_name = "GUARD", value_parser = guards())]
    overrides: Vec<Guard>,

    /// Report as JSON, one event a line
    #[arg(long)]
    json: bool,

    /// Syncs that run side by side
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,

    /// Say at the end where the time went, step by step and part by part
    #[arg(long)]
    timings: bool,

    #[command(flatten)]
    memory: MemoryArgument,
}

impl RunCommand {
    pub(crate) fn is_timed(&self) -> bool {
        self.timings
    }

    pub(crate) async fn run(&self, terminal: &Terminal, timings: Option<&Timings>) -> Result<()> {
        let result = self.run_syncs(*terminal).await;
        if let Some(timings) = timings {
            print_line(&if self.json { timings.json().to_string() } else { timings.text() })?;
        }
        result
    }

    /// Runs all syncs, and starts no more once one has failed. Those beside it come to their end.
    async fn run_syncs(&self, terminal: Terminal) -> Result<()> {
        // All files are read first: a mistake in the last one is better known before the first one runs.
        let files: Vec<SyncFile> =
            self.files.iter().map(|path| SyncFile::read(path)).collect::<Result<_>>()?;
        let cancel = cancelled_by_signal();
        let shown = match (self.json, self.jobs) {
            (true, _) => Shown::Events,
            (false, 1) => Shown::Bar,
            (false, _) => Shown::Nothing,
        };
        let is_one_of_many = files.len() > 1;
        let running = Arc::new(Running { command: self.clone(), terminal, shown, is_one_of_many, cancel });
        let (mut waiting, mut tasks, mut failed) = (files.into_iter(), JoinSet::new(), None);
        loop {
            while failed.is_none() && tasks.len() < usize::from(self.jobs) {
                let Some(file) = waiting.next() else { break };
                let running = Arc::clone(&running);
                tasks.spawn(async move { running.run(&file).await });
            }
            match tasks.join_next().await {
                None => return failed.map_or(Ok(()), Err),
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) if failed.is_none() => failed = Some(error),
                Some(Ok(Err(error))) => terminal.error(&error),
                Some(Err(panic)) => return Err(Error::internal("a sync panicked").with_source(panic)),
            }
        }
    }
}

/// What the syncs of one command share.
struct Running {
    command: RunCommand,
    terminal: Terminal,
    shown: Shown,
    is_one_of_many: bool,
    cancel: CancellationToken,
}

impl Running {
    async fn run(&self, file: &SyncFile) -> Result<()> {
        let meter = UsageMeter::default();
        let outcome = self.run_sync(file, &meter, Instant::now()).await;
        if let Err(error) = &outcome {
            if self.command.json {
                print_line(&failure(&file.name(), error, &usage_of(&meter)))?;
            } else if self.is_one_of_many {
                print_line(&format!("{} {}", self.terminal.red("failed"), self.terminal.bold(&file.name())))?;
            }
        }
        outcome
    }

    async fn run_sync(&self, file: &SyncFile, meter: &UsageMeter, started: Instant) -> Result<()> {
        let Self { command, terminal, cancel, .. } = self;
        if command.full_refresh {
            refuse_append_anew(file).await?;
        }
        let choices = RunChoices {
            memory_bytes: command.memory.bytes(),
            overrides: command.overrides.clone(),
            is_dry_run: command.dry_run,
            usage: meter.clone(),
        };
        // Opening a file and closing it wait for the disk; other syncs go on meanwhile.
        let assembled = block_in_place(|| assemble(file, &choices))?;
        let options = RunOptions {
            is_fresh_start: command.full_refresh || is_outdated(&assembled, file).await?,
            seed: u64::from(std::process::id()),
            ..RunOptions::default()
        };
        refresh(file).await?;
        let mut ran = run_assembled(&assembled, &file.name(), &options, self.shown, cancel).await?;
        ran.imported = imported(&assembled, file, &mut ran.report).await?;
        self.report(file, &ran, &usage_of(meter), started.elapsed())?;
        let is_healing = file.verify().is_some_and(|verify| verify.heal);
        // What was read anew is not read anew once more.
        let options = RunOptions { is_fresh_start: false, ..options };
        let options = VerifyOptions { is_healing, run: options, ..VerifyOptions::default() };
        let verifying = Verifying { terminal, file, is_json: command.json, options, meter };
        let reconciled = verifying.reconcile_when_due(&assembled, cancel).await;
        let verified = match reconciled {
            Ok(()) => verifying.run_when_due(&assembled, cancel).await,
            Err(error) => Err(error),
        };
        assembled.close().await;
        block_in_place(|| drop(assembled));
        verified
    }

    fn report(&self, file: &SyncFile, ran: &Ran, usage: &Usage, took: Duration) -> Result<()> {
        let terminal = &self.terminal;
        let Ran { report, delivery, imported } = ran;
        if self.command.json {
            let mut event = serde_json::json!({
                "event": "done", "sync": file.name(), "seconds": took.as_secs_f64(), "report": report,
                "usage": usage_json(usage),
            });
            if let Some(delivery) = delivery {
                event["delivery"] = serde_json::json!(delivery);
            }
            if let Some(imported) = imported {
                event["mapping"] = serde_json::json!(imported.mapping);
                event["matches"] = serde_json::json!(imported.matches);
            }
            return print_line(&event.to_string());
        }
        let skipped =
            imported.as_ref().map(|imported| imported.mapping.skipped.as_slice()).unwrap_or_default();
        print_line(
            &Summary { file, report, delivery: delivery.as_ref(), skipped, usage, took }.text(terminal),
        )?;
        let matches = imported.iter().flat_map(|imported| &imported.matches);
        matches.into_iter().try_for_each(|report| print_line(&matching::summary(terminal, report)))
    }
}

/// The names of guards, for completions too.
fn guards() -> impl TypedValueParser<Value = Guard> {
    PossibleValuesParser::new(Guard::ALL.map(Guard::name)).try_map(|name| name.parse::<Guard>())
}

/// How a run ended, and for a push what its delivery came to.
pub(super) struct Ran {
    pub(super) report: RunReport,
    pub(super) delivery: Option<DeliveryProgress>,
    /// What became of rows that were mapped.
    pub(super) imported: Option<Imported>,
}

/// Runs a sync, shows its progress, and leaves nothing open.
pub(super) async fn run_assembled(
    assembled: &Assembled,
    name: &str,
    options: &RunOptions,
    shown: Shown,
    cancel: &CancellationToken,
) -> Result<Ran> {
    let (progress, watched) = watch::channel(RunProgress::default());
    let watched = Watched { name, run: watched, delivery: assembled.delivery() };
    let span = tracing::info_span!(target: "snowferry::trace", "run", sync.name = name);
    let run = async {
        match assembled.comparable() {
            Some((sync, _)) => engine::run_comparable(&sync, options, &progress, cancel).await,
            None => engine::run(&assembled.sync, options, &progress, cancel).await,
        }
    };
    let result = show_progress(&watched, shown, run.instrument(span)).await?;
    assembled.close().await;
    let delivery = watched.delivery.map(|delivery| delivery.borrow().clone());
    Ok(Ran { report: result?, delivery, imported: None })
}

fn failure(name: &str, error: &Error, usage: &Usage) -> String {
    serde_json::json!({
        "event": "failed",
        "sync": name,
        "kind": error.kind().as_str(),
        "code": error.code(),
        "message": error.message(),
        "remedy": error.remedy(),
        "query_id": error.query_id(),
        "usage": usage_json(usage),
    })
    .to_string()
}

/// The first Ctrl-C or TERM stops cleanly, the second at once.
pub(super) fn cancelled_by_signal() -> CancellationToken {
    let cancel = CancellationToken::new();
    let cancelled = cancel.clone();
    tokio::spawn(async move {
        signal().await;
        cancelled.cancel();
        signal().await;
        std::process::exit(130);
    });
    cancel
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
