//! `snowferry run`: one run of one or several syncs.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use connectors::snowflake::push::{DeliveryProgress, Guard};
use engine::{RunOptions, RunProgress, RunReport, VerifyOptions};
use model::{Error, Result};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::MemoryArgument;
use super::export::refresh;
use super::import::{Imported, imported};
use super::matching;
use super::plan::refuse_append_anew;
use super::summary::Summary;
use super::verify::Verifying;
use crate::assemble::{Assembled, RunChoices, assemble};
use crate::config::SyncFile;
use crate::output::{Terminal, Watched, print_line, show_progress};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry run -f acme/opportunities.yaml
  snowferry run -f acme/opportunities.yaml -f acme/contacts.yaml --json
  snowferry run -f acme/opportunities.yaml --full-refresh
  snowferry run -f acme/summary-out.yaml --dry-run
  snowferry run -f acme/summary-out.yaml --override max_shrink

Ctrl-C stops cleanly: what was committed stays, what was staged is gone on with by the next run.")]
pub(crate) struct RunCommand {
    /// A sync file; may be given several times, and they run one after the other
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

    #[command(flatten)]
    memory: MemoryArgument,
}

impl RunCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        // All files are read first: a mistake in the last one is better known before the first one runs.
        let files: Vec<SyncFile> =
            self.files.iter().map(|path| SyncFile::read(path)).collect::<Result<_>>()?;
        let cancel = cancelled_by_signal();
        for file in &files {
            let started = Instant::now();
            if let Err(error) = self.run_sync(terminal, file, started, &cancel).await {
                if self.json {
                    print_line(&failure(&file.name(), &error))?;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn run_sync(
        &self,
        terminal: &Terminal,
        file: &SyncFile,
        started: Instant,
        cancel: &CancellationToken,
    ) -> Result<()> {
        if self.full_refresh {
            refuse_append_anew(file).await?;
        }
        let choices = RunChoices {
            memory_bytes: self.memory.bytes(),
            overrides: self.overrides.clone(),
            is_dry_run: self.dry_run,
        };
        let options = RunOptions {
            is_fresh_start: self.full_refresh,
            seed: u64::from(std::process::id()),
            ..RunOptions::default()
        };
        let assembled = assemble(file, &choices)?;
        refresh(file).await?;
        let mut ran = run_assembled(&assembled, &file.name(), &options, self.json, cancel).await?;
        ran.imported = imported(&assembled, file, &mut ran.report).await?;
        self.report(terminal, file, &ran, started.elapsed())?;
        let is_healing = file.verify().is_some_and(|verify| verify.heal);
        // What was read anew is not read anew once more.
        let options = RunOptions { is_fresh_start: false, ..options };
        let options = VerifyOptions { is_healing, run: options, ..VerifyOptions::default() };
        let verifying = Verifying { terminal, file, is_json: self.json, options };
        let reconciled = verifying.reconcile_when_due(&assembled, cancel).await;
        let verified = match reconciled {
            Ok(()) => verifying.run_when_due(&assembled, cancel).await,
            Err(error) => Err(error),
        };
        assembled.close().await;
        verified
    }

    fn report(&self, terminal: &Terminal, file: &SyncFile, ran: &Ran, took: Duration) -> Result<()> {
        let Ran { report, delivery, imported } = ran;
        if self.json {
            let mut event = serde_json::json!({
                "event": "done", "sync": file.name(), "seconds": took.as_secs_f64(), "report": report,
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
        print_line(&Summary { file, report, delivery: delivery.as_ref(), skipped, took }.text(terminal))?;
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
    is_json: bool,
    cancel: &CancellationToken,
) -> Result<Ran> {
    let (progress, watched) = watch::channel(RunProgress::default());
    let watched = Watched { name, run: watched, delivery: assembled.delivery() };
    let run = async {
        match assembled.comparable() {
            Some((sync, _)) => engine::run_comparable(&sync, options, &progress, cancel).await,
            None => engine::run(&assembled.sync, options, &progress, cancel).await,
        }
    };
    let result = show_progress(&watched, is_json, run).await?;
    assembled.close().await;
    let delivery = watched.delivery.map(|delivery| delivery.borrow().clone());
    Ok(Ran { report: result?, delivery, imported: None })
}

fn failure(name: &str, error: &Error) -> String {
    serde_json::json!({
        "event": "failed",
        "sync": name,
        "kind": error.kind().as_str(),
        "code": error.code(),
        "message": error.message(),
        "remedy": error.remedy(),
        "query_id": error.query_id(),
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
