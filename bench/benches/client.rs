//! The client against its floor: the same chunks, pulled over loopback or only decompressed and decoded, each run in a
//! process of its own. `SNOWFERRY_BENCH_ROWS=10000000` measures ten million rows instead of one.

use std::path::Path;
use std::time::Duration;

use bench::measurement::{self, Measurement, StopOnDrop, summary};
use bench::{events, floor, pull};
use criterion::{Criterion, Throughput};

/// Threads of the floor: the cores of the machine that the goals are set for.
const FLOOR_THREADS: usize = 2;
const ROWS_DEFAULT: usize = 1_000_000;
/// What the client's budget and everything else in its process may take together.
const PEAK_BYTES_GOAL: u64 = (256 + 100) << 20;
/// The part of the floor's speed that is the goal.
const SPEED_GOAL: f64 = 0.8;

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

    let mut criterion =
        Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(1)).configure_from_args();
    let mut group = criterion.benchmark_group(format!("pull {rows} rows"));
    group.throughput(Throughput::Elements(rows as u64));
    let mut best = Vec::new();
    for (name, task) in
        [("floor", format!("floor {path} {rows}")), ("client", format!("client {} {rows}", port.trim()))]
    {
        let mut runs = Vec::new();
        group.bench_function(name, |bencher| {
            bencher
                .iter_custom(|count| (0..count).map(|_| measurement::measured(&task, rows, &mut runs)).sum());
        });
        best.extend(summary(name, &runs));
    }
    group.finish();
    if let [floor, client] = best[..] {
        compare(&floor, &client);
    }
}

fn compare(floor: &Measurement, client: &Measurement) {
    let ratio = floor.wall.as_secs_f64() / client.wall.as_secs_f64();
    let cpu_ratio = floor.cpu.as_secs_f64() / client.cpu.as_secs_f64();
    println!("client / floor: {ratio:.2} of its speed (goal {SPEED_GOAL}), {cpu_ratio:.2} by processor time");
    println!("client peak: {} MiB (goal below {} MiB)", client.peak_bytes >> 20, PEAK_BYTES_GOAL >> 20);
}

fn child(kind: &str, arguments: &[String]) {
    match (kind, arguments) {
        ("serve", [folder]) => measurement::serve(Path::new(folder)),
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
