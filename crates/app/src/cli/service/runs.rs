//! `snowferry runs`: runs of stored syncs, newest first.

use clap::Args;
use jiff::Timestamp;
use model::{Error, Result, RunState, Usage};
use store::{Id, Run, RunFilter, Store, Sync, Tenant};

use super::super::state::StoreArgument;
use super::opened;
use crate::output::{Terminal, count, print_line, seconds, text_table};
use crate::usage::{usage_json, usage_line};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry runs acme
  snowferry runs acme/opportunities --state failed
  snowferry runs acme --run 0198f2c4-5a1e-7c3b-9d10-2f0f6c1b7a55")]
pub(crate) struct RunsCommand {
    /// A tenant, or one of its syncs as TENANT/SYNC
    #[arg(value_name = "TENANT[/SYNC]")]
    of: String,

    /// Only runs in this state: queued, running, retrying, succeeded, failed or cancelled
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    state: Option<RunState>,

    /// How many
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    count: u32,

    /// Show this run with its attempts
    #[arg(long, value_name = "ID")]
    run: Option<String>,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    store: StoreArgument,
}

fn parse_state(text: &str) -> Result<RunState, String> {
    RunState::parse(text)
        .ok_or_else(|| "write queued, running, retrying, succeeded, failed or cancelled".to_owned())
}

impl RunsCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let (store, _queue) = opened(&self.store).await?;
        let (tenant, sync) = match self.of.split_once('/') {
            Some((tenant, sync)) => (tenant, Some(sync)),
            None => (self.of.as_str(), None),
        };
        let tenant = store.tenant_named(tenant).await?;
        if let Some(run) = &self.run {
            return self.show(terminal, &store, &tenant, &Id::from(run.clone())).await;
        }
        let sync = match sync {
            Some(name) => Some(store.sync_named(&tenant.id, name).await?.id),
            None => None,
        };
        let filter = RunFilter { sync, state: self.state, before: None };
        let runs = store.find_runs(&tenant.id, &filter, self.count).await?;
        if self.json {
            return runs.iter().try_for_each(|run| print_line(&as_json(run).to_string()));
        }
        let names = store.syncs(&tenant.id).await?;
        let rows = runs.iter().map(|run| row(run, &names));
        print_line(&text_table(
            &["run", "sync", "state", "cause", "asked for", "took", "rows", "warehouse", "credits", "error"],
            rows,
        ))
    }

    async fn show(&self, terminal: &Terminal, store: &Store, tenant: &Tenant, id: &Id<Run>) -> Result<()> {
        let run = store.run(&tenant.id, id).await?;
        let attempts = store.attempts(&tenant.id, id).await?;
        if self.json {
            return print_line(&as_json(&run).to_string());
        }
        print_line(&format!("{} {}", terminal.bold(run.id.as_str()), one_line(&run)))?;
        let rows = attempts.iter().map(|attempt| {
            vec![
                attempt.number.to_string(),
                attempt.epoch.0.to_string(),
                moment(attempt.started_at),
                attempt.ended_at.map(moment).unwrap_or_default(),
                attempt.outcome.clone().unwrap_or_else(|| "going".to_owned()),
                attempt.error_code.clone().unwrap_or_default(),
            ]
        });
        print_line(&text_table(&["attempt", "lease", "started", "ended", "outcome", "error"], rows))?;
        if let Some(line) = usage_line(&run.usage) {
            print_line(&line)?;
            let ids = run.usage.statements.iter().map(|statement| statement.query_id.as_str());
            print_line(&format!("query ids: {}", ids.collect::<Vec<_>>().join(", ")))?;
        }
        let Some(error) = &run.error else { return Ok(()) };
        print_line(&format!("[{}] {}", error.code, error.message))?;
        error.remedy.iter().try_for_each(|remedy| print_line(&format!("to do: {remedy}")))
    }
}

fn row(run: &Run, syncs: &[Sync]) -> Vec<String> {
    let name = syncs.iter().find(|sync| sync.id == run.sync).map(|sync| sync.name.clone());
    vec![
        run.id.to_string(),
        name.unwrap_or_else(|| "(removed)".to_owned()),
        run.state.as_str().to_owned(),
        run.cause.as_str().to_owned(),
        moment(run.queued_at),
        took(run).unwrap_or_default(),
        rows(run).map(count).unwrap_or_default(),
        warehouse(&run.usage),
        credits(&run.usage),
        run.error.as_ref().map(|error| error.code.clone()).unwrap_or_default(),
    ]
}

/// The time on virtual warehouses, where there was any.
fn warehouse(usage: &Usage) -> String {
    let taken = usage.totals().virtual_warehouse_seconds;
    if taken > 0.0 { seconds(std::time::Duration::from_secs_f64(taken)) } else { String::new() }
}

/// The estimate; a plus where seconds of unknown size are not in it.
fn credits(usage: &Usage) -> String {
    let totals = usage.totals();
    let more = if totals.unpriced_seconds > 0.0 { "+?" } else { "" };
    if totals.virtual_warehouse_seconds > 0.0 {
        format!("{:.5}{more}", totals.credits)
    } else {
        String::new()
    }
}

fn rows(run: &Run) -> Option<u64> {
    run.report.as_ref()?.get("read")?.as_u64()
}

fn took(run: &Run) -> Option<String> {
    let took = run.ended_at?.duration_since(run.started_at?);
    std::time::Duration::try_from(took).ok().map(seconds)
}

/// A run in one line.
pub(super) fn one_line(run: &Run) -> String {
    let at = if run.state.is_final() { "at" } else { "since" };
    let mut text = format!("{} {at} {}", run.state.as_str(), moment(since(run)));
    if run.attempt > 1 {
        text.push_str(&format!(", attempt {}", run.attempt));
    }
    if let Some(rows) = rows(run) {
        text.push_str(&format!(", {} rows read", count(rows)));
    }
    if run.cancel_at.is_some() && !run.state.is_final() {
        text.push_str(", asked to stop");
    }
    text
}

fn since(run: &Run) -> Timestamp {
    match run.state {
        RunState::Running => run.started_at,
        _ => run.ended_at,
    }
    .unwrap_or(run.queued_at)
}

/// A moment in UTC, to the second.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A run with everything that is known of it.
pub(super) fn as_json(run: &Run) -> serde_json::Value {
    serde_json::json!({
        "id": run.id.as_str(),
        "state": run.state.as_str(),
        "cause": run.cause.as_str(),
        "fire_at": run.fire_at.map(|at| at.to_string()),
        "queued_at": run.queued_at.to_string(),
        "due_at": run.due_at.to_string(),
        "started_at": run.started_at.map(|at| at.to_string()),
        "ended_at": run.ended_at.map(|at| at.to_string()),
        "attempt": run.attempt,
        "error": run.error.as_ref().map(|error| serde_json::json!({
            "kind": error.kind, "code": error.code, "message": error.message, "remedy": error.remedy,
        })),
        "report": run.report,
        "usage": usage_json(&run.usage),
    })
}

/// An id that names a run.
pub(super) fn run_id(text: &str) -> Result<Id<Run>> {
    let is_id = !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    is_id.then(|| Id::from(text.to_owned())).ok_or_else(|| {
        Error::config("run_name", format!("`{text}` is no id of a run"))
            .with_remedy("take it from `snowferry runs TENANT`")
    })
}
