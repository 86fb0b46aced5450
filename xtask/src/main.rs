//! The repository's chores as one small program: `cargo xtask <task>`.

mod command;
mod compare;
mod demo;
mod duckdb_library;
mod instructions;
mod lint;
mod peers;
mod postgres;
mod program;
mod test;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

const USAGE: &str = "\
Chores of this repository.

Usage: cargo xtask <task> [arguments]

Tasks:
  setup          fetch the prebuilt DuckDB library that demo and tests link, install Postgres for the tests
  demo [ARGS]    set up, build and run `snowferry demo`
  peers          install the official drivers and the servers that the tests use
  test [ARGS]    set up, install the peers, run every test and doc test; ARGS go to the test runner
  compare TASK   measure Snowferry beside other tools, which are installed first; TASK is pull, push or merge, --help tells more
  instructions [--update]
                 count the instructions of the hot paths, and compare them with bench/instructions.txt
  lint           formatting, clippy, documentation, and licences where cargo-deny is installed
  ci             what a change must pass: lint, test, instructions
";

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: Vec<OsString>) -> Result<()> {
    if arguments.is_empty() {
        bail!("which task?\n\n{USAGE}");
    }
    let task = arguments.remove(0);
    let workspace = Workspace::locate()?;
    match task.to_str() {
        Some("setup") => duckdb_library::provide(&workspace).and_then(|_| postgres::install()),
        Some("demo") => demo::run(&workspace, &arguments),
        Some("peers") => peers::install(&workspace).map(drop),
        Some("test") => test::run(&workspace, &arguments),
        Some("compare") => compare::run(&workspace, &arguments),
        Some("instructions") => instructions::run(&workspace, &arguments),
        Some("lint") => lint::run(&workspace),
        Some("ci") => lint::run(&workspace)
            .and_then(|()| test::run(&workspace, &arguments))
            .and_then(|()| instructions::run(&workspace, &[])),
        Some("help" | "-h" | "--help") => {
            print!("{USAGE}");
            Ok(())
        }
        _ => bail!("there is no task {task:?}\n\n{USAGE}"),
    }
}
