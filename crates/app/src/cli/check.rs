//! `snowferry check`: can this sync log in, as whom, and may it read what it needs? One answer per step.

use clap::Args;
use model::{Error, ErrorKind, Result, Source};
use snowflake::MemoryBudget;

use super::FileArgument;
use crate::assemble;
use crate::output::{Terminal, count, print_line};

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  snowferry check -f acme/opportunities.yaml")]
pub(crate) struct CheckCommand {
    #[command(flatten)]
    file: FileArgument,
}

impl CheckCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let file = self.file.read()?;
        let spec = file.spec();
        passed(terminal, "sync file", &self.file.file.display().to_string())?;
        let source = assemble::source(&file, MemoryBudget::process_wide())?;
        let steps = async {
            let context = step(terminal, "log-in", source.log_in().await)?;
            passed(terminal, "log-in", "accepted")?;
            passed(terminal, "role", context.role.as_deref().unwrap_or("none"))?;
            match context.virtual_warehouse.as_deref() {
                Some(virtual_warehouse) => passed(terminal, "virtual warehouse", virtual_warehouse)?,
                None => {
                    let error = Error::new(ErrorKind::Config, "no_virtual_warehouse", "no virtual warehouse is in use")
                        .with_remedy("name one under `source.snowflake.virtual_warehouse` and let the customer grant USAGE on it");
                    step(terminal, "virtual warehouse", Err::<(), _>(error))?;
                }
            }
            let schema = step(terminal, "stream", source.describe(&spec.stream).await)?;
            let rows = schema.row_count.map_or_else(String::new, |rows| format!(", {} rows", count(rows)));
            passed(terminal, "stream", &format!("{}: {} columns{rows}", spec.stream, schema.columns.len()))
        };
        let checked = steps.await;
        source.close().await;
        checked?;
        let tenant_file = file.tenant_file()?;
        if tenant_file.path().exists() {
            step(terminal, "vendor database", tenant_file.open_read_only())?;
        }
        passed(terminal, "vendor database", &tenant_file.path().display().to_string())
    }
}

fn passed(terminal: &Terminal, what: &str, found: &str) -> Result<()> {
    print_line(&format!("{} {what:<18} {found}", terminal.green("ok  ")))
}

/// Marks the step that failed; the error itself is told at the end.
fn step<T>(terminal: &Terminal, what: &str, result: Result<T>) -> Result<T> {
    if result.is_err() {
        print_line(&format!("{} {what}", terminal.red("fail")))?;
    }
    result
}
