//! `snowferry demo`: the whole way of a row, there and back, on this machine, with nothing installed.

mod files;
mod pushes;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use connectors::duckdb::query;
use emulator::sample::{self, Change, Sample};
use emulator::{EmulatorConfig, PublicKey, RunningEmulator, User};
use engine::{RunOptions, RunReport};
use model::{Error, Result};
use snowflake::{KeyBits, PrivateKey};
use tokio_util::sync::CancellationToken;

use super::MEMORY_DEFAULT;
use super::emulator::{load, on_emulator, start};
use super::run::{Ran, run_assembled};
use super::summary::Summary;
use crate::assemble::{RunChoices, assemble};
use crate::config::SyncFile;
use crate::output::{Terminal, print_line, seconds, table};

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  snowferry demo\n  snowferry demo --folder /tmp/try-it")]
pub(crate) struct DemoCommand {
    /// Where to put the key, the sync file and the vendor database
    #[arg(long, value_name = "DIR", default_value = "snowferry-demo")]
    folder: PathBuf,
}

/// The service user that the customer would make for us.
const SERVICE_USER: &str = "SNOWFERRY_DEMO";
const TENANT: &str = "acme";
const KEY_FILE: &str = "snowferry.p8";

/// What the demo works with: an emulated account, a folder, and a terminal to tell of it.
struct Demo<'a> {
    terminal: &'a Terminal,
    folder: &'a Path,
    running: RunningEmulator,
}

impl DemoCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let started = Instant::now();
        say(terminal, "1", "A customer's Snowflake: an emulator with a CRM, on this machine alone.")?;
        let sample = Sample::default();
        let running = load(start(EmulatorConfig::default()).await?, sample).await?;
        print_line(&format!("  listening on {}", running.url()))?;
        let mut demo = Demo { terminal, folder: &self.folder, running };

        say(
            terminal,
            "2",
            "A key pair: the customer's service user gets the public half, the private half stays here.",
        )?;
        demo.connect()?;
        print_line(&format!("  key and sync files are in {}", self.folder.display()))?;

        demo = demo.pull(sample).await?;
        Box::pin(demo.push()).await?;
        demo.running.shutdown().await;
        self.say_what_next(terminal, started.elapsed())
    }

    fn say_what_next(&self, terminal: &Terminal, took: Duration) -> Result<()> {
        let path = |name: &str| self.folder.join(name).display().to_string();
        let (pull, push) = (path(files::OPPORTUNITIES), path(files::ACTIONS));
        let program = invoked_as();
        print_line(&format!("\n{} in {}. Next:", terminal.green("done"), seconds(took)))?;
        print_line(&format!(
            "  look around:          {program} query -f {pull} 'select * from sales.opportunities limit 5'"
        ))?;
        print_line(&format!("  keep an emulator up:  {program} emulator --port 8181 --sample"))?;
        print_line(&format!("  write your own syncs: {pull} pulled and {push} pushed;"))?;
        print_line("                        docs/sync-file.md has every field")
    }
}

fn say(terminal: &Terminal, step: &str, text: &str) -> Result<()> {
    print_line(&format!("\n{} {text}", terminal.bold(step)))
}

impl Demo<'_> {
    /// A backfill, a day at the customer's, and an incremental pull of what changed.
    async fn pull(self, sample: Sample) -> Result<Self> {
        let terminal = self.terminal;
        let file = self.sync_file(files::OPPORTUNITIES)?;
        say(
            terminal,
            "3",
            "Backfill: every opportunity, read as Arrow chunks, staged, and published at once.",
        )?;
        let backfill = self.run_once(&file).await?;

        say(terminal, "4", "The customer's day goes on: deals change, new ones come, three of them late.")?;
        let change = sample::change(sample, 1);
        print_line(&format!("  {} changed, {} new, {} late", change.updated, change.inserted, change.late))?;
        let statements = change.statements.clone();
        let demo = self.change(statements).await?;

        say(terminal, "5", "Incremental: only what changed moves.")?;
        let incremental = demo.run_once(&file).await?;
        prove(&backfill, &incremental, &change)?;

        say(terminal, "6", "What landed, in the vendor database:")?;
        let landed = query(&file.tenant_file()?, LANDED, usize::MAX)?;
        print_line(&table(&landed.batches)?)?;
        Ok(demo)
    }

    /// Runs statements in the customer's account.
    async fn change(self, statements: Vec<String>) -> Result<Self> {
        let Self { terminal, folder, running } = self;
        let running =
            on_emulator(running, |running| sample::run(running, statements.into_iter().map(Into::into)))
                .await?;
        Ok(Self { terminal, folder, running })
    }

    fn sync_file(&self, name: &str) -> Result<SyncFile> {
        SyncFile::read(&self.folder.join(name))
    }

    async fn run_once(&self, file: &SyncFile) -> Result<RunReport> {
        let started = Instant::now();
        let choices = RunChoices { memory_bytes: MEMORY_DEFAULT, ..RunChoices::default() };
        let assembled = assemble(file, &choices)?;
        let options = RunOptions::default();
        let Ran { report, delivery, .. } =
            run_assembled(&assembled, &file.name(), &options, false, &CancellationToken::new()).await?;
        let summary = Summary {
            file,
            report: &report,
            delivery: delivery.as_ref(),
            skipped: &[],
            took: started.elapsed(),
        };
        print_line(&summary.text(self.terminal))?;
        Ok(report)
    }

    /// Makes the key pair, gives the public half to the service user and writes the sync files.
    fn connect(&self) -> Result<()> {
        let unusable = |error: std::io::Error| {
            Error::config("folder_unusable", format!("{} cannot be written: {error}", self.folder.display()))
                .with_remedy("choose another --folder")
        };
        std::fs::create_dir_all(self.folder).map_err(unusable)?;
        let vendor_database = self.folder.join("data").join(format!("{TENANT}.duckdb"));
        // The emulator starts anew each time, so a database of an earlier demo has nothing to go on from.
        if vendor_database.exists() {
            std::fs::remove_file(&vendor_database).map_err(unusable)?;
        }
        let key = PrivateKey::generate(KeyBits::Rsa2048).map_err(key_failed)?;
        let public_key = key.public_key_body().map_err(key_failed)?;
        let public_key = PublicKey::parse(&public_key)
            .map_err(|error| Error::internal("the emulator refused the public key").with_source(error))?;
        self.running.users().drop_user(SERVICE_USER);
        self.running.users().add(User::new(SERVICE_USER).with_public_key(public_key));
        let pem = key.to_pkcs8_pem().map_err(key_failed)?;
        write_private(&self.folder.join(KEY_FILE), pem.expose()).map_err(unusable)?;
        for (name, text) in files::all(self.running.url()) {
            std::fs::write(self.folder.join(name), text).map_err(unusable)?;
        }
        Ok(())
    }
}

/// How the user can start this program again from where they are.
fn invoked_as() -> String {
    let program = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    program.strip_prefix(here).unwrap_or(&program).display().to_string()
}

const LANDED: &str = "SELECT stage, currency, count(*) AS deals, sum(amount) AS amount, max(updated_at) AS newest
    FROM sales.opportunities WHERE stage IN ('Closed Won', 'Closed Lost') GROUP BY ALL ORDER BY deals DESC LIMIT 6";

/// The demo shows what it says, or fails.
fn prove(backfill: &RunReport, incremental: &RunReport, change: &Change) -> Result<()> {
    let new = change.inserted + change.late;
    let is_right = incremental.inserted == new
        && incremental.updated == change.updated
        && incremental.total == backfill.total.map(|total| total + new)
        && incremental.read < backfill.read;
    if is_right {
        return Ok(());
    }
    Err(Error::internal(format!(
        "the incremental run brought {} new and {} changed rows where {new} and {} were made",
        incremental.inserted, incremental.updated, change.updated
    )))
}

fn key_failed(error: snowflake::Error) -> Error {
    Error::internal("the key pair could not be made").with_source(error)
}

/// A private key is for its owner's eyes only.
#[cfg(unix)]
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(not(unix))]
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(path, text)
}
