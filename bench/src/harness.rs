//! What the benchmarks against a floor do: serve the chunks, measure the floor and its contestant in turns, say the
//! ratio.

use std::path::Path;

use crate::child::{self, StopOnDrop};
use crate::events;
use crate::measurement::Series;

/// Rows of a measurement, unless `SNOWFERRY_BENCH_ROWS` says otherwise.
const ROWS_DEFAULT: usize = 1_000_000;
/// Turns, unless `SNOWFERRY_BENCH_RUNS` says otherwise.
const RUNS_DEFAULT: usize = 10;

/// A thing to measure: its name, and the task that makes a child process do it.
pub type Contestant = (&'static str, String);

/// Measures the floor and its contestant. `contestants` gets the folder of the chunks, the port that serves them and the
/// number of rows.
pub fn against_floor(
    speed_goal: f64,
    contestants: impl FnOnce(&Path, &str, usize) -> [Contestant; 2],
) -> Series {
    let rows = number("SNOWFERRY_BENCH_ROWS", ROWS_DEFAULT);
    let folder = tempfile::tempdir().expect("a temporary folder");
    events::write_chunks(folder.path()).expect("the chunks can be written");
    let serve = format!("serve {}", folder.path().display());
    let (server, port) = child::start(&serve).expect("the service starts");
    let _server = StopOnDrop(server);

    let contestants = contestants(folder.path(), port.trim(), rows);
    let [floor, contestant] = in_turns(&contestants, rows);
    let [_, (name, _)] = contestants;
    let ratio = floor.wall().as_secs_f64() / contestant.wall().as_secs_f64();
    let cpu_ratio = floor.cpu().as_secs_f64() / contestant.cpu().as_secs_f64();
    println!("{name} / floor: {ratio:.2} of its speed (goal {speed_goal}), {cpu_ratio:.2} by processor time");
    contestant
}

/// Measures each contestant once in every turn, so that what else the machine does meets all of them.
///
/// Right before it the same is done once without counting. It fills the system's cache of files, and leaves behind the
/// memory that the next run takes: a virtual machine gives memory that is free for a second or two back to its host,
/// and to have it again can take twenty times as long as to clear it.
fn in_turns<const N: usize>(contestants: &[Contestant; N], rows: usize) -> [Series; N] {
    let turns = number("SNOWFERRY_BENCH_RUNS", RUNS_DEFAULT).max(1);
    let mut all = [(); N].map(|()| Series { runs: Vec::new() });
    for _ in 0..turns {
        for ((_, task), series) in contestants.iter().zip(&mut all) {
            let measured = || child::measured(task, rows).expect("the measurement succeeds");
            measured();
            series.runs.push(measured());
        }
    }
    println!("{rows} rows, {turns} turns");
    for ((name, _), series) in contestants.iter().zip(&all) {
        println!("{name}: {series}");
    }
    all
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |number| number.parse().expect("a number"))
}
