//! `snowferry check`: can this sync log in, as whom, and may it do what it needs? One answer per step.

mod pull;
mod push;

use clap::Args;
use model::{Error, ErrorKind, Result};
use snowflake::SessionContext;

use super::FileArgument;
use crate::output::{Terminal, print_line};

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  snowferry check -f acme/opportunities.yaml")]
pub(crate) struct CheckCommand {
    #[command(flatten)]
    file: FileArgument,
}

impl CheckCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let file = self.file.read()?;
        passed(terminal, "sync file", &self.file.file.display().to_string())?;
        match file.push() {
            None => pull::check(terminal, &file).await,
            Some(options) => push::check(terminal, &file, options).await,
        }
    }
}

/// What a log-in stands on.
fn logged_in(terminal: &Terminal, context: &SessionContext) -> Result<()> {
    passed(terminal, "log-in", "accepted")?;
    passed(terminal, "role", context.role.as_deref().unwrap_or("none"))?;
    let Some(virtual_warehouse) = context.virtual_warehouse.as_deref() else {
        let error = Error::new(ErrorKind::Config, "no_virtual_warehouse", "no virtual warehouse is in use")
            .with_remedy(
                "name one under `snowflake.virtual_warehouse` and let the customer grant USAGE on it",
            );
        return step(terminal, "virtual warehouse", Err(error));
    };
    passed(terminal, "virtual warehouse", virtual_warehouse)
}

fn passed(terminal: &Terminal, what: &str, found: &str) -> Result<()> {
    print_line(&format!("{} {what:<18} {found}", terminal.green("ok  ")))
}

fn failed(terminal: &Terminal, what: &str, found: &str) -> Result<()> {
    print_line(format!("{} {what:<18} {found}", terminal.red("fail")).trim_end())
}

/// Marks the step that failed; the error itself is told at the end.
fn step<T>(terminal: &Terminal, what: &str, result: Result<T>) -> Result<T> {
    if result.is_err() {
        failed(terminal, what, "")?;
    }
    result
}
