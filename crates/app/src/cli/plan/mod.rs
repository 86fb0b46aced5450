//! `snowferry plan`: what a run would do, without doing any of it.

mod look;
mod pull;
mod push;

pub(super) use push::{planned, refuse_append_anew};

use clap::Args;
use model::{Result, StreamSchema};

use super::FileArgument;
use crate::output::{Terminal, bytes, count};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry plan -f acme/opportunities.yaml
  snowferry plan -f acme/actions-out.yaml --json")]
pub(crate) struct PlanCommand {
    #[command(flatten)]
    file: FileArgument,

    /// Plan as if the stream were read anew from its beginning
    #[arg(long)]
    full_refresh: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl PlanCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let file = self.file.read()?;
        match file.push() {
            None => self.plan_pull(terminal, &file).await,
            Some(options) => self.plan_push(terminal, &file, options).await,
        }
    }
}

/// A heading with indented lines below it.
fn heading(terminal: &Terminal, heading: &str, lines: &str) -> String {
    format!("\n{}\n  {}", terminal.bold(heading), lines.replace('\n', "\n  "))
}

/// ` (1,234 rows, 5.6 MiB)`, as far as the source knows.
fn size(schema: &StreamSchema) -> String {
    match (schema.row_count, schema.bytes) {
        (Some(rows), Some(size)) => format!(" ({} rows, {})", count(rows), bytes(size)),
        (Some(rows), None) => format!(" ({} rows)", count(rows)),
        _ => String::new(),
    }
}
