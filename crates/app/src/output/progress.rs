//! Progress of a run: a bar for people, a line a second for programs.

use std::time::Duration;

use connectors::snowflake::push::{DeliveryProgress, DeliveryStep};
use engine::{Phase, RunProgress};
use indicatif::{ProgressBar, ProgressStyle};
use model::Result;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::format::{bytes, count};
use super::terminal::{Terminal, print_line};

/// How often programs are told.
const JSON_EVERY: Duration = Duration::from_secs(1);
/// How often the bar is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// What is watched while a sync runs.
pub(crate) struct Watched<'a> {
    pub(crate) name: &'a str,
    pub(crate) run: watch::Receiver<RunProgress>,
    /// Absent for a pull.
    pub(crate) delivery: Option<watch::Receiver<DeliveryProgress>>,
}

/// How the progress of a sync is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// A bar, where somebody looks.
    Bar,
    /// A line a second, for programs.
    Events,
    /// Not at all: others run beside it.
    Nothing,
}

/// Shows the progress of `work` until it ends.
pub(crate) async fn show_progress<T>(
    watched: &Watched<'_>,
    shown: Shown,
    work: impl Future<Output = T>,
) -> Result<T> {
    let bar = (shown == Shown::Bar && Terminal::is_interactive()).then(|| bar(watched.name));
    let mut every = tokio::time::interval(if shown == Shown::Events { JSON_EVERY } else { DRAW_EVERY });
    every.tick().await;
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
                return Ok(done);
            }
            _ = every.tick() => match &bar {
                Some(bar) => draw(bar, watched),
                None if shown == Shown::Events => print_line(&event(watched).to_string())?,
                None => {}
            }
        }
    }
}

fn event(watched: &Watched<'_>) -> Value {
    let mut event = json!({ "event": "progress", "sync": watched.name, "progress": *watched.run.borrow() });
    if let Some(delivery) = &watched.delivery {
        event["delivery"] = json!(*delivery.borrow());
    }
    event
}

fn bar(name: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_prefix(name.to_owned());
    bar
}

fn draw(bar: &ProgressBar, watched: &Watched<'_>) {
    let progress = watched.run.borrow().clone();
    let delivery = watched.delivery.as_ref().map(|delivery| delivery.borrow().clone());
    let rate = format!("{} rows/s", count(bar.per_sec() as u64));
    let message = match (progress.phase, &delivery) {
        (Phase::Waiting, _) => format!("attempt {} failed, waiting to try again", progress.attempt),
        (Phase::Planning, Some(delivery)) if delivery.step == DeliveryStep::Recovering => {
            "asking what became of an earlier delivery".to_owned()
        }
        (Phase::Planning, _) => "planning".to_owned(),
        (Phase::Querying, _) => "waiting for the query".to_owned(),
        (Phase::Moving, None) => {
            format!("{} rows, {}, {rate}", count(progress.row_count), bytes(progress.bytes))
        }
        (Phase::Moving, Some(delivery)) => format!("{}, {rate}", uploaded(delivery)),
        (Phase::Publishing, None) => "publishing".to_owned(),
        (Phase::Publishing, Some(delivery)) => delivering(delivery),
    };
    let template = if let (Phase::Moving, Some(total)) = (progress.phase, progress.row_count_total) {
        bar.set_length(total);
        bar.set_position(progress.row_count);
        "{prefix} [{bar:30}] {percent}% {msg}, {eta} left"
    } else {
        "{prefix} {spinner} {msg} {elapsed}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(message);
    bar.tick();
}

/// What is encoded, and what of it has arrived.
fn uploaded(delivery: &DeliveryProgress) -> String {
    format!(
        "{} rows encoded, {} files uploaded ({})",
        count(delivery.encoded_rows),
        count(delivery.files),
        bytes(delivery.uploaded_bytes)
    )
}

/// What happens once all rows are read.
fn delivering(delivery: &DeliveryProgress) -> String {
    match delivery.step {
        DeliveryStep::Copying => format!("copying {} files into a temporary table", count(delivery.files)),
        DeliveryStep::Publishing => "committing".to_owned(),
        DeliveryStep::Removing | DeliveryStep::Done => "removing files".to_owned(),
        _ => uploaded(delivery),
    }
}
