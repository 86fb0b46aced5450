//! The command line.

mod access;
mod alert_test;
mod apply;
mod check;
mod completions;
mod connect;
mod demo;
mod discover;
mod emulator;
mod errors;
mod explain;
mod export;
mod import;
mod kept_key;
mod matching;
mod plan;
mod prepare;
mod query;
mod report;
mod rotate;
mod run;
mod sample;
mod schedule;
mod service;
mod state;
mod summary;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use model::Result;

use crate::config::SyncFile;
use crate::memory;
use crate::output::ColorChoice;
use crate::timings::Timings;

/// Moves rows between customers' Snowflake accounts and your own database, without losing any.
#[derive(Debug, Parser)]
#[command(name = "snowferry", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    /// When to use colours: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub(crate) color: ColorChoice,

    /// Log more to standard error; twice for still more. SNOWFERRY_LOG takes a filter instead
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show all of it: an emulated Snowflake with sample data, pulls from it and pushes into it
    Demo(demo::DemoCommand),
    /// Run an emulated Snowflake to try things on
    Emulator(emulator::EmulatorCommand),
    /// Prove each step from the host's name to every privilege, and say who has to act
    Check(check::CheckCommand),
    /// Print the script by which a customer gives access, and make the key pair for it
    Connect(connect::ConnectCommand),
    /// List databases, schemas, tables and columns of the source
    Discover(discover::DiscoverCommand),
    /// Show what rows of a table would become, and write the sync file for it
    Sample(sample::SampleCommand),
    /// Show what a run would do, and do nothing
    Plan(plan::PlanCommand),
    /// Run syncs once
    Run(run::RunCommand),
    /// Show when the schedule of a sync fires
    Schedule(schedule::ScheduleCommand),
    /// Show why the model says what it says of a person, a company or a deal
    Explain(explain::ExplainCommand),
    /// Match the revenue of deals to the activity before it
    Match(matching::MatchCommand),
    /// Store tenants, connections and syncs as their files say, for `serve` and `worker` to run
    Apply(apply::ApplyCommand),
    /// Run what is stored, by its schedules, and answer for it
    Serve(service::ServeCommand),
    /// Run what is stored beside `serve`, on this or another machine
    Worker(service::WorkerCommand),
    /// Say why a stored sync does or does not run now
    Why(service::why::WhyCommand),
    /// List runs of stored syncs, or show one
    Runs(service::runs::RunsCommand),
    /// Ask for a run of a stored sync now
    Trigger(service::syncs::TriggerCommand),
    /// Start no run of a stored sync until it is resumed
    Pause(service::syncs::PauseCommand),
    /// Let a paused sync run again
    Resume(service::syncs::ResumeCommand),
    /// Cancel a run
    Cancel(service::syncs::CancelCommand),
    /// Close a connection: its secrets are destroyed, and the SQL that drops what was granted is printed
    Close(service::connections::CloseCommand),
    /// Make a link by which a customer hands over a secret, once
    Handover(service::handover::HandoverCommand),
    /// Try a connection again at once that was left alone after failures
    Mend(service::connections::MendCommand),
    /// Make, list and revoke tokens for the API
    #[command(subcommand)]
    Token(service::token::TokenCommand),
    /// Compare both sides of a pull, and heal what differs
    Verify(verify::VerifyCommand),
    /// Show whether the rows of a pull can be trusted, as a page for the customer too
    Report(report::ReportCommand),
    /// Ask the vendor database
    Query(query::QueryCommand),
    /// Explain an error: what it means, who acts, what to do
    Errors(errors::ErrorsCommand),
    /// Send a test alert to every channel of a file
    AlertTest(alert_test::AlertTestCommand),
    /// Print completions for a shell
    Completions(completions::CompletionsCommand),
}

impl Command {
    /// What measures the command, where that was asked for.
    pub(crate) fn timings(&self) -> Option<Timings> {
        matches!(self, Command::Run(command) if command.is_timed()).then(Timings::start)
    }

    /// Whether it goes on until it is told to end, so that its log is all that is seen of it.
    pub(crate) fn is_service(&self) -> bool {
        matches!(self, Command::Serve(_) | Command::Worker(_))
    }
}

const EXAMPLES: &str = "\
Examples:
  snowferry demo
  snowferry connect -f acme/opportunities.yaml
  snowferry check -f acme/opportunities.yaml
  snowferry run -f acme/opportunities.yaml
  snowferry run -f acme/actions-out.yaml --dry-run
  snowferry match -f acme/opportunities.yaml
  snowferry verify -f acme/opportunities.yaml --heal
  snowferry schedule -f acme/opportunities.yaml
  snowferry apply -f customers
  snowferry serve
  snowferry why acme/opportunities
  snowferry query -f acme/opportunities.yaml 'select count(*) from sales.opportunities'

Exit codes:
  0 done            4 log-in refused     8 columns changed
  1 our own bug     5 privilege missing  9 somebody else holds the file or the stream
  2 command line    6 not found         10 not reachable, try again
  3 configuration   7 data refused     130 stopped by Ctrl-C";

/// The sync file that a command works on.
#[derive(Args, Debug)]
pub(crate) struct FileArgument {
    /// The sync file
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
}

impl FileArgument {
    fn read(&self) -> Result<SyncFile> {
        SyncFile::read(&self.file)
    }
}

/// How much memory rows on their way may take.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct MemoryArgument {
    /// Memory for rows on their way, of each sync that runs, such as 64MiB or 1GiB; less than 128MiB
    /// makes all of a run smaller, and a little slower
    #[arg(long, value_name = "SIZE", default_value = "128MiB", value_parser = memory::parse)]
    memory: u64,
}

impl MemoryArgument {
    fn bytes(&self) -> u64 {
        self.memory
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
