//! What a run did, for people.

use std::time::Duration;

use connectors::snowflake::push::{DeliveryProgress, DryRun};
use engine::RunReport;
use model::{ReadSpec, Rejected, Usage, WriteSpec};

use crate::config::SyncFile;
use crate::output::{Terminal, bytes, count, seconds};
use crate::usage::usage_line;

/// Sample keys of one column and rule that fit into a line.
const KEYS_MAX: usize = 5;

/// The end of a run, and for a push the delivery that was part of it.
pub(super) struct Summary<'a> {
    pub(super) file: &'a SyncFile,
    pub(super) report: &'a RunReport,
    pub(super) delivery: Option<&'a DeliveryProgress>,
    /// Columns that the mapping leaves out.
    pub(super) skipped: &'a [String],
    /// What it took of the account.
    pub(super) usage: &'a Usage,
    pub(super) took: Duration,
}

impl Summary<'_> {
    pub(super) fn text(&self, terminal: &Terminal) -> String {
        let Self { report, .. } = self;
        if report.is_unchanged {
            let (done, name) = (terminal.green("done"), terminal.bold(&self.file.name()));
            let healed = report.healed.as_ref().map(|reason| format!("\n     healed: {reason}"));
            let healed = healed.unwrap_or_default();
            return format!("{done} {name}: unchanged since the last run, nothing was read{healed}");
        }
        let mut lines = vec![format!(
            "{} {}: {}, {} rows read ({}) in {}",
            terminal.green("done"),
            terminal.bold(&self.file.name()),
            self.what(),
            count(report.read),
            bytes(report.bytes),
            seconds(self.took)
        )];
        lines.push(self.effect());
        lines.extend(self.delivery.filter(|delivery| delivery.files > 0).map(sent));
        lines.extend(self.left_out());
        if !self.skipped.is_empty() {
            lines.push(format!("columns left out by the mapping: {}", self.skipped.join(", ")));
        }
        if report.resumed > 0 {
            lines.push(format!(
                "{} rows were staged by an earlier run and not read again",
                count(report.resumed)
            ));
        }
        lines.extend(report.healed.as_ref().map(|reason| format!("healed: {reason}")));
        if let Some(reason) = &report.started_over {
            lines.push(format!("the first read began anew: {reason}"));
        }
        if let Some(nulls) = report.null_cursor_count.filter(|nulls| *nulls > 0) {
            lines.push(format!("{} rows have no value in the cursor column", count(nulls)));
        }
        for change in &report.column_changes {
            lines.push(format!("column {} {}: {}", change.column, change.change, change.effect));
        }
        if let Some(rows) = report.future_cursor_count.filter(|rows| *rows > 0) {
            lines.push(format!(
                "{} rows lie in the future by the cursor column; each run reads them again until it gets there",
                count(rows)
            ));
        }
        for (column, values) in &report.changed_values {
            lines.push(format!("{} values of {column} lost digits, as `lossy` allows", count(*values)));
        }
        for (column, values) in self.delivery.iter().flat_map(|delivery| &delivery.changed_values) {
            lines.push(format!(
                "{} values of {column} were changed to fit, as `lossy` allows",
                count(*values)
            ));
        }
        if report.attempts > 1 {
            lines.push(format!("{} attempts were needed", report.attempts));
        }
        lines.extend(usage_line(self.usage));
        lines.join("\n     ")
    }

    fn dry_run(&self) -> Option<&DryRun> {
        self.delivery.and_then(|delivery| delivery.dry_run.as_ref())
    }

    fn what(&self) -> String {
        let what = match &self.file.spec().write {
            WriteSpec::Mirror if self.report.is_backfill => "backfill",
            WriteSpec::Mirror if self.file.spec().read == ReadSpec::Changes => "changes",
            WriteSpec::Mirror => "incremental",
            WriteSpec::Append => "append",
            WriteSpec::Rewrite => "rewrite",
            WriteSpec::Upsert { .. } => "upsert",
        };
        let dry = if self.dry_run().is_some() { "dry run of " } else { "" };
        format!("{dry}{what}")
    }

    /// What became of the target, or would have.
    fn effect(&self) -> String {
        if let Some(dry_run) = self.dry_run() {
            return would(dry_run);
        }
        let Self { report, .. } = self;
        if self.delivery.is_some() {
            return changes(report.inserted, report.updated, report.deleted);
        }
        let mut parts =
            vec![format!("{} new", count(report.inserted)), format!("{} changed", count(report.updated))];
        if report.deleted > 0 {
            parts.push(format!("{} removed", count(report.deleted)));
        }
        if report.marked > 0 {
            parts.push(format!("{} marked as deleted", count(report.marked)));
        }
        parts.extend(report.total.map(|total| format!("{} in the table now", count(total))));
        parts.join(", ")
    }

    /// Rows that do not fit, by column and rule, and where they are.
    fn left_out(&self) -> Vec<String> {
        let rejected = &self.report.rejected;
        if rejected.is_empty() {
            return Vec::new();
        }
        let rows = match self.delivery {
            Some(delivery) => delivery.rejected_rows,
            None => rejected.iter().map(|found| found.row_count).sum(),
        };
        let mut lines = vec![format!("{} rows left out", count(rows))];
        lines.extend(rejected.iter().map(|found| format!("  {}", reason(found))));
        if self.file.push().is_some_and(|options| options.keeps_misfits()) && self.dry_run().is_none() {
            lines.push("  they are kept: snowferry query … 'from _snowferry.rejects'".to_owned());
        }
        if self.file.dataset().is_some() {
            lines.push("  each is in model.rejects until it comes corrected".to_owned());
        }
        lines
    }
}

fn would(dry_run: &DryRun) -> String {
    match (&dry_run.unknown_because, dry_run.added, dry_run.replaced, dry_run.removed) {
        (None, Some(added), Some(replaced), Some(removed)) => {
            format!("would be: {}; nothing was changed", changes(added, replaced, removed))
        }
        (because, ..) => {
            let because = because.as_deref().unwrap_or("Snowflake did not say what would change");
            format!("{} rows would be sent; {because}; nothing was changed", count(dry_run.sent))
        }
    }
}

fn changes(added: u64, replaced: u64, removed: u64) -> String {
    let mut parts = vec![format!("{} added", count(added))];
    parts.extend((replaced > 0).then(|| format!("{} replaced", count(replaced))));
    parts.extend((removed > 0).then(|| format!("{} removed", count(removed))));
    parts.join(", ")
}

fn sent(delivery: &DeliveryProgress) -> String {
    let files = if delivery.files == 1 { "file" } else { "files" };
    format!("sent in {} {files} ({})", count(delivery.files), bytes(delivery.uploaded_bytes))
}

fn reason(found: &Rejected) -> String {
    let shown = found.sample_keys.len().min(KEYS_MAX);
    let more = if found.row_count > shown as u64 { ", …" } else { "" };
    format!(
        "{}: {} {} (keys {}{more})",
        found.column,
        count(found.row_count),
        found.rule,
        found.sample_keys[..shown].join(", ")
    )
}
