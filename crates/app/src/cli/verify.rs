//! `snowferry verify`: compare both sides of a pull, and heal what differs.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use clap::Args;
use connectors::duckdb::{ComparisonKind, ComparisonOutcome, DuckDbDestination};
use engine::{
    Difference, Reconciled, RunOptions, VerifyOptions, VerifyReport, VerifySync, reconcile_deletes, verify,
};
use model::{AuditCost, Error, Moment, Result, Usage};
use snowflake::UsageMeter;
use tokio_util::sync::CancellationToken;

use super::run::cancelled_by_signal;
use super::{FileArgument, MemoryArgument};
use crate::assemble::{Assembled, RunChoices, assemble};
use crate::config::SyncFile;
use crate::output::{Terminal, bytes, count, print_line, seconds};
use crate::usage::{usage_json, usage_line, usage_of};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry verify -f acme/opportunities.yaml
  snowferry verify -f acme/opportunities.yaml --heal
  snowferry verify -f acme/opportunities.yaml --buckets 4096 --json

Exit codes: 0 both sides are equal, perhaps because they were healed; 7 they differ; the others as always.")]
pub(crate) struct VerifyCommand {
    #[command(flatten)]
    file: FileArgument,

    /// Read the rows again that differ
    #[arg(long)]
    heal: bool,

    /// Compare in so many buckets, up to 4096; chosen by the size of the table where absent
    #[arg(long, value_name = "COUNT", value_parser = parse_buckets)]
    buckets: Option<NonZeroU32>,

    /// Report as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    memory: MemoryArgument,
}

/// A statement names the buckets that it reads again, and must not become too long for that.
const BUCKETS_MAX: u32 = 4_096;

fn parse_buckets(text: &str) -> Result<NonZeroU32, String> {
    let buckets = text.parse().ok().filter(|buckets: &NonZeroU32| buckets.get() <= BUCKETS_MAX);
    buckets.ok_or_else(|| format!("write a number from 1 to {BUCKETS_MAX}"))
}

impl VerifyCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let file = self.file.read()?;
        let meter = UsageMeter::default();
        let choices =
            RunChoices { memory_bytes: self.memory.bytes(), usage: meter.clone(), ..RunChoices::default() };
        let assembled = assemble(&file, &choices)?;
        let options = VerifyOptions {
            bucket_count: self.buckets,
            is_healing: self.heal,
            run: RunOptions { seed: u64::from(std::process::id()), ..RunOptions::default() },
            ..VerifyOptions::default()
        };
        let outcome = Verifying { terminal, file: &file, is_json: self.json, options, meter: &meter }
            .run(&assembled, &cancelled_by_signal())
            .await;
        assembled.close().await;
        outcome
    }
}

/// A comparison, on its own or after a run.
pub(super) struct Verifying<'a> {
    pub(super) terminal: &'a Terminal,
    pub(super) file: &'a SyncFile,
    pub(super) is_json: bool,
    pub(super) options: VerifyOptions,
    pub(super) meter: &'a UsageMeter,
}

impl Verifying<'_> {
    /// Compares, reports, and notes when it was done. Sides that still differ in the end are an error.
    pub(super) async fn run(&self, assembled: &Assembled, cancel: &CancellationToken) -> Result<()> {
        let Some((sync, destination)) = assembled.comparable() else {
            if assembled.mapped().is_some() {
                let message = format!(
                    "the rows of {} are mapped, and cannot be compared with their source",
                    self.file.name()
                );
                return Err(Error::config("verify_of_dataset", message)
                    .with_remedy("run it with --full-refresh to map all rows anew"));
            }
            let message = format!("{} is a push, and only pulls are compared", self.file.name());
            return Err(Error::config("verify_of_push", message).with_remedy(
                "name the sync file of a pull; what a push delivers is counted as it is delivered",
            ));
        };
        let started = Instant::now();
        let report = self.upkeep().compare(&sync, destination, cancel).await?;
        let took = started.elapsed();
        let usage = self.settled(assembled).await;
        self.conclude(&report, &usage, took)
    }

    /// The same where the sync file asks for it and it is time.
    pub(super) async fn run_when_due(&self, assembled: &Assembled, cancel: &CancellationToken) -> Result<()> {
        let started = Instant::now();
        match self.upkeep().compare_when_due(assembled, cancel).await? {
            Some(report) => {
                let took = started.elapsed();
                let usage = self.settled(assembled).await;
                self.conclude(&report, &usage, took)
            }
            None => Ok(()),
        }
    }

    /// Removes the rows that are gone at the source, where the sync file asks for it and it is time.
    pub(super) async fn reconcile_when_due(
        &self,
        assembled: &Assembled,
        cancel: &CancellationToken,
    ) -> Result<()> {
        let Some(reconciled) = self.upkeep().reconcile_when_due(assembled, cancel).await? else {
            return Ok(());
        };
        let usage = self.settled(assembled).await;
        if self.is_json {
            let event = serde_json::json!({
                "event": "reconciled", "sync": self.file.name(), "report": reconciled,
                "usage": usage_json(&usage),
            });
            return print_line(&event.to_string());
        }
        print_line(&format!(
            "{} {}: {} that the source does not have any more\n     {}{}",
            self.terminal.green("reconciled"),
            self.terminal.bold(&self.file.name()),
            gone(&reconciled),
            cost(&reconciled.cost.source),
            usage_line(&usage).map(|line| format!("\n     {line}")).unwrap_or_default()
        ))
    }

    fn upkeep(&self) -> Upkeep<'_> {
        Upkeep { file: self.file, options: &self.options }
    }

    /// What it took since this was told last. The session ends for it: that is when the account says.
    async fn settled(&self, assembled: &Assembled) -> Usage {
        assembled.close().await;
        usage_of(self.meter)
    }

    fn conclude(&self, report: &VerifyReport, usage: &Usage, took: Duration) -> Result<()> {
        self.report(report, usage, took)?;
        if report.is_equal() { Ok(()) } else { Err(self.upkeep().differ(report)) }
    }

    fn report(&self, report: &VerifyReport, usage: &Usage, took: Duration) -> Result<()> {
        if self.is_json {
            let event = serde_json::json!({
                "event": "verified",
                "sync": self.file.name(),
                "seconds": took.as_secs_f64(),
                "is_equal": report.is_equal(),
                "report": report,
                "usage": usage_json(usage),
            });
            return print_line(&event.to_string());
        }
        print_line(&self.text(report, usage, took))
    }

    fn text(&self, report: &VerifyReport, usage: &Usage, took: Duration) -> String {
        let word = if report.difference.is_none() { "equal" } else { "differs" };
        let moment = match report.moment {
            Moment::Checkpoint => "the snapshot of the last read",
            Moment::Now => "the source as it is now",
        };
        let mut lines = vec![format!(
            "{} {}: {} rows here, {} rows in {moment}, compared in {} buckets in {}",
            if report.is_equal() { self.terminal.green(word) } else { word.to_owned() },
            self.terminal.bold(&self.file.name()),
            count(report.rows_at_destination),
            count(report.rows_at_source),
            report.bucket_count,
            seconds(took)
        )];
        lines.extend(
            report
                .snapshot_missing_because
                .as_ref()
                .map(|because| format!("rows that changed meanwhile may appear as differences: {because}")),
        );
        if !report.difference.is_none() {
            lines.push(difference(&report.difference));
            lines.extend(report.difference.columns.iter().map(column));
        }
        if let Some(healed) = &report.healed {
            let rows = count(healed.row_count);
            lines.push(format!("healed: {} buckets read again, {rows} rows", healed.bucket_count));
            lines.push(match healed.difference_left.is_none() {
                true => "compared again: equal".to_owned(),
                false => format!("compared again: {}", difference(&healed.difference_left)),
            });
        }
        if !report.uncompared_columns.is_empty() {
            lines.push(format!("only NULLs were compared of {}", report.uncompared_columns.join(", ")));
        }
        lines.push(cost(&report.cost.source));
        lines.extend(usage_line(usage));
        lines.join("\n     ")
    }
}

/// What the runs of a sync do beside reading, when it is time.
pub(super) struct Upkeep<'a> {
    pub(super) file: &'a SyncFile,
    pub(super) options: &'a VerifyOptions,
}

impl Upkeep<'_> {
    /// Removes the rows that are gone at the source.
    pub(super) async fn reconcile_when_due(
        &self,
        assembled: &Assembled,
        cancel: &CancellationToken,
    ) -> Result<Option<Reconciled>> {
        let (Some(config), Some((sync, destination))) = (self.file.deletes(), assembled.comparable()) else {
            return Ok(None);
        };
        let target = &self.file.spec().target;
        let Some(every) = config.reconcile_every() else { return Ok(None) };
        if !destination.is_comparison_due(target, ComparisonKind::Keys, every).await? {
            return Ok(None);
        }
        let reconciled = reconcile_deletes(&sync, self.options, cancel).await?;
        let outcome = ComparisonOutcome {
            missing_rows: 0,
            extra_rows: reconciled.removed + reconciled.marked,
            different_rows: 0,
            is_equal_now: true,
        };
        destination.note_comparison(target, ComparisonKind::Keys, outcome).await?;
        Ok(Some(reconciled))
    }

    /// Compares both sides.
    pub(super) async fn compare_when_due(
        &self,
        assembled: &Assembled,
        cancel: &CancellationToken,
    ) -> Result<Option<VerifyReport>> {
        let (Some(config), Some((sync, destination))) = (self.file.verify(), assembled.comparable()) else {
            return Ok(None);
        };
        let target = &self.file.spec().target;
        if !destination.is_comparison_due(target, ComparisonKind::Rows, config.every()).await? {
            return Ok(None);
        }
        self.compare(&sync, destination, cancel).await.map(Some)
    }

    async fn compare(
        &self,
        sync: &VerifySync,
        destination: &DuckDbDestination,
        cancel: &CancellationToken,
    ) -> Result<VerifyReport> {
        let report = verify(sync, self.options, cancel).await?;
        let target = &self.file.spec().target;
        destination.note_comparison(target, ComparisonKind::Rows, noted(&report)).await?;
        Ok(report)
    }

    /// Sides that still differ in the end.
    pub(super) fn differ(&self, report: &VerifyReport) -> Error {
        let left = report.healed.as_ref().map_or(&report.difference, |healed| &healed.difference_left);
        let message = format!("{} differs from its source: {}", self.file.spec().target, difference(left));
        Error::data("rows_differ", message).with_remedy(match report.healed {
            None => "run `snowferry verify --heal` with this file to read those rows again",
            Some(_) => {
                "verify again when nobody changes the source; if the same differs then, please report it"
            }
        })
    }
}

fn noted(report: &VerifyReport) -> ComparisonOutcome {
    let Difference { missing, extra, different, .. } = report.difference;
    ComparisonOutcome {
        missing_rows: missing,
        extra_rows: extra,
        different_rows: different,
        is_equal_now: report.is_equal(),
    }
}

fn difference(difference: &Difference) -> String {
    let Difference { missing, extra, different, .. } = difference;
    let rows = format!(
        "{} missing, {} too many, {} with other values, in {} buckets",
        count(*missing),
        count(*extra),
        count(*different),
        count(difference.bucket_count)
    );
    if difference.is_lower_bound { format!("at least {rows}; too many to tell one by one") } else { rows }
}

fn column(column: &engine::ColumnDifference) -> String {
    let mut what = Vec::new();
    if column.nulls_at_source != column.nulls_at_destination {
        what.push(format!(
            "{} NULLs here, {} at the source",
            count(column.nulls_at_destination),
            count(column.nulls_at_source)
        ));
    }
    if column.range_differs {
        what.push("another lowest or highest value".to_owned());
    }
    if column.sum_differs {
        what.push("another sum".to_owned());
    }
    format!("  {}: {}", column.column, what.join(", "))
}

/// What became of rows that are gone at the source.
fn gone(reconciled: &Reconciled) -> String {
    match (reconciled.marked, reconciled.kept) {
        (0, 0) => format!("{} rows removed", count(reconciled.removed)),
        (0, kept) => format!("{} rows kept", count(kept)),
        (marked, _) => format!("{} rows marked", count(marked)),
    }
}

/// What the customer pays for.
fn cost(cost: &AuditCost) -> String {
    let mut parts = vec![
        format!("cost at the source: {} statements", cost.statements),
        format!("{} rows of hashes back ({})", count(cost.row_count), bytes(cost.bytes)),
    ];
    parts.extend(cost.bytes_scanned.map(|scanned| format!("{} scanned", bytes(scanned))));
    parts.extend(cost.virtual_warehouse.as_ref().map(|name| format!("on virtual warehouse {name}")));
    parts.join(", ")
}
