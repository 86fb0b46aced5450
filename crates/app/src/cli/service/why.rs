//! `snowferry why`: why a stored sync does or does not run now.

use std::time::Duration;

use alerts::Condition;
use clap::Args;
use model::Result;
use service::{Explanation, explain};

use super::super::state::{StoreArgument, SyncArgument};
use super::opened;
use super::runs::{as_json, moment, one_line};
use crate::output::{Terminal, print_line};

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  snowferry why acme/opportunities")]
pub(crate) struct WhyCommand {
    #[command(flatten)]
    sync: SyncArgument,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    store: StoreArgument,
}

impl WhyCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let (store, queue) = opened(&self.store).await?;
        let (tenant, sync) = self.sync.find(&store).await?;
        let explanation = explain(&store, &queue, &tenant, &sync).await?;
        if self.json {
            return print_line(&json(&explanation).to_string());
        }
        print_line(&terminal.bold(&format!("{}/{}", tenant.name, sync.name)))?;
        for (what, text) in lines(&explanation) {
            print_line(&format!("  {what:<10} {text}"))?;
        }
        Ok(())
    }
}

fn lines(explanation: &Explanation) -> Vec<(&'static str, String)> {
    let schedule = explanation.schedule.clone();
    let mut lines =
        vec![("schedule", schedule.unwrap_or_else(|| "none: it runs when it is asked to".to_owned()))];
    if let Some(passed) = &explanation.passed {
        let why = match passed.reason.as_str() {
            "overlap" => "the run before was still going",
            _ => "nobody was there to start it, and it is not caught up",
        };
        lines.push(("passed", format!("the fire of {} got no run: {why}", moment(passed.at))));
    }
    match &explanation.open_run {
        Some(run) => lines.push(("open run", one_line(run))),
        None => lines.push(("open run", "none".to_owned())),
    }
    lines.extend(explanation.waits_for.iter().map(|reason| ("waits for", reason.clone())));
    if let Some(last) =
        explanation.last_run.as_ref().filter(|last| explanation.open_run.as_ref() != Some(last))
    {
        lines.push(("last run", one_line(last)));
    }
    lines.push(("fresh", freshness(explanation)));
    let with_error = explanation.open_run.as_ref().or(explanation.last_run.as_ref());
    if let Some(error) = with_error.and_then(|run| run.error.as_ref()) {
        lines.push(("error", format!("[{}] {}", error.code, error.message)));
        lines.extend(error.remedy.clone().map(|remedy| ("to do", remedy)));
    }
    lines
}

fn freshness(explanation: &Explanation) -> String {
    let last = explanation
        .last_success_at
        .map_or("it has never succeeded".to_owned(), |at| format!("its last success was at {}", moment(at)));
    match explanation.late_after {
        Some(late_after) if explanation.condition == Condition::Late => {
            format!("late: {last}, and may be {} old", span(late_after))
        }
        Some(late_after) => format!("{last}, and may be {} old", span(late_after)),
        None => last,
    }
}

/// `26h`, `90m`: as a sync file says it.
fn span(duration: Duration) -> String {
    let minutes = duration.as_secs() / 60;
    if minutes.is_multiple_of(60) { format!("{}h", minutes / 60) } else { format!("{minutes}m") }
}

fn json(explanation: &Explanation) -> serde_json::Value {
    serde_json::json!({
        "schedule": explanation.schedule,
        "passed": explanation.passed.as_ref().map(|passed| {
            serde_json::json!({ "at": passed.at.to_string(), "reason": passed.reason })
        }),
        "open_run": explanation.open_run.as_ref().map(as_json),
        "waits_for": explanation.waits_for,
        "condition": explanation.condition_word,
        "last_success_at": explanation.last_success_at.map(|at| at.to_string()),
        "late_after_seconds": explanation.late_after.map(|late_after| late_after.as_secs()),
        "last_run": explanation.last_run.as_ref().map(as_json),
    })
}
