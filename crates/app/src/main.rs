//! The `snowferry` program: one enum of commands and a match.

mod allocator;
mod asked;
mod assemble;
mod cli;
mod config;
mod exit;
mod memory;
mod output;
mod report;
mod telemetry;
mod timings;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use output::Terminal;
use timings::Timings;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::new(cli.color);
    allocator::set_up();
    let timings = cli.command.timings();
    let telemetry = match telemetry::start(cli.verbose, cli.command.is_service(), timings.as_ref()) {
        Ok(telemetry) => telemetry,
        Err(error) => return exit::report(&terminal, &error),
    };
    let result = run(&cli.command, &terminal, timings.as_ref());
    telemetry.end();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&terminal, &error),
    }
}

fn run(command: &Command, terminal: &Terminal, timings: Option<&Timings>) -> model::Result<()> {
    match command {
        Command::AlertTest(command) => in_runtime(command.run(terminal)),
        Command::Apply(command) => in_runtime(command.run(terminal)),
        Command::Cancel(command) => in_runtime(command.run()),
        Command::Check(command) => in_runtime(command.run(terminal)),
        Command::Close(command) => in_runtime(command.run()),
        Command::Completions(command) => command.run(),
        Command::Connect(command) => in_runtime(command.run(terminal)),
        Command::Demo(command) => in_runtime(command.run(terminal)),
        Command::Discover(command) => in_runtime(command.run(terminal)),
        Command::Emulator(command) => in_runtime(command.run(terminal)),
        Command::Errors(command) => command.run(terminal),
        Command::Explain(command) => command.run(terminal),
        Command::Handover(command) => in_runtime(command.run()),
        Command::Match(command) => in_runtime(command.run(terminal)),
        Command::Mend(command) => in_runtime(command.run()),
        Command::Pause(command) => in_runtime(command.run()),
        Command::Plan(command) => in_runtime(command.run(terminal)),
        Command::Query(command) => command.run(terminal),
        Command::Report(command) => in_runtime(command.run(terminal)),
        Command::Resume(command) => in_runtime(command.run()),
        Command::Run(command) => in_runtime(command.run(terminal, timings)),
        Command::Runs(command) => in_runtime(command.run(terminal)),
        Command::Sample(command) => in_runtime(command.run(terminal)),
        Command::Schedule(command) => command.run(terminal),
        Command::Serve(command) => in_runtime(command.run()),
        Command::Token(command) => in_runtime(command.run()),
        Command::Trigger(command) => in_runtime(command.run()),
        Command::Verify(command) => in_runtime(command.run(terminal)),
        Command::Why(command) => in_runtime(command.run(terminal)),
        Command::Worker(command) => in_runtime(command.run()),
    }
}

fn in_runtime(work: impl Future<Output = model::Result<()>>) -> model::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| model::Error::internal("the runtime could not be started").with_source(error))?;
    runtime.block_on(work)
}
