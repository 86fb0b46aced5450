//! `cargo xtask demo`: set up, build and run the demonstration.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::command;
use crate::duckdb_library;
use crate::workspace::Workspace;

/// Some small example of the workspace. Asking cargo for one makes it choose the features of dependencies as it does
/// for tests, so that whoever runs the demo and then the tests compiles nothing twice.
const EXAMPLE: &str = "query";

pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let duckdb = duckdb_library::provide(workspace)?;
    let mut cargo = command::cargo(workspace);
    cargo.args(["build", "--workspace", "--bin", "snowferry", "--example", EXAMPLE]);
    duckdb.apply(&mut cargo);
    command::run(&mut cargo)?;
    let program = workspace.target.join("debug").join(format!("snowferry{}", std::env::consts::EXE_SUFFIX));
    command::run(Command::new(program).arg("demo").args(arguments))
}
