//! `cargo xtask demo`: set up, build and run the demonstration.

use std::ffi::OsString;

use anyhow::Result;

use crate::command;
use crate::duckdb_library;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let duckdb = duckdb_library::provide(workspace)?;
    let mut cargo = command::cargo(workspace);
    cargo.args(["run", "--package", "app"]);
    duckdb.apply(&mut cargo);
    command::run(cargo.args(["--", "demo"]).args(arguments))
}
