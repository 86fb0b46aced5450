//! The whole pull into DuckDB against its floor: the same chunks decompressed and decoded, and the same rows inserted in
//! one statement. `SNOWFERRY_BENCH_ROWS=5000000` measures five million rows instead of one.

use std::path::Path;
use std::time::Duration;

use bench::measurement::{self, Measurement, StopOnDrop, summary};
use bench::{events, floor, landing};
use criterion::{Criterion, Throughput};

/// Threads of the floor: the cores of the machine that the goals are set for.
const FLOOR_THREADS: usize = 2;
const ROWS_DEFAULT: usize = 1_000_000;
/// The part of the floor's speed that is the goal.
const SPEED_GOAL: f64 = 0.75;

fn main() {
    match measurement::task().as_deref() {
        Some([kind, rest @ ..]) => child(kind, rest),
        _ => parent(),
    }
}

fn parent() {
    let rows = std::env::var("SNOWFERRY_BENCH_ROWS")
        .map_or(ROWS_DEFAULT, |rows| rows.parse().expect("a number of rows"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    events::write_chunks(folder.path()).expect("the chunks can be written");
    let path = folder.path().display();
    let (server, port) = measurement::start(&format!("serve {path}")).expect("the service starts");
    let _server = StopOnDrop(server);
    let port = port.trim();

    let mut criterion =
        Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(1)).configure_from_args();
    let mut group = criterion.benchmark_group(format!("land {rows} rows"));
    group.throughput(Throughput::Elements(rows as u64));
    let mut medians = Vec::new();
    for (name, task) in
        [("floor", format!("floor {path} {port} {rows}")), ("pull", format!("pull {port} {rows}"))]
    {
        let mut runs = Vec::new();
        group.bench_function(name, |bencher| {
            bencher
                .iter_custom(|count| (0..count).map(|_| measurement::measured(&task, rows, &mut runs)).sum());
        });
        medians.extend(summary(name, &runs));
    }
    group.finish();
    if let [floor, pull] = medians[..] {
        let ratio = floor.wall.as_secs_f64() / pull.wall.as_secs_f64();
        let cpu_ratio = floor.cpu.as_secs_f64() / pull.cpu.as_secs_f64();
        println!(
            "pull / floor: {ratio:.2} of its speed (goal {SPEED_GOAL}), {cpu_ratio:.2} by processor time"
        );
        println!("pull peak: {} MiB", pull.peak_bytes >> 20);
    }
}

fn child(kind: &str, arguments: &[String]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let folder = tempfile::tempdir().expect("a temporary folder");
    match (kind, arguments) {
        ("serve", [folder]) => measurement::serve(Path::new(folder)),
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
