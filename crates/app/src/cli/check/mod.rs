//! `snowferry check`: can these syncs log in, as whom, and may they do what they need? One answer per step, and for each that
//! fails who has to act.

mod push;
mod told;

use clap::Args;
use connectors::snowflake::access;
use model::Result;

use super::access::{AccessArguments, Asked};
use crate::assemble;
use crate::config::SyncFile;
use crate::output::Terminal;
use told::Told;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry check -f acme/opportunities.yaml
  snowferry check -f acme/opportunities.yaml -f acme/users.yaml --json
  snowferry check --stored acme/acme-prod-snowferry")]
pub(crate) struct CheckCommand {
    #[command(flatten)]
    access: AccessArguments,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl CheckCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let mut told = Told::new(terminal, self.json);
        self.check(&mut told).await;
        told.end()
    }

    /// Our own side first, then the account, then what needs both.
    async fn check(&self, told: &mut Told<'_>) {
        let read =
            self.access.read().await.and_then(|asked| Ok((self.access.objects.needs(&asked.files)?, asked)));
        let Some((needs, Asked { files, names, .. })) = told.step("sync file", read) else { return };
        names.iter().for_each(|name| told.passed("sync file", name));
        // A push keeps its tenant's file open, so the pulls of the same tenant go first.
        for file in files.iter().filter(|file| file.push().is_none()) {
            check_vendor_database(told, file);
        }
        let mut pushes = Vec::new();
        for (file, options) in files.iter().filter_map(|file| Some((file, file.push()?))) {
            pushes.extend(push::check_source(told, file, options).await);
        }
        let config = files.first().map(assemble::connection_for_person);
        let Some(Some(config)) = told.step("credentials", config.transpose()) else { return };
        access::check(&config, &needs, &mut |step| told.account(step)).await;
        for push in pushes {
            if !told.has_failed() {
                push::check_target(told, &push).await;
            }
            push.close().await;
        }
    }
}

/// A vendor database that is there already can be read. While a run goes on, it is the run's.
fn check_vendor_database(told: &mut Told<'_>, file: &SyncFile) {
    let opened = file.tenant_file().and_then(|tenant_file| {
        if tenant_file.path().exists() {
            tenant_file.open_read_only()?;
        }
        Ok(tenant_file)
    });
    if let Err(error) = &opened
        && error.code() == "database_locked"
    {
        return told.skipped("vendor database", error.message());
    }
    if let Some(tenant_file) = told.step("vendor database", opened) {
        told.passed("vendor database", &tenant_file.path().display().to_string());
    }
}
