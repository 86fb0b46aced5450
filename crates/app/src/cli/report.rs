//! `snowferry report`: whether the rows of a pull can be trusted, on one page.

use std::path::PathBuf;

use clap::Args;
use model::{Error, Result};

use super::FileArgument;
use crate::output::{Terminal, print_line};
use crate::report::{gather, html, text};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry report -f acme/opportunities.yaml
  snowferry report -f acme/opportunities.yaml --html acme-opportunities.html
  snowferry report -f acme/opportunities.yaml --offline --json")]
pub(crate) struct ReportCommand {
    #[command(flatten)]
    file: FileArgument,

    /// Write the report as one HTML page, which can be sent as it is
    #[arg(long, value_name = "PATH")]
    html: Option<PathBuf>,

    /// Ask the source nothing
    #[arg(long)]
    offline: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ReportCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let file = self.file.read()?;
        if file.push().is_some() {
            let message = format!("the report is on pulls, and {} is a push", file.name());
            return Err(Error::config("report_of_push", message)
                .with_remedy("give the file of a pull; what a push delivers is counted as it is delivered"));
        }
        let report = gather(&file, !self.offline).await?;
        if let Some(path) = &self.html {
            std::fs::write(path, html(&report)).map_err(|error| {
                Error::config("folder_unusable", format!("{} cannot be written: {error}", path.display()))
                    .with_remedy("choose another path with --html")
            })?;
        }
        if self.json {
            let document = serde_json::to_value(&report)
                .map_err(|error| Error::internal("the report could not be written").with_source(error))?;
            return print_line(&format!("{document:#}"));
        }
        print_line(&text(terminal, &report))?;
        match &self.html {
            Some(path) => print_line(&format!("written: {}", path.display())),
            None => Ok(()),
        }
    }
}
