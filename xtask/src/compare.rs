//! `cargo xtask compare`: installs the tools that Snowferry is compared with, builds both sides, measures them in turns.

use std::ffi::OsString;

use anyhow::Result;

use crate::command;
use crate::duckdb_library;
use crate::peers;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let duckdb = duckdb_library::provide(workspace)?;
    let peers = peers::install_compared(workspace)?;
    // The program is built as the benchmarks are, so that nothing is compiled twice.
    let mut build = command::cargo(workspace);
    build.args(["build", "--profile", "bench", "--workspace", "--bin", "snowferry"]);
    duckdb.apply(&mut build);
    command::run(&mut build)?;
    let mut bench = command::cargo(workspace);
    bench.args(["bench", "--workspace", "--bench", "compare", "--"]);
    bench.args(arguments).arg("--peers").arg(peers);
    duckdb.apply(&mut bench);
    command::run(&mut bench)
}
