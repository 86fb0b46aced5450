//! The report as one page that needs nothing else: no scripts, no fonts, no pictures from anywhere.

use super::text::{completeness, correctness, freshness, shown};
use super::{TrustReport, Verdict, chart};
use crate::output::count;

const STYLE: &str = "
:root { --ink: #17212b; --dim: #5d6b78; --line: #dfe5ea; --good: #1d7f4e; --look: #b25e09; --bar: #3f7cac; --back: #f6f8fa }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif }
main { max-width: 960px; margin: 32px auto; padding: 0 24px }
header { display: flex; justify-content: space-between; align-items: baseline; flex-wrap: wrap; gap: 8px }
h1 { font-size: 26px; margin: 0 } h2 { font-size: 17px; margin: 0 0 10px }
.dim { color: var(--dim) } code { font-size: 13px }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); gap: 16px; margin: 24px 0 16px }
section, .card { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px }
section { margin-bottom: 16px }
.card h2 { display: flex; justify-content: space-between; align-items: center }
.card p { margin: 0 }
.verdict { font-size: 12px; font-weight: 600; padding: 2px 10px; border-radius: 20px; background: #eef1f4; color: var(--dim) }
.verdict.good { background: #e3f4ea; color: var(--good) } .verdict.look { background: #fdf0df; color: var(--look) }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 600; color: var(--dim); font-size: 13px }
th, td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line) } tr:last-child td { border-bottom: 0 }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
svg { width: 100%; height: auto; display: block } svg.share { height: 14px; border-radius: 7px; margin: 4px 0 14px }
.grid { stroke: var(--line) } .label { font-size: 11px; fill: var(--dim) } .bar, .taken { fill: var(--bar) }
.matched { fill: var(--good) } .rejected, .unmatched { fill: #e2a356 }
@media print { body { background: #fff } section, .card { break-inside: avoid } }
";

/// The page.
pub(crate) fn html(report: &TrustReport) -> String {
    let cards = [
        card("Correctness", report.is_correct(), &correctness(report)),
        card("Completeness", report.is_complete(), &completeness(report)),
        card("Freshness", report.is_fresh(), &freshness(report)),
    ];
    let title = format!("Trust report: {}", escaped(&report.sync));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header><h1>{title}</h1><span class=\"dim\">{} UTC</span></header>\n\
         <p class=\"dim\"><code>{}</code> into <code>{}</code> of {}, as <code>{}</code></p>\n\
         <div class=\"cards\">{}</div>\n{}{}{}</main>\n</body>\n</html>\n",
        escaped(&shown(&report.made_at)),
        escaped(&report.stream),
        escaped(&report.target),
        escaped(&report.tenant),
        escaped(&report.dataset),
        cards.concat(),
        rejects(report),
        matches(report),
        days(report)
    )
}

fn card(title: &str, verdict: Verdict, told: &str) -> String {
    let class = match verdict {
        Verdict::Good => "good",
        Verdict::Look => "look",
        Verdict::Unknown => "",
    };
    format!(
        "<div class=\"card\"><h2>{title}<span class=\"verdict {class}\">{}</span></h2><p>{}</p></div>",
        verdict.word(),
        escaped(told)
    )
}

fn rejects(report: &TrustReport) -> String {
    let found = &report.completeness;
    if found.reasons.is_empty() {
        return String::new();
    }
    let bar = chart::share(&[("taken", found.taken), ("rejected", found.rejected)]);
    let rows = found
        .reasons
        .iter()
        .map(|reason| [escaped(&words(&reason.reason)), escaped(&words(&reason.field)), count(reason.rows)]);
    section("Rows that could not be taken", &format!("{bar}{}", table(&["reason", "field", "rows"], rows)))
}

fn matches(report: &TrustReport) -> String {
    let Some(found) = &report.matches else { return String::new() };
    let bar = chart::share(&[("matched", found.matched), ("unmatched", found.deals - found.matched)]);
    let by_rule = found.by_rule.iter().map(|rule| (&rule.word, rule.deals, "matched"));
    let by_reason = found.by_reason.iter().map(|reason| (&reason.word, reason.deals, "not matched"));
    let rows = by_rule
        .chain(by_reason)
        .map(|(word, deals, outcome)| [outcome.to_owned(), escaped(&words(word)), count(deals)]);
    let told = format!(
        "{} of {} deals are matched to the activity before them",
        count(found.matched),
        count(found.deals)
    );
    section("Revenue", &format!("<p>{told}</p>{bar}{}", table(&["outcome", "rule or reason", "deals"], rows)))
}

fn days(report: &TrustReport) -> String {
    if report.days.is_empty() {
        return String::new();
    }
    section("Rows by day", &chart::days(&report.days))
}

fn section(title: &str, body: &str) -> String {
    format!("<section><h2>{title}</h2>{body}</section>\n")
}

fn table(header: &[&str; 3], rows: impl Iterator<Item = [String; 3]>) -> String {
    let [first, second, third] = header;
    let rows: String = rows
        .map(|[first, second, third]| {
            format!("<tr><td>{first}</td><td>{second}</td><td class=\"number\">{third}</td></tr>")
        })
        .collect();
    format!(
        "<table><tr><th>{first}</th><th>{second}</th><th class=\"number\">{third}</th></tr>{rows}</table>"
    )
}

/// A code as words, for readers who have never seen it.
fn words(code: &str) -> String {
    code.replace('_', " ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
