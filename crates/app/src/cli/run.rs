//! `snowferry run`: one run of one or several syncs.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use engine::{RunOptions, RunProgress, RunReport};
use model::{Error, Result};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::MemoryArgument;
use crate::assemble::assemble;
use crate::config::SyncFile;
use crate::output::{Terminal, bytes, count, print_line, seconds, show_progress};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry run -f acme/opportunities.yaml
  snowferry run -f acme/opportunities.yaml -f acme/contacts.yaml --json
  snowferry run -f acme/opportunities.yaml --full-refresh

Ctrl-C stops cleanly: what was committed stays, what was staged is gone on with by the next run.")]
pub(crate) struct RunCommand {
    /// A sync file; may be given several times, and they run one after the other
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Read the stream anew from its beginning
    #[arg(long)]
    full_refresh: bool,

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
            match self.run_sync(file, &cancel).await {
                Ok(report) => self.report(terminal, &file.name(), &report, started.elapsed())?,
                Err(error) => {
                    if self.json {
                        print_line(&failure(&file.name(), &error))?;
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn run_sync(&self, file: &SyncFile, cancel: &CancellationToken) -> Result<RunReport> {
        let assembled = assemble(file, self.memory.bytes())?;
        let options = RunOptions {
            is_fresh_start: self.full_refresh,
            seed: u64::from(std::process::id()),
            ..RunOptions::default()
        };
        let (progress, watched) = watch::channel(RunProgress::default());
        let run = engine::run(&assembled.sync, &options, &progress, cancel);
        let result = show_progress(&file.name(), self.json, watched, run).await?;
        assembled.source.close().await;
        result
    }

    fn report(&self, terminal: &Terminal, name: &str, report: &RunReport, took: Duration) -> Result<()> {
        if self.json {
            let seconds = took.as_secs_f64();
            let event =
                serde_json::json!({ "event": "done", "sync": name, "seconds": seconds, "report": report });
            return print_line(&event.to_string());
        }
        print_line(&summary(terminal, name, report, took))
    }
}

/// What a run did, for people.
pub(super) fn summary(terminal: &Terminal, name: &str, report: &RunReport, took: Duration) -> String {
    let what = if report.is_backfill { "backfill" } else { "incremental" };
    let mut lines = vec![format!(
        "{} {}: {what}, {} rows read ({}) in {}",
        terminal.green("done"),
        terminal.bold(name),
        count(report.read),
        bytes(report.bytes),
        seconds(took)
    )];
    lines.push(format!("     {}", effect(report)));
    if report.resumed > 0 {
        lines.push(format!(
            "     {} rows were staged by an earlier run and not read again",
            count(report.resumed)
        ));
    }
    if let Some(nulls) = report.null_cursor_count.filter(|nulls| *nulls > 0) {
        lines.push(format!("     {} rows have no value in the cursor column", count(nulls)));
    }
    for (column, values) in &report.changed_values {
        lines.push(format!("     {} values of {column} lost digits, as `lossy` allows", count(*values)));
    }
    if report.attempts > 1 {
        lines.push(format!("     {} attempts were needed", report.attempts));
    }
    lines.join("\n")
}

/// What became of the target.
fn effect(report: &RunReport) -> String {
    let mut parts =
        vec![format!("{} new", count(report.inserted)), format!("{} changed", count(report.updated))];
    if report.deleted > 0 {
        parts.push(format!("{} removed", count(report.deleted)));
    }
    parts.extend(report.total.map(|total| format!("{} in the table now", count(total))));
    parts.join(", ")
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
fn cancelled_by_signal() -> CancellationToken {
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
