//! `cargo xtask test`: everything the tests need, every test, and one closing line that counts them.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command;
use crate::duckdb_library::{self, DuckDb};
use crate::peers;
use crate::postgres;
use crate::program;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let duckdb = duckdb_library::provide(workspace)?;
    let peers = peers::install(workspace)?;
    postgres::install()?;
    let mut counts = Counts::default();

    // Doc tests first: nextest cannot run them, and its summary should be the last thing on the screen.
    let mut documentation = command::cargo(workspace);
    documentation.args(["test", "--workspace", "--doc"]);
    duckdb.apply(&mut documentation);
    link_at_run_time(&mut documentation, &duckdb);
    let mut is_passed = command::run_watched(&mut documentation, |line| counts.read(line))?;

    let mut tests = runner(workspace);
    duckdb.apply(&mut tests);
    tests.args(arguments).env("SNOWFERRY_PEERS", &peers).env("SNOWFERRY_REQUIRE_PEERS", "1");
    is_passed &= command::run_watched(&mut tests, |line| counts.read(line))?;

    println!("total: {} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    if !is_passed {
        bail!("some tests failed");
    }
    Ok(())
}

/// nextest where it is installed, because it runs each test in a process of its own; else cargo's own runner.
fn runner(workspace: &Workspace) -> Command {
    let mut cargo = command::cargo(workspace);
    if program::works("cargo-nextest", &["nextest", "--version"]) {
        cargo.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        cargo.args(["test", "--workspace", "--tests", "--no-fail-fast"]);
    }
    cargo
}

/// Doc tests are linked into temporary folders, where a run path relative to the binary leads nowhere.
fn link_at_run_time(cargo: &mut Command, duckdb: &DuckDb) {
    if let DuckDb::Prebuilt(folder) = duckdb {
        cargo.env("LD_LIBRARY_PATH", folder);
    }
}

/// Tests counted from the runners' own summaries.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    fn read(&mut self, line: &str) {
        // cargo's line begins at the margin; nextest repeats it, indented, in the output of a test that failed.
        // cargo: "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s"
        // nextest: "Summary [   1.234s] 5 tests run: 4 passed (1 slow), 1 failed, 2 skipped"
        let Some((_, summary)) =
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")).or_else(|| {
                line.trim_start().strip_prefix("Summary [").and_then(|rest| rest.split_once("run: "))
            })
        else {
            return;
        };
        let words: Vec<&str> = summary.split([' ', ',', ';', '(']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" => self.passed += count,
                "failed" | "timed" => self.failed += count,
                "ignored" | "skipped" => self.skipped += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    fn counts(lines: &[&str]) -> Counts {
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.read(line));
        counts
    }

    #[test]
    fn summaries_of_both_runners_add_up() {
        let lines = [
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "     Summary [   1.234s] 7 tests run: 4 passed (1 slow), 2 failed, 1 timed out, 2 skipped",
        ];
        assert_eq!(counts(&lines), Counts { passed: 9, failed: 3, skipped: 3 });
    }

    #[test]
    fn other_lines_count_nothing() {
        let repeated = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 30 filtered out";
        let lines = ["test peers::log_in ... ok", "7 passed over a bridge", "Summary of 3 passed", repeated];
        assert_eq!(counts(&lines), Counts::default());
    }
}
