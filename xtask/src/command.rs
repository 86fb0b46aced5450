//! Child processes: run one and fail with its command line, or watch its lines while they pass through.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Runs a command to its end, its output going where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = command_line(command);
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Runs a command without a sound; what it printed is shown only when it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<String> {
    let line = command_line(command);
    let output = command.output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        eprint!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        bail!("`{line}` failed ({})", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command, passes its lines on as they come and shows each to `watch`. Returns whether it succeeded.
pub(crate) fn run_watched(command: &mut Command, watch: impl FnMut(&str) + Send) -> Result<bool> {
    let line = command_line(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start `{line}`"))?;
    let stdout = child.stdout.take().context("the child's output was not piped")?;
    let stderr = child.stderr.take().context("the child's errors were not piped")?;
    let watch = Mutex::new(watch);
    thread::scope(|scope| {
        scope.spawn(|| pass_on(stdout, std::io::stdout(), &watch));
        scope.spawn(|| pass_on(stderr, std::io::stderr(), &watch));
    });
    Ok(child.wait().with_context(|| format!("cannot wait for `{line}`"))?.success())
}

fn pass_on(from: impl Read, mut to: impl Write, watch: &Mutex<impl FnMut(&str)>) {
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        // A reader that went away must not stop the child half way.
        let _ = to.write_all(&line).and_then(|()| to.write_all(b"\n")).and_then(|()| to.flush());
        if let Ok(mut watch) = watch.lock() {
            watch(&String::from_utf8_lossy(&line));
        }
    }
}

/// A cargo command in the workspace, with the cargo that runs us.
pub(crate) fn cargo(workspace: &Workspace) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(&workspace.root);
    // `cargo xtask` says of itself which package it is. Build scripts that look at that would be run again whenever a cargo
    // command is given by hand in between, and DuckDB's crate with all that is built on it be compiled anew.
    for (name, _) in std::env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        if of_package.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            command.env_remove(name);
        }
    }
    command
}

fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
