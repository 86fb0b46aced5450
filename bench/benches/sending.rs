//! The whole push from DuckDB against its floor: the same rows read, written as Parquet, encrypted and copied over
//! loopback. `SNOWFERRY_BENCH_ROWS=10000000` measures ten million rows instead of one.

use std::path::Path;

use bench::measurement::Measurement;
use bench::{child, harness, push, receiver, table};

/// The part of the floor's speed that is the goal.
const SPEED_GOAL: f64 = 0.75;
/// What the push's budget and everything else in its process may take together.
const PEAK_BYTES_GOAL: u64 = (256 + 100) << 20;

fn main() {
    child::main(parent, measure);
}

fn parent() {
    let push = harness::against_floor(SPEED_GOAL, |folder, port, rows| {
        table::write(folder, rows).expect("the table can be written");
        let folder = folder.display();
        [("floor", format!("floor {folder}")), ("push", format!("push {port} {folder}"))]
    });
    println!("push peak: {} MiB (goal below {} MiB)", push.peak_bytes() >> 20, PEAK_BYTES_GOAL >> 20);
}

fn measure(kind: &str, arguments: &[String]) {
    match (kind, arguments) {
        ("serve", [_]) => {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(receiver::serve(child::tell)).expect("the receiver runs until it is stopped");
        }
        ("floor", [folder]) => {
            let run = Measurement::take(|| push::floor(Path::new(folder)));
            run.report().expect("the parent listens");
        }
        ("push", [port, folder]) => {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
            // Each push is a first one: it starts from a copy in whose journal there is nothing yet.
            let copy = tempfile::tempdir().expect("a temporary folder");
            table::copy(Path::new(folder), copy.path()).expect("the table can be copied");
            let push = push::push(port.parse().expect("a port"), copy.path());
            let run = Measurement::take(|| runtime.block_on(push).expect("the push succeeds"));
            run.report().expect("the parent listens");
        }
        _ => panic!("there is no task {kind:?}"),
    }
}
