//! What the benchmarks measure works, so that nobody finds out only when measuring.

use std::thread;

use std::process::Command;
use std::time::Duration;

use bench::compare::account::create_target;
use bench::compare::process;
use bench::compare::report::{Comparison, Outcome};
use bench::compare::shape::Shape;
use bench::hot_path::HotPath;
use bench::measurement::Measurement;
use bench::{events, landing, pull, push, receiver, service, table};
use clap::ValueEnum;
use emulator::{Emulator, EmulatorConfig, sample};

const ROWS: usize = events::CHUNK_ROWS;

/// Runs a service beside the test, and returns its port.
fn served<F>(serve: impl FnOnce(Box<dyn FnOnce(u16) + Send>) -> F + Send + 'static) -> u16
where
    F: Future<Output = std::io::Result<()>>,
{
    let (ready, port) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let tell = move |port| ready.send(port).expect("the test waits");
        runtime.block_on(serve(Box::new(tell))).expect("the service runs until the test ends");
    });
    port.recv().expect("the service starts")
}

#[tokio::test]
async fn client_and_pull_get_every_row() {
    let folder = tempfile::tempdir().unwrap();
    events::write_chunks(folder.path()).unwrap();
    let chunks = events::read_chunks(folder.path()).unwrap();
    let port = served(|ready| service::serve(chunks, ready));
    assert_eq!(pull::pull(port, ROWS).await.unwrap(), ROWS as u64);
    assert_eq!(landing::pull(port, ROWS, folder.path()).await.unwrap(), ROWS as u64);
}

#[test]
fn every_row_goes_each_hot_path() {
    for path in HotPath::ALL {
        assert_eq!(path.go(1), ROWS as u64, "{path:?}");
    }
}

#[tokio::test]
async fn push_and_its_floor_send_every_row() {
    let folder = tempfile::tempdir().unwrap();
    table::write(folder.path(), ROWS).unwrap();
    assert_eq!(push::floor(folder.path()), ROWS as u64);
    let port = served(receiver::serve);
    assert_eq!(push::push(port, folder.path()).await.unwrap(), ROWS as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_that_is_compared_can_be_made() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let shapes = Shape::value_variants().iter().map(|shape| shape.create(10));
    let statements: Vec<String> =
        ["CREATE DATABASE BENCH".to_owned()].into_iter().chain(shapes).chain([create_target()]).collect();
    tokio::task::block_in_place(|| sample::run(&emulator, statements.into_iter().map(Into::into))).unwrap();
}

#[test]
fn a_program_is_measured_with_what_it_started_and_its_failure_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let counting = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo counted";
    let mut nested = Command::new("sh");
    let run = process::run(nested.args(["-c", &format!("sh -c '{counting}'; true")]), 7, &log).unwrap();
    assert_eq!(run.rows, 7);
    assert!(run.cpu > Duration::ZERO && run.peak_bytes > 0, "{run:?}");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "counted\n");
    let failed = process::run(Command::new("sh").args(["-c", "echo why >&2; exit 3"]), 7, &log);
    assert!(failed.unwrap_err().to_string().contains("why"));
}

#[test]
fn what_was_measured_is_published_between_its_marks_and_wrong_rows_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("benchmarks.md");
    let marks = ["<!-- comparisons: written by the benchmark -->", "<!-- end of comparisons -->"];
    std::fs::write(&document, format!("before\n{}\nold\n{}\nafter\n", marks[0], marks[1])).unwrap();
    let run = |seconds| Measurement {
        rows: 1_000_000,
        wall: Duration::from_secs(seconds),
        cpu: Duration::from_secs(2 * seconds),
        peak_bytes: 100 << 20,
    };
    let outcome =
        |name: &str, seconds| Outcome { name: name.into(), runs: vec![run(seconds)], ..Outcome::default() };
    let comparison = Comparison {
        task: "pull".into(),
        shape: "events".into(),
        rows: 1_000_000,
        round_trip_ms: 5,
        megabits_max: None,
        cores: 2,
        results: vec![
            outcome("Snowferry", 1),
            Outcome { wrong: Some("wrong: 3 rows".into()), ..outcome("another", 5) },
            Outcome { name: "a third".into(), failure: Some("not installed".into()), ..Outcome::default() },
        ],
    };
    comparison.publish(&folder.path().join("benchmarks"), &document).unwrap();
    let text = std::fs::read_to_string(&document).unwrap();
    assert!(text.starts_with("before\n") && text.ends_with("after\n") && !text.contains("old"), "{text}");
    assert!(
        text.contains("| another (wrong: 3 rows) | 5.00 | 5.00 to 5.00 | 10.00 | 5.00 | 100 | 200,000 |"),
        "{text}"
    );
    assert!(text.contains("| a third (not installed) |"), "{text}");
    let chart =
        std::fs::read_to_string(folder.path().join("benchmarks/pull-events-1000000-5ms.svg")).unwrap();
    assert!(chart.contains(">another<") && !chart.contains(">a third<"), "{chart}");
}
