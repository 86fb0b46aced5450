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
use tracing::field::Empty;
use tracing::{Span, info_span};

use super::MemoryArgument;
use super::import::{Imported, imported};
use super::matching;
use super::plan::refuse_append_anew;
use super::prepare::{Prepared, prepare};
use super::summary::Summary;
use super::verify::Verifying;
use crate::assemble::{Assembled, RunChoices};
use crate::config::SyncFile;
use crate::output::{Shown, Terminal, Watched, print_line, show_progress};
use crate::telemetry::run_within;
use crate::timings::Timings;
use crate::usage::{record_usage, usage_json, usage_of};

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  snowferry run -f acme/opportunities.yaml
  snowferry run -f acme/opportunities.yaml -f acme/contacts.yaml --json
  snowferry run -f acme/opportunities.yaml --full-refresh
  snowferry run -f acme/summary-out.yaml --dry-run
  snowferry run -f acme/summary-out.yaml --override max_shrink
  snowferry run --side-by-side 4 -f acme/contacts.yaml -f globex/contacts.yaml -f initech/contacts.yaml

Ctrl-C stops cleanly: what was committed stays, what was staged is gone on with by the next run.")]
pub(crate) struct RunCommand {
    /// A sync file; may be given several times, and they run one after the other unless `--side-by-side` says more
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

    /// How many syncs run at the same time
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256))]
    side_by_side: u16,

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
        let shown = match (self.json, self.side_by_side) {
            (true, _) => Shown::Events,
            (false, 1) => Shown::Bar,
            (false, _) => Shown::Nothing,
        };
        let is_one_of_many = files.len() > 1;
        let running = Arc::new(Running { command: self.clone(), terminal, shown, is_one_of_many, cancel });
        let runs = files.into_iter().map(|file| {
            let running = Arc::clone(&running);
            async move { running.run(&file).await }
        });
        all_of(runs, usize::from(self.side_by_side), |error| terminal.error(error)).await
    }
}

/// Drives runs, at most `count` side by side, and begins no more once one has failed. Those beside it come to their end, whatever
/// became of it. The first failure is the answer, `tell` is told of others.
async fn all_of<R>(mut runs: impl Iterator<Item = R>, count: usize, tell: impl Fn(&Error)) -> Result<()>
where
    R: Future<Output = Result<()>> + Send + 'static,
{
    let (mut tasks, mut failed) = (JoinSet::new(), None);
    loop {
        while failed.is_none() && tasks.len() < count {
            let Some(run) = runs.next() else { break };
            tasks.spawn(run);
        }
        let Some(ended) = tasks.join_next().await else { return failed.map_or(Ok(()), Err) };
        match ended.unwrap_or_else(|panic| Err(Error::internal("a sync panicked").with_source(panic))) {
            Ok(()) => {}
            Err(error) if failed.is_none() => failed = Some(error),
            Err(error) => tell(&error),
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
        let span = info_span!(
            target: "snowferry::trace", "run", tenant.name = file.tenant(), sync.name = file.name(),
            statements = Empty, virtual_warehouse.seconds = Empty, credits.estimated = Empty, error.code = Empty,
            otel.status_code = Empty
        );
        let outcome = run_within(span, Box::pin(self.run_sync(file, &meter, Instant::now()))).await;
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
        let Prepared { assembled, is_outdated } = prepare(file, &choices).await?;
        let options = RunOptions {
            is_fresh_start: command.full_refresh || is_outdated,
            seed: u64::from(std::process::id()),
            ..RunOptions::default()
        };
        let mut ran = run_assembled(&assembled, &file.name(), &options, self.shown, cancel).await?;
        ran.imported = imported(&assembled, file, &mut ran.report).await?;
        let usage = usage_of(meter);
        record_usage(&Span::current(), &usage);
        self.report(file, &ran, &usage, started.elapsed())?;
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
    let run = async {
        match assembled.comparable() {
            Some((sync, _)) => engine::run_comparable(&sync, options, &progress, cancel).await,
            None => engine::run(&assembled.sync, options, &progress, cancel).await,
        }
    };
    let result = show_progress(&watched, shown, run).await?;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Barrier;

    use super::*;

    #[tokio::test]
    async fn a_sync_that_panics_stops_none_that_is_beside_it() {
        let (ended, both) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(2)));
        let runs = (0..3).map(|number| {
            let (ended, both) = (Arc::clone(&ended), Arc::clone(&both));
            async move {
                both.wait().await;
                assert_ne!(number, 0, "the first one panics");
                tokio::task::yield_now().await;
                ended.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        });
        let error = all_of(runs, 2, |_| {}).await.unwrap_err();
        assert_eq!(error.code(), "internal");
        assert_eq!(ended.load(Ordering::Relaxed), 1, "the one beside it ended, and the third never began");
    }
}
