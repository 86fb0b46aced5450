//! `cargo xtask instructions`: counts what each hot path takes, and compares it with what it took before.
//!
//! Instructions do not depend on what else the machine does, so this notices what no timing would. Each path is gone once
//! and three times, and the difference is divided by its rows: what comes before and after cancels out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::duckdb_library::{self, DuckDb};
use crate::program;
use crate::workspace::Workspace;

/// Another processor or C library may differ by this much; whatever matters to a user is more.
const TOLERANCE_PERCENT: f64 = 3.0;
/// Where the counts of before are kept.
const BASELINE: &str = "bench/instructions.txt";
const HEADER: &str = "# Instructions for each row, counted by `cargo xtask instructions --update`.\n";

pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let is_update = match arguments {
        [] => false,
        [argument] if argument == "--update" => true,
        _ => bail!("instructions takes no argument but --update"),
    };
    program::require("valgrind", &["--version"], &["valgrind"])?;
    let duckdb = duckdb_library::provide(workspace)?;
    let bench = built(workspace, &duckdb)?;
    let mut counted = BTreeMap::new();
    for path in paths(&bench, &duckdb)? {
        let count = instructions_per_row(&bench, &duckdb, &path)?;
        counted.insert(path, count);
    }
    let baseline = workspace.root.join(BASELINE);
    if is_update {
        let lines = counted.iter().map(|(path, count)| format!("{path} {count:.0}\n"));
        let text = lines.fold(HEADER.to_owned(), |text, line| text + &line);
        return std::fs::write(&baseline, text)
            .with_context(|| format!("cannot write {}", baseline.display()));
    }
    let text =
        std::fs::read_to_string(&baseline).with_context(|| format!("cannot read {}", baseline.display()))?;
    compare(&read_baseline(&text)?, &counted)
}

/// Builds the program of the paths as the benchmarks are built, and gives its place.
fn built(workspace: &Workspace, duckdb: &DuckDb) -> Result<PathBuf> {
    let mut cargo = command::cargo(workspace);
    cargo.args(["bench", "--workspace", "--bench", "instructions", "--no-run", "--message-format=json"]);
    duckdb.apply(&mut cargo);
    let output = cargo.stderr(std::process::Stdio::inherit()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the hot paths could not be built");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let built = text.lines().find_map(executable).context("cargo built no program for the hot paths")?;
    Ok(built.into())
}

/// The program that one of cargo's messages tells of.
fn executable(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(r#""executable":""#)?;
    rest.split('"').next().filter(|path| path.contains("instructions-"))
}

/// The names of the paths.
fn paths(bench: &Path, duckdb: &DuckDb) -> Result<Vec<String>> {
    let output = with_duckdb(Command::new(bench), duckdb).arg("paths").output();
    let output = output.context("cannot start the hot paths")?;
    let names: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    match output.status.success() && !names.is_empty() {
        true => Ok(names),
        false => bail!("the hot paths did not say what they are called"),
    }
}

fn with_duckdb(mut command: Command, duckdb: &DuckDb) -> Command {
    if let DuckDb::Prebuilt(folder) = duckdb {
        command.env("LD_LIBRARY_PATH", folder);
    }
    command
}

fn instructions_per_row(bench: &Path, duckdb: &DuckDb, path: &str) -> Result<f64> {
    let (once, rows_once) = count(bench, duckdb, path, 1)?;
    let (thrice, rows_thrice) = count(bench, duckdb, path, 3)?;
    if rows_thrice <= rows_once || thrice <= once {
        bail!("{path}: going three times took no more than going once");
    }
    #[expect(clippy::cast_precision_loss, reason = "a ratio of large counts needs no more digits")]
    Ok((thrice - once) as f64 / (rows_thrice - rows_once) as f64)
}

/// Instructions of all threads, and the rows that went.
fn count(bench: &Path, duckdb: &DuckDb, path: &str, times: u32) -> Result<(u64, u64)> {
    let mut valgrind = with_duckdb(Command::new("valgrind"), duckdb);
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(bench)
        .args([path, &times.to_string()]);
    let output = valgrind.output().context("cannot start valgrind")?;
    let (told, rows) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    let instructions = told.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match (output.status.success(), instructions, rows.trim().parse().ok()) {
        (true, Some(instructions), Some(rows)) => Ok((instructions, rows)),
        _ => bail!("{path} could not be counted:\n{told}"),
    }
}

fn read_baseline(text: &str) -> Result<BTreeMap<String, f64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let read = lines.map(|line| {
        let (path, count) =
            line.split_once(' ').with_context(|| format!("{BASELINE}: {line:?} is no count"))?;
        Ok((path.to_owned(), count.parse().with_context(|| format!("{BASELINE}: {line:?} is no count"))?))
    });
    read.collect()
}

/// Says how each path has changed, and fails where one takes more than the tolerance allows.
fn compare(before: &BTreeMap<String, f64>, now: &BTreeMap<String, f64>) -> Result<()> {
    let mut worse = String::new();
    for (path, count) in now {
        let known = before.get(path).with_context(|| format!("{BASELINE} has no {path}"))?;
        let percent = (count / known - 1.0) * 100.0;
        println!("{path}: {count:.0} instructions for each row, {known:.0} before ({percent:+.1} %)");
        if percent > TOLERANCE_PERCENT {
            write!(worse, " {path} by {percent:.1} %")?;
        }
    }
    if worse.is_empty() {
        return Ok(());
    }
    bail!(
        "more instructions than before, beyond {TOLERANCE_PERCENT} %:{worse}; \
         where that is meant: cargo xtask instructions --update"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> BTreeMap<String, f64> {
        read_baseline(text).unwrap()
    }

    #[test]
    fn a_path_may_take_a_little_more_and_any_amount_less() {
        let before = counts("# a comment\ndecode 1000\nmap 2000\n");
        compare(&before, &counts("decode 1029\nmap 100")).unwrap();
        let refused = compare(&before, &counts("decode 1031\nmap 2000")).unwrap_err().to_string();
        assert!(refused.contains("decode by 3.1 %") && !refused.contains("map"), "{refused}");
        compare(&before, &counts("encode 1")).unwrap_err();
    }

    #[test]
    fn the_built_program_is_found_among_the_messages_of_cargo() {
        let message = r#"{"reason":"compiler-artifact","executable":"/t/release/deps/instructions-0a1b"}"#;
        assert_eq!(executable(message), Some("/t/release/deps/instructions-0a1b"));
        assert_eq!(executable(r#"{"reason":"compiler-artifact","executable":null}"#), None);
    }
}
