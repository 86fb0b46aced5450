//! `snowferry match`: which activity revenue is matched to, brought up to date and told.

use std::time::{Duration, Instant};

use clap::Args;
use connectors::duckdb::{DuckDbDestination, ModelScript};
use datasets::{
    MatchReport, MatchScope, MatchScript, Matching, Money, NOTED_SQL, note_own_matched_sql, noted,
    unmatch_sql,
};
use model::{Error, Result};

use super::FileArgument;
use crate::config::SyncFile;
use crate::output::{Terminal, count, print_line, seconds, text_table};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry match -f acme/opportunities.yaml
  snowferry match -f acme/opportunities.yaml --full --json

Imports of the tenant match by themselves what they have changed. docs/matching.md says how.")]
pub(crate) struct MatchCommand {
    #[command(flatten)]
    file: FileArgument,

    /// Match every deal anew, and not only those of which something has changed; the outcome is the same
    #[arg(long)]
    full: bool,

    /// Report as JSON
    #[arg(long)]
    json: bool,
}

impl MatchCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let file = self.file.read()?;
        let Some(matching) = file.matching() else {
            let error = Error::config(
                "match_missing",
                format!("{} does not say how its deals are matched", file.name()),
            );
            return Err(error.with_remedy("add `match: {}` to the sync file of a pull of deals"));
        };
        let started = Instant::now();
        let tenant_file = file.tenant_file()?;
        drop(tenant_file.open_read_only()?);
        let destination = DuckDbDestination::open(tenant_file)?;
        if !destination.has_imported(&file.spec().target).await? {
            let message = format!("{} has not imported any deals yet", file.name());
            return Err(Error::config("match_before_import", message)
                .with_remedy("run it first: `snowferry run` with this file"));
        }
        note(&destination, &file).await?;
        let scope = if self.full { MatchScope::Full } else { MatchScope::Changed };
        let report = match_deals(&destination, &matching, scope).await?;
        if self.json {
            return print_line(&event(&report).to_string());
        }
        print_line(&text(terminal, &report, started.elapsed()))?;
        if report.largest_unmatched.is_empty() { Ok(()) } else { print_line(&largest(&report)) }
    }
}

/// Notes how the deals of a sync are matched, or that they are not any more.
pub(super) async fn note(destination: &DuckDbDestination, file: &SyncFile) -> Result<()> {
    let statement = match file.matching() {
        Some(matching) => matching.note_sql(),
        None => unmatch_sql(&file.name()),
    };
    change(destination, vec![statement], NO_ANSWER.to_owned()).await.map(drop)
}

/// Whether it is noted already how the deals of the sync are matched, or that they are not.
pub(super) async fn is_noted(destination: &DuckDbDestination, file: &SyncFile) -> Result<bool> {
    let noted = all_noted(destination).await?;
    Ok(noted.into_iter().find(|matching| matching.sync_id == file.name()) == file.matching())
}

/// Brings the matches of all syncs of the tenant up to date.
pub(super) async fn match_all(destination: &DuckDbDestination) -> Result<Vec<MatchReport>> {
    let mut reports = Vec::new();
    for matching in &all_noted(destination).await? {
        reports.push(match_deals(destination, matching, MatchScope::Changed).await?);
    }
    Ok(reports)
}

async fn all_noted(destination: &DuckDbDestination) -> Result<Vec<Matching>> {
    noted(&change(destination, Vec::new(), NOTED_SQL.to_owned()).await?).map_err(unreadable)
}

/// A note that this program cannot read.
pub(super) fn unreadable(error: serde_json::Error) -> Error {
    Error::config("match_unreadable", "a matching was noted by another version of this program")
        .with_remedy("run the sync of those deals, which notes it anew")
        .with_source(error)
}

async fn match_deals(
    destination: &DuckDbDestination,
    matching: &Matching,
    scope: MatchScope,
) -> Result<MatchReport> {
    let MatchScript { mut statements, answer } = matching.script(scope);
    // Whoever looked at the vendor's own actions before did so for other matches.
    statements.push(note_own_matched_sql(None));
    let answer = change(destination, statements, answer).await?;
    serde_json::from_str(&answer)
        .map_err(|error| Error::internal("the report on matches could not be read").with_source(error))
}

/// What a script without an answer answers.
pub(super) const NO_ANSWER: &str = "SELECT ''";

/// Changes the model in one transaction.
pub(super) async fn change(
    destination: &DuckDbDestination,
    statements: Vec<String>,
    answer: String,
) -> Result<String> {
    destination
        .change_model(ModelScript { operation: "bring the model up to date", statements, answer })
        .await
}

/// The report for programs.
pub(super) fn event(report: &MatchReport) -> serde_json::Value {
    serde_json::json!({ "event": "matched", "sync": report.sync_id, "report": report })
}

/// The report for people.
fn text(terminal: &Terminal, report: &MatchReport, took: Duration) -> String {
    let mut lines = vec![format!("{} in {}", headline(terminal, report), seconds(took))];
    lines.extend(details(report));
    lines.join("\n     ")
}

/// What a run tells of the matches that it has brought up to date.
pub(super) fn summary(terminal: &Terminal, report: &MatchReport) -> String {
    let mut lines = vec![headline(terminal, report)];
    lines.extend(details(report));
    lines.join("\n     ")
}

fn headline(terminal: &Terminal, report: &MatchReport) -> String {
    format!(
        "{} {}: {} of {} deals ({})",
        terminal.green("matched"),
        terminal.bold(&report.sync_id),
        count(report.matched),
        count(report.deals),
        percent(report.matched, report.deals)
    )
}

fn details(report: &MatchReport) -> Vec<String> {
    let words = |counted: &[datasets::Counted]| {
        let parts: Vec<String> =
            counted.iter().map(|counted| format!("{} {}", count(counted.deals), counted.word)).collect();
        parts.join(", ")
    };
    let mut lines = Vec::new();
    if let (Some(looked_at), Some(changed), Some(gone)) = (report.looked_at, report.changed, report.gone) {
        lines.push(format!(
            "{} looked at, {} with another outcome than before, {} no revenue any more",
            count(looked_at),
            count(changed),
            count(gone)
        ));
    }
    if !report.by_rule.is_empty() {
        lines.push(format!("by rule: {}", words(&report.by_rule)));
    }
    if report.ambiguous > 0 {
        lines.push(format!(
            "{} had several equal candidates, of which the id decided",
            count(report.ambiguous)
        ));
    }
    if !report.by_reason.is_empty() {
        lines.push(format!("not matched: {}", words(&report.by_reason)));
    }
    lines.extend(revenue("matched revenue", &report.matched_revenue));
    lines.extend(revenue("unmatched revenue", &report.unmatched_revenue));
    if report.without_rate > 0 {
        let main = report.main_currency.as_deref().unwrap_or_default();
        lines
            .push(format!("{} deals are in a currency without a rate to {main}", count(report.without_rate)));
    }
    lines
}

fn revenue(what: &str, sums: &[Money]) -> Option<String> {
    /// More currencies would fill the line.
    const SHOWN_MAX: usize = 5;
    let shown: Vec<String> = sums.iter().take(SHOWN_MAX).map(money).collect();
    let more = if sums.len() > SHOWN_MAX { ", …" } else { "" };
    (!sums.is_empty()).then(|| format!("{what}: {}{more}", shown.join(", ")))
}

fn money(sum: &Money) -> String {
    let currency = sum.currency.as_deref().unwrap_or("without a currency");
    format!("{} {currency}", amount(&sum.amount))
}

/// An amount as people write it: groups of three digits, and of the digits behind the point those that say something.
pub(super) fn amount(exact: &str) -> String {
    let (whole, fraction) = exact.split_once('.').unwrap_or((exact, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let grouped = digits.parse().map_or_else(|_| digits.to_owned(), count);
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{grouped}"),
        fraction => format!("{sign}{grouped}.{fraction:0<2}"),
    }
}

fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "none".to_owned(),
        _ => format!("{:.1} %", part as f64 / whole as f64 * 100.0),
    }
}

/// The largest deals that nothing matched.
fn largest(report: &MatchReport) -> String {
    let rows = report.largest_unmatched.iter().map(|deal| {
        vec![
            deal.deal_id.clone(),
            deal.amount.as_deref().map(amount).unwrap_or_default(),
            deal.currency.clone().unwrap_or_default(),
            deal.reason.clone(),
        ]
    });
    text_table(&["largest deal without a match", "amount", "currency", "reason"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_as_people_write_them() {
        for (exact, shown) in [
            ("1234567.500000000", "1,234,567.50"),
            ("-20.000000000", "-20"),
            ("0.125000000", "0.125"),
            ("12345678901234567890123.000000000", "12345678901234567890123"),
        ] {
            assert_eq!(amount(exact), shown);
        }
    }
}
