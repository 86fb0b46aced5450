//! `cargo xtask lint`: formatting, clippy, documentation, licences.

use anyhow::Result;

use crate::command;
use crate::duckdb_library;
use crate::program;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    format(workspace)?;
    let duckdb = duckdb_library::provide(workspace)?;

    let mut clippy = command::cargo(workspace);
    clippy.args(["clippy", "--workspace", "--all-targets"]);
    duckdb.apply(&mut clippy);
    command::run(clippy.args(["--", "--deny", "warnings"]))?;

    let mut documentation = command::cargo(workspace);
    documentation.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings");
    duckdb.apply(&mut documentation);
    command::run(&mut documentation)?;

    licences(workspace)
}

fn format(workspace: &Workspace) -> Result<()> {
    command::run(command::cargo(workspace).args(["fmt", "--all", "--check"]))
}

fn licences(workspace: &Workspace) -> Result<()> {
    if !program::works("cargo-deny", &["--version"]) {
        eprintln!("xtask: cargo-deny is not installed: licences and sources are not checked");
        return Ok(());
    }
    // The advisories live in a repository that a machine without wide access cannot fetch: a separate command.
    command::run(command::cargo(workspace).args(["deny", "check", "bans", "licenses", "sources"]))
}
