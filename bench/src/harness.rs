//! What both benchmarks do: serve the chunks, measure the floor and what is compared with it in turns, say the ratio.

use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput};

use crate::events;
use crate::measurement::{self, Measurement, StopOnDrop, summary};

/// Rows of a measurement, unless `SNOWFERRY_BENCH_ROWS` says otherwise.
const ROWS_DEFAULT: usize = 1_000_000;

/// A thing to measure: its name, and the task that makes a child process do it.
pub type Contestant = (&'static str, String);

/// Measures the floor and its contestant. `contestants` gets the folder of the chunks, the port that serves them and the
/// number of rows.
pub fn against_floor(
    what: &str,
    speed_goal: f64,
    contestants: impl FnOnce(&Path, &str, usize) -> [Contestant; 2],
) -> Option<Measurement> {
    let rows = std::env::var("SNOWFERRY_BENCH_ROWS")
        .map_or(ROWS_DEFAULT, |rows| rows.parse().expect("a number of rows"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    events::write_chunks(folder.path()).expect("the chunks can be written");
    let serve = format!("serve {}", folder.path().display());
    let (server, port) = measurement::start(&serve).expect("the service starts");
    let _server = StopOnDrop(server);

    let mut criterion =
        Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(1)).configure_from_args();
    let mut group = criterion.benchmark_group(format!("{what} {rows} rows"));
    group.throughput(Throughput::Elements(rows as u64));
    let [floor, contestant] = contestants(folder.path(), port.trim(), rows).map(|(name, task)| {
        let mut runs = Vec::new();
        group.bench_function(name, |bencher| {
            bencher
                .iter_custom(|count| (0..count).map(|_| measurement::measured(&task, rows, &mut runs)).sum());
        });
        (name, summary(name, &runs))
    });
    group.finish();
    let (name, (Some(floor), Some(measured))) = (contestant.0, (floor.1, contestant.1)) else { return None };
    let ratio = floor.wall.as_secs_f64() / measured.wall.as_secs_f64();
    let cpu_ratio = floor.cpu.as_secs_f64() / measured.cpu.as_secs_f64();
    println!("{name} / floor: {ratio:.2} of its speed (goal {speed_goal}), {cpu_ratio:.2} by processor time");
    Some(measured)
}
