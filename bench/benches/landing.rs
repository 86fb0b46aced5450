//! The whole pull into DuckDB against its floor: the same chunks decompressed and decoded, and the same rows inserted in
//! one statement. `SNOWFERRY_BENCH_ROWS=5000000` measures five million rows instead of one.

use std::path::Path;

use bench::measurement::Measurement;
use bench::{child, events, floor, harness, landing};

/// Threads of the floor: the cores of the machine that the goals are set for.
const FLOOR_THREADS: usize = 2;
/// The part of the floor's speed that is the goal.
const SPEED_GOAL: f64 = 0.75;

fn main() {
    child::main(parent, measure);
}

fn parent() {
    let pull = harness::against_floor(SPEED_GOAL, |folder, port, rows| {
        let folder = folder.display();
        [("floor", format!("floor {folder} {port} {rows}")), ("pull", format!("pull {port} {rows}"))]
    });
    println!("pull peak: {} MiB", pull.peak_bytes() >> 20);
}

fn measure(kind: &str, arguments: &[String]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let folder = tempfile::tempdir().expect("a temporary folder");
    match (kind, arguments) {
        ("serve", [folder]) => child::serve(Path::new(folder)),
        ("floor", [chunks, port, rows]) => {
            let chunks = events::read_chunks(Path::new(chunks)).expect("the chunks can be read");
            let (port, rows): (u16, usize) =
                (port.parse().expect("a port"), rows.parse().expect("a number of rows"));
            let pass = events::DISTINCT_CHUNKS * events::CHUNK_ROWS;
            let batches = runtime.block_on(landing::batches(port, pass)).expect("the rows arrive");
            let run = Measurement::take(|| {
                floor::decode(&chunks, rows / events::CHUNK_ROWS, FLOOR_THREADS);
                landing::bulk_insert(&batches, rows, folder.path())
            });
            run.report().expect("the parent listens");
        }
        ("pull", [port, rows]) => {
            let (port, rows) = (port.parse().expect("a port"), rows.parse().expect("a number of rows"));
            let pull = landing::pull(port, rows, folder.path());
            Measurement::take(|| runtime.block_on(pull).expect("the pull succeeds"))
                .report()
                .expect("the parent listens");
        }
        _ => panic!("there is no task {kind:?}"),
    }
}
