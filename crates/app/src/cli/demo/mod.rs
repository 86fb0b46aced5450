//! `snowferry demo`: a customer's deals and the vendor's own actions become matched revenue, and go back. On this machine alone.

mod account;
mod channels;
mod files;
mod own;
mod pushes;
mod second;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use connectors::duckdb::{TenantFile, query};
use emulator::sample::{self, Sample};
use emulator::{EmulatorConfig, PublicKey, RunningEmulator, User};
use engine::{RunOptions, RunReport};
use model::{Error, Result};
use snowflake::{KeyBits, PrivateKey};
use tokio_util::sync::CancellationToken;

use self::channels::{Channel, channels, shown};
use super::emulator::{load, on_emulator, start};
use super::import::imported;
use super::matching;
use super::prepare::{Prepared, prepare};
use super::run::{Ran, run_assembled};
use super::summary::Summary;
use crate::assemble::RunChoices;
use crate::config::SyncFile;
use crate::memory;
use crate::output::{Shown, Terminal, print_line, seconds, table};
use crate::usage::usage_of;

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  snowferry demo\n  snowferry demo --folder /tmp/try-it")]
pub(crate) struct DemoCommand {
    /// Where to put the key, the sync files and the vendor database
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

/// Enough to look like a customer, little enough to be over in seconds.
const SAMPLE: Sample = Sample { accounts: 400, tpch_scale: None };

impl DemoCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let started = Instant::now();
        say(
            terminal,
            "1",
            "A customer's Snowflake: a CRM and product usage, emulated on this machine alone.",
        )?;
        let running = load(start(EmulatorConfig::default()).await?, SAMPLE).await?;
        let mut demo = Demo { terminal, folder: &self.folder, running };
        demo = demo.change(account::GRANTS.map(str::to_owned).to_vec()).await?;
        demo.show_there(THERE).await?;

        say(
            terminal,
            "2",
            "A log-in: the customer gets the public half of a key pair, the private half stays here.",
        )?;
        demo.connect()?;
        print_line(&format!("  key and sync files are in {}", self.folder.display()))?;
        let tenant_file = demo.sync_file(files::OPPORTUNITIES)?.tenant_file()?;

        let before = Box::pin(demo.first_run(&tenant_file)).await?;
        say(
            terminal,
            "7",
            "The customer corrects two rows and takes money back, and everything runs again.",
        )?;
        demo = demo.corrections(&tenant_file).await?;
        Box::pin(demo.second_run(&tenant_file, &before)).await?;
        demo.prove_delivered(&tenant_file).await?;
        demo.running.shutdown().await;
        self.say_what_next(terminal, started.elapsed())
    }

    fn say_what_next(&self, terminal: &Terminal, took: Duration) -> Result<()> {
        let path = |name: &str| self.folder.join(name).display().to_string();
        let (pull, push) = (path(files::OPPORTUNITIES), path(files::STAGES_OUT));
        let program = invoked_as();
        print_line(&format!("\n{} in {}. Next:", terminal.green("done"), seconds(took)))?;
        print_line(&format!(
            "  look around:          {program} query -f {pull} 'from model.opportunity_revenue limit 5'"
        ))?;
        print_line(&format!("  why is it matched so: {program} explain -f {pull} deal REFUND-1"))?;
        print_line(&format!("  keep an emulator up:  {program} emulator --port 8181 --sample"))?;
        print_line(&format!("  write your own syncs: {pull} pulls and {push} pushes;"))?;
        print_line("                        docs/tutorial.md builds such syncs from the beginning")
    }
}

const THERE: &str = "SELECT 'accounts' AS \"in Snowflake\", COUNT(*) AS \"rows\" FROM CRM.SALES.ACCOUNTS
    UNION ALL SELECT 'contacts', COUNT(*) FROM CRM.SALES.CONTACTS
    UNION ALL SELECT 'product usage events', COUNT(*) FROM CRM.PRODUCT.USAGE_EVENTS
    UNION ALL SELECT 'opportunities', COUNT(*) FROM CRM.SALES.OPPORTUNITIES
    UNION ALL SELECT 'of those won, closed offline', COUNT(*) FROM CRM.SALES.OPPORTUNITIES
        WHERE STAGE = 'Closed Won' AND IS_CLOSED_OFFLINE";
const GATHERED: &str = "SELECT CASE action_type WHEN 'custom' THEN 'CRM activity' ELSE 'visits of the website' END AS \"in the vendor database\",
    count(*) AS rows, count(DISTINCT identity) AS people, min(action_date)::DATE AS oldest, max(action_date)::DATE AS newest
    FROM own.actions GROUP BY ALL ORDER BY ALL";

fn say(terminal: &Terminal, step: &str, text: &str) -> Result<()> {
    print_line(&format!("\n{} {text}", terminal.bold(step)))
}

impl Demo<'_> {
    /// The vendor's own actions, the pulls, revenue by channel, and the pushes.
    async fn first_run(&self, tenant_file: &TenantFile) -> Result<Vec<Channel>> {
        say(
            self.terminal,
            "3",
            "What the vendor has gathered itself: visits of its website, activity of the CRM.",
        )?;
        own::write(tenant_file, SAMPLE)?;
        print_line(&table(&query(tenant_file, GATHERED, usize::MAX)?.batches)?)?;

        say(
            self.terminal,
            "4",
            "Pull: companies, people, product usage and deals become the vendor's model.",
        )?;
        for name in files::PULLS {
            self.run_once(&self.sync_file(name)?).await?;
        }

        say(
            self.terminal,
            "5",
            "Matched revenue by channel: each won deal belongs to the activity before it.",
        )?;
        let channels = channels(tenant_file)?;
        print_line(&shown(&channels))?;
        Box::pin(self.push(tenant_file)).await?;
        Ok(channels)
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

    /// Runs a sync as `snowferry run` does, and tells what it did.
    async fn run_once(&self, file: &SyncFile) -> Result<RunReport> {
        let started = Instant::now();
        let choices = RunChoices { memory_bytes: memory::DEFAULT_BYTES, ..RunChoices::default() };
        let meter = choices.usage.clone();
        let Prepared { assembled, .. } = prepare(file, &choices).await?;
        let options = RunOptions::default();
        let Ran { mut report, delivery, .. } =
            run_assembled(&assembled, &file.name(), &options, Shown::Bar, &CancellationToken::new()).await?;
        let imported = imported(&assembled, file, &mut report).await?;
        let summary = Summary {
            file,
            report: &report,
            delivery: delivery.as_ref(),
            skipped: &[],
            usage: &usage_of(&meter),
            took: started.elapsed(),
        };
        print_line(&summary.text(self.terminal))?;
        let matches = imported.into_iter().flat_map(|imported| imported.matches);
        for report in matches.filter(|report| report.sync_id == file.name()) {
            print_line(&matching::summary(self.terminal, &report))?;
        }
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
