//! The report for a terminal.

use super::{TrustReport, Verdict};
use crate::output::{Terminal, count};

/// The report as lines.
pub(crate) fn text(terminal: &Terminal, report: &TrustReport) -> String {
    let mut lines = vec![format!(
        "{} of {}: {} into {}, as of {}",
        terminal.bold("Trust report"),
        terminal.bold(&report.sync),
        report.stream,
        report.target,
        shown(&report.made_at)
    )];
    lines.push(part(terminal, "correctness", report.is_correct(), &correctness(report)));
    lines.push(part(terminal, "completeness", report.is_complete(), &completeness(report)));
    lines.extend(
        report.completeness.reasons.iter().map(|reason| {
            format!("               {} {} ({})", count(reason.rows), reason.reason, reason.field)
        }),
    );
    lines.push(part(terminal, "freshness", report.is_fresh(), &freshness(report)));
    if let Some(matches) = &report.matches {
        lines.push(format!(
            "  {:<12} {} of {} deals",
            "matches",
            count(matches.matched),
            count(matches.deals)
        ));
    }
    if let (Some(first), Some(last)) = (report.days.first(), report.days.last()) {
        let rows: u64 = report.days.iter().map(|day| day.rows).sum();
        lines.push(format!(
            "  {:<12} {} rows from {} to {}",
            "rows by day",
            count(rows),
            first.day,
            last.day
        ));
    }
    lines.join("\n")
}

fn part(terminal: &Terminal, name: &str, verdict: Verdict, told: &str) -> String {
    let word = match verdict {
        Verdict::Good => terminal.green(verdict.word()),
        _ => verdict.word().to_owned(),
    };
    format!("  {name:<12} {word}: {told}")
}

/// What is said of correctness.
pub(super) fn correctness(report: &TrustReport) -> String {
    let found = &report.correctness;
    let mut parts = vec![match found.source_rows {
        Some(rows) if rows == found.rows => format!("{} rows on both sides", count(rows)),
        Some(rows) => format!("{} rows at the source, {} here", count(rows), count(found.rows)),
        None => format!("{} rows here; the source was not asked", count(found.rows)),
    }];
    if let Some(compared) = &found.compared {
        parts.push(match compared.is_equal {
            true => format!("every value was equal at {}", shown(&compared.at)),
            false => format!(
                "compared at {}: {} missing, {} too many, {} with other values",
                shown(&compared.at),
                count(compared.missing),
                count(compared.extra),
                count(compared.different)
            ),
        });
    }
    parts.join("; ")
}

/// What is said of completeness.
pub(super) fn completeness(report: &TrustReport) -> String {
    let found = &report.completeness;
    match found.rejected {
        0 => format!("all {} rows were taken", count(found.taken)),
        rejected => format!("{} rows were taken, {} could not be", count(found.taken), count(rejected)),
    }
}

/// What is said of freshness.
pub(super) fn freshness(report: &TrustReport) -> String {
    let found = &report.freshness;
    let mut parts = Vec::new();
    parts.push(match (&found.newest_at_source, &found.newest_here) {
        (Some(source), Some(here)) if source == here => {
            format!("the newest row of the source is here, {}", shown(here))
        }
        (Some(source), Some(here)) => format!("newest at the source {}, here {}", shown(source), shown(here)),
        (None, Some(here)) => format!("newest row here {}", shown(here)),
        _ => "the sync follows no column".to_owned(),
    });
    if let Some(delay) = found.delay_seconds.filter(|delay| *delay > 0) {
        parts.push(format!("{} behind", span(delay)));
    }
    parts.extend(found.published_at.as_ref().map(|at| format!("published at {}", shown(at))));
    parts.join("; ")
}

/// A moment as people read it, to the second; anything else as it is.
pub(super) fn shown(moment: &str) -> String {
    const DAY_CHARACTERS: usize = 10;
    let is_moment = moment.len() > DAY_CHARACTERS && moment.parse::<jiff::civil::DateTime>().is_ok()
        || moment.ends_with('Z') && moment.parse::<jiff::Timestamp>().is_ok();
    if !is_moment {
        return moment.to_owned();
    }
    let to_the_second = moment.split('.').next().unwrap_or(moment).trim_end_matches('Z');
    to_the_second.replace('T', " ")
}

/// In the largest unit that leaves more than one.
fn span(seconds: i64) -> String {
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let unit = units.iter().find(|(length, _)| seconds >= 2 * length);
    unit.map_or_else(|| format!("{seconds} s"), |(length, name)| format!("{} {name}", seconds / length))
}
