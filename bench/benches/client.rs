//! The client against its floor: the same chunks, pulled over loopback or only decompressed and decoded, each run in a
//! process of its own. `SNOWFERRY_BENCH_ROWS=10000000` measures ten million rows instead of one.

use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use bench::measurement::{self, Measurement};
use bench::{events, floor, pull, service};
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
            bencher.iter_custom(|count| (0..count).map(|_| measured(&task, rows, &mut runs)).sum());
        });
        best.extend(summary(name, &runs));
    }
    group.finish();
    if let [floor, client] = best[..] {
        compare(&floor, &client);
    }
}

fn measured(task: &str, rows: usize, runs: &mut Vec<Measurement>) -> Duration {
    let run = measurement::run(task).expect("the measurement succeeds");
    assert_eq!(run.rows, rows as u64, "every row is read");
    runs.push(run);
    run.wall
}

/// The median run, with the highest peak of all runs.
fn summary(name: &str, runs: &[Measurement]) -> Option<Measurement> {
    let mut runs = runs.to_vec();
    runs.sort_by_key(|run| run.wall);
    let median = *runs.get(runs.len() / 2)?;
    let peak_bytes = runs.iter().map(|run| run.peak_bytes).max().unwrap_or(0);
    let speed = median.rows as f64 / median.wall.as_secs_f64();
    println!(
        "{name}: median {:.2?} ({:.2?} of processors), {speed:.0} rows/s, peak {} MiB",
        median.wall,
        median.cpu,
        peak_bytes >> 20
    );
    Some(Measurement { peak_bytes, ..median })
}

fn compare(floor: &Measurement, client: &Measurement) {
    let ratio = floor.wall.as_secs_f64() / client.wall.as_secs_f64();
    let cpu_ratio = floor.cpu.as_secs_f64() / client.cpu.as_secs_f64();
    println!("client / floor: {ratio:.2} of its speed (goal {SPEED_GOAL}), {cpu_ratio:.2} by processor time");
    println!("client peak: {} MiB (goal below {} MiB)", client.peak_bytes >> 20, PEAK_BYTES_GOAL >> 20);
}

fn child(kind: &str, arguments: &[String]) {
    match (kind, arguments) {
        ("serve", [folder]) => serve(Path::new(folder)),
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

fn serve(folder: &Path) {
    let chunks = events::read_chunks(folder).expect("the chunks can be read");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let ready = |port| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{port}").and_then(|()| out.flush()).expect("the parent listens");
    };
    runtime.block_on(service::serve(chunks, ready)).expect("the service runs until it is stopped");
}

/// Stops the service with the benchmark.
struct StopOnDrop(Child);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
