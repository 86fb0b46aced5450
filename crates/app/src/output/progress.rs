//! Progress of a run: a bar for people, a line a second for programs.

use std::time::Duration;

use engine::{Phase, RunProgress};
use indicatif::{ProgressBar, ProgressStyle};
use model::Result;
use tokio::sync::watch;

use super::format::{bytes, count};
use super::terminal::{Terminal, print_line};

/// How often programs are told.
const JSON_EVERY: Duration = Duration::from_secs(1);
/// How often the bar is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Shows the progress of `work` until it ends.
pub(crate) async fn show_progress<T>(
    name: &str,
    is_json: bool,
    mut progress: watch::Receiver<RunProgress>,
    work: impl Future<Output = T>,
) -> Result<T> {
    let bar = (!is_json && Terminal::is_interactive()).then(|| bar(name));
    let mut every = tokio::time::interval(if is_json { JSON_EVERY } else { DRAW_EVERY });
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
            _ = every.tick() => {
                let now = progress.borrow_and_update().clone();
                match &bar {
                    Some(bar) => draw(bar, &now),
                    None if is_json => {
                        let event = serde_json::json!({ "event": "progress", "sync": name, "progress": now });
                        print_line(&event.to_string())?;
                    }
                    None => {}
                }
            }
        }
    }
}

fn bar(name: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_prefix(name.to_owned());
    bar
}

fn draw(bar: &ProgressBar, progress: &RunProgress) {
    let rate = format!("{} rows/s", count(bar.per_sec() as u64));
    let message = match progress.phase {
        Phase::Planning => "planning".to_owned(),
        Phase::Querying => "waiting for the query".to_owned(),
        Phase::Publishing => "publishing".to_owned(),
        Phase::Waiting => format!("attempt {} failed, waiting to try again", progress.attempt),
        Phase::Moving => format!("{} rows, {}, {rate}", count(progress.row_count), bytes(progress.bytes)),
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
