//! The client against its floor: the same chunks, pulled over loopback or only decompressed and decoded, each run in a
//! process of its own. `SNOWFERRY_BENCH_ROWS=10000000` measures ten million rows instead of one.

use std::path::Path;

use bench::measurement::Measurement;
use bench::{child, events, floor, harness, pull};

/// Threads of the floor: the cores of the machine that the goals are set for.
const FLOOR_THREADS: usize = 2;
/// What the client's budget and everything else in its process may take together.
const PEAK_BYTES_GOAL: u64 = (256 + 100) << 20;
/// The part of the floor's speed that is the goal.
const SPEED_GOAL: f64 = 0.8;

fn main() {
    child::main(parent, measure);
}

fn parent() {
    let client = harness::against_floor(SPEED_GOAL, |folder, port, rows| {
        let folder = folder.display();
        [("floor", format!("floor {folder} {rows}")), ("client", format!("client {port} {rows}"))]
    });
    println!("client peak: {} MiB (goal below {} MiB)", client.peak_bytes() >> 20, PEAK_BYTES_GOAL >> 20);
}

fn measure(kind: &str, arguments: &[String]) {
    match (kind, arguments) {
        ("serve", [folder]) => child::serve(Path::new(folder)),
        ("floor", [folder, rows]) => {
            let chunks = events::read_chunks(Path::new(folder)).expect("the chunks can be read");
            let count = rows.parse::<usize>().expect("a number of rows") / events::CHUNK_ROWS;
            let run = Measurement::take(|| floor::decode(&chunks, count, FLOOR_THREADS));
            run.report().expect("the parent listens");
        }
        ("client", [port, rows]) => {
            let (port, rows) = (port.parse().expect("a port"), rows.parse().expect("a number of rows"));
            let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
            let run =
                Measurement::take(|| runtime.block_on(pull::pull(port, rows)).expect("the pull succeeds"));
            run.report().expect("the parent listens");
        }
        _ => panic!("there is no task {kind:?}"),
    }
}
