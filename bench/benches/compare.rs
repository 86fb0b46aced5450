//! Snowferry beside the tools that a user would otherwise pick, on the same rows of one emulated account, in turns.
//!
//! `cargo xtask compare` installs the tools, builds the program and runs this.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, io};

use bench::compare::account::{self, Account};
use bench::compare::contestant::{
    Check, Contestant, MERGES, PULLS, PUSHES, Place, Programs, TARGET, TENANTS,
};
use bench::compare::link::{self, Slowness};
use bench::compare::report::{Comparison, Outcome, one_line};
use bench::compare::shape::Shape;
use bench::compare::{floor, merge, process, tenants};
use bench::measurement::Measurement;
use bench::{child, table};
use clap::{Parser, ValueEnum};

/// A run below this is done once more before each that counts, without counting; see `harness`.
const SHORT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Task {
    Pull,
    Push,
    /// Rows that have changed, into a table of twenty times as many
    Merge,
    /// Five thousand rows for each of many tenants, by one program
    Tenants,
}

/// Measures Snowferry and the installed tools in turns.
#[derive(Debug, Parser)]
#[command(name = "compare")]
struct Arguments {
    task: Task,
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// What the table looks like; only pulls know another than the first
    #[arg(long, value_enum, default_value = "events")]
    shape: Shape,
    /// Turns
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Milliseconds from a request to its reply that the link adds
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// What all connections together may carry in one direction, in megabits a second
    #[arg(long)]
    megabits: Option<u64>,
    /// Only those whose names hold one of these words
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the tools are installed
    #[arg(long)]
    peers: PathBuf,
    /// Write tables and charts into docs/benchmarks.md
    #[arg(long)]
    publish: bool,
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    child::main(parent, measure);
}

fn measure(kind: &str, arguments: &[String]) {
    match (kind, arguments) {
        ("account", []) => account::serve(),
        ("link", [port, latency_ms, megabits]) => {
            let slowness = Slowness {
                round_trip_ms: latency_ms.parse().expect("a number"),
                megabits_max: megabits.parse().ok(),
            };
            link::serve(port.parse().expect("a port"), slowness);
        }
        ("floor", [port, table]) => {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
            let folder = tempfile::tempdir().expect("a temporary folder");
            let run = runtime.block_on(floor::measure(port.parse().expect("a port"), table, folder.path()));
            run.expect("the floor is measured").report().expect("the parent listens");
        }
        ("merge", [folder]) => {
            let run = merge::floor(Path::new(folder)).expect("the changes are merged");
            run.report().expect("the parent listens");
        }
        _ => panic!("there is no task {kind:?}"),
    }
}

fn parent() {
    let arguments = Arguments::parse();
    if let Err(error) = compare(&arguments) {
        eprintln!("compare: {error}");
        std::process::exit(1);
    }
}

fn compare(arguments: &Arguments) -> io::Result<()> {
    if arguments.task != Task::Pull && arguments.shape != Shape::Events {
        return Err(io::Error::other("only pulls know another shape than events"));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the repository");
    let account = Account::start()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let vendor = tempfile::tempdir()?;
    let mut round = Round {
        arguments,
        programs: Programs {
            snowferry: beside_this("snowferry")?,
            peers: arguments.peers.clone(),
            scripts: root.join("bench").join("peers"),
        },
        port: account.port(),
        account,
        runtime,
        vendor: vendor.path().to_owned(),
    };
    round.prepare()?;
    let _link;
    let slowness = Slowness { round_trip_ms: arguments.latency_ms, megabits_max: arguments.megabits };
    if !slowness.is_none() {
        let megabits = slowness.megabits_max.map_or_else(|| "-".to_owned(), |megabits| megabits.to_string());
        let task = format!("link {} {} {megabits}", round.port, slowness.round_trip_ms);
        let (process, line) = child::start(&task)?;
        _link = child::StopOnDrop(process);
        round.port = line.trim().parse().map_err(io::Error::other)?;
    }
    let comparison = round.play()?;
    println!("{}", comparison.table());
    if arguments.publish {
        let documents = root.join("docs");
        comparison.publish(&documents.join("benchmarks"), &documents.join("benchmarks.md"))?;
    }
    Ok(())
}

/// A program that was built into the same target folder.
fn beside_this(name: &str) -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let program = program.ancestors().nth(2).map(|folder| folder.join(name));
    program
        .filter(|program| program.exists())
        .ok_or_else(|| io::Error::other(format!("`{name}` is not built")))
}

/// Everything that the turns of one comparison share.
struct Round<'a> {
    arguments: &'a Arguments,
    programs: Programs,
    account: Account,
    /// Where requests go: to the account, or to the link in front of it.
    port: u16,
    runtime: tokio::runtime::Runtime,
    /// The folder of the vendor database that pushes start from.
    vendor: PathBuf,
}

impl Round<'_> {
    fn prepare(&self) -> io::Result<()> {
        match self.arguments.task {
            Task::Tenants => {
                let filled = self.account.fill(self.arguments.shape, tenants::ROWS);
                self.runtime.block_on(filled).map_err(io::Error::other)
            }
            Task::Pull => {
                let filled = self.account.fill(self.arguments.shape, self.arguments.rows);
                self.runtime.block_on(filled).map_err(io::Error::other)
            }
            Task::Push => {
                let rows = usize::try_from(self.arguments.rows).map_err(io::Error::other)?;
                table::write(&self.vendor, rows).map_err(io::Error::other)
            }
            Task::Merge => self.prepare_merge(),
        }
    }

    /// The table is pulled as a whole, and then some of its rows change.
    fn prepare_merge(&self) -> io::Result<()> {
        let changes = self.arguments.rows;
        let create = merge::create(changes);
        self.runtime.block_on(self.account.run(&create)).map_err(io::Error::other)?;
        let shape = self.arguments.shape.table();
        let rows = changes * merge::TIMES;
        let place =
            Place { port: self.port, table: &shape, rows, folder: &self.vendor, programs: &self.programs };
        for contestant in MERGES {
            let log = self.vendor.join("log");
            process::measured(&mut (contestant.command)(&place), rows, &log)?;
        }
        merge::copy(&self.vendor, &self.merge_floor())?;
        merge::write_changes(&self.merge_floor()).map_err(io::Error::other)?;
        self.runtime.block_on(self.account.run(&merge::change())).map_err(io::Error::other)
    }

    /// The folder of the file in which the floor finds the table and its changes.
    fn merge_floor(&self) -> PathBuf {
        self.vendor.join("floor")
    }

    /// One run of the floor, which is checked as everybody is.
    fn run_floor(&self) -> io::Result<Measurement> {
        let rows = usize::try_from(self.arguments.rows).map_err(io::Error::other)?;
        if self.arguments.task == Task::Pull {
            let task = format!("floor {} {}", self.account.port(), self.arguments.shape.table());
            return child::measured(&task, rows);
        }
        let folder = tempfile::tempdir()?;
        merge::copy(&self.merge_floor(), folder.path())?;
        let run = child::measured(&format!("merge {}", folder.path().display()), rows)?;
        let arrived = summed(&merge::file(folder.path()), &merge::landed(self.arguments.rows))?;
        if arrived == merge::expected(self.arguments.rows) {
            return Ok(run);
        }
        Err(io::Error::other("the floor has merged other rows than have changed"))
    }

    /// The rows that one run moves.
    fn rows(&self) -> u64 {
        match self.arguments.task {
            Task::Tenants => tenants::expected(self.arguments.rows).0,
            _ => self.arguments.rows,
        }
    }

    fn play(&self) -> io::Result<Comparison> {
        let contestants: &[Contestant] = match self.arguments.task {
            Task::Pull => &PULLS,
            Task::Push => &PUSHES,
            Task::Merge => &MERGES,
            Task::Tenants => &TENANTS,
        };
        let only = &self.arguments.only;
        let is_wanted = |name: &str| only.is_empty() || only.iter().any(|word| name.contains(word.as_str()));
        let mut playing: Vec<Playing<'_>> = contestants
            .iter()
            .filter(|contestant| is_wanted(contestant.name))
            .map(|contestant| Playing::new(self, contestant))
            .collect();
        let mut floor = Outcome { name: "floor".into(), ..Outcome::default() };
        for turn in 1..=self.arguments.runs.max(1) {
            for one in &mut playing {
                one.take_turn(self);
                eprintln!("turn {turn}: {}", one.said());
            }
            if matches!(self.arguments.task, Task::Pull | Task::Merge) && is_wanted("floor") {
                let run = self.run_floor()?;
                eprintln!("turn {turn}: floor {:.2?} {:.2?}", run.wall, run.cpu);
                floor.runs.push(run);
            }
        }
        let mut results: Vec<Outcome> = playing.into_iter().map(|one| one.outcome).collect();
        if !floor.runs.is_empty() {
            results.insert(1.min(results.len()), floor);
        }
        Ok(Comparison {
            task: self
                .arguments
                .task
                .to_possible_value()
                .map(|task| task.get_name().to_owned())
                .unwrap_or_default(),
            shape: self.arguments.shape.table().to_lowercase(),
            rows: self.rows(),
            round_trip_ms: self.arguments.latency_ms,
            megabits_max: self.arguments.megabits,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            results,
        })
    }

    /// One run of one contestant, whose rows are counted afterwards: what it took, what the account took meanwhile, and
    /// what is wrong with the rows.
    fn run(&self, contestant: &Contestant) -> io::Result<(Measurement, Duration, Option<String>)> {
        let folder = tempfile::tempdir()?;
        let shape = self.arguments.shape.table();
        let is_push = self.arguments.task == Task::Push;
        if is_push {
            table::copy(&self.vendor, folder.path())?;
            let create = account::create_target();
            self.runtime.block_on(self.account.run(&create)).map_err(io::Error::other)?;
        }
        if self.arguments.task == Task::Merge {
            merge::copy(&self.vendor, folder.path())?;
        }
        let table = if is_push { TARGET } else { &shape };
        let rows = self.rows();
        let place = Place { port: self.port, table, rows, folder: folder.path(), programs: &self.programs };
        let mut command: Command = (contestant.command)(&place);
        let account_before = self.account.cpu();
        let log = folder.path().join("log");
        let run = process::measured(&mut command, rows, &log)?;
        let account_cpu = self.account.cpu().saturating_sub(account_before);
        let wrong = self.check(contestant, folder.path(), table, &log)?;
        Ok((run, account_cpu, wrong))
    }

    /// Every row has to have arrived: their number and the sum of their numbers say so.
    fn check(
        &self,
        contestant: &Contestant,
        folder: &Path,
        table: &str,
        log: &Path,
    ) -> io::Result<Option<String>> {
        let rows = self.arguments.rows;
        let expected = match contestant.check {
            Check::Merged => merge::expected(rows),
            Check::Files(..) => tenants::expected(rows),
            _ => (rows, i128::from(rows) * i128::from(rows.saturating_sub(1)) / 2),
        };
        let arrived = match contestant.check {
            Check::File(file, landed) => {
                summed(&folder.join(file), &landed.replace("@TABLE@", &table.to_lowercase()))?
            }
            Check::Merged => summed(&merge::file(folder), &merge::landed(rows))?,
            Check::Files(files, landed) => {
                let landed = landed.replace("@TABLE@", &table.to_lowercase());
                let mut arrived = (0, 0);
                for file in tenants::files(&folder.join(files))? {
                    let (rows, sum) = summed(&file, &landed)?;
                    arrived = (arrived.0 + rows, arrived.1 + sum);
                }
                arrived
            }
            Check::Told => told(&fs::read_to_string(log)?),
            Check::Target => self.runtime.block_on(self.account.summed(TARGET)).map_err(io::Error::other)?,
        };
        Ok((arrived != expected).then(|| {
            let ((rows, sum), (rows_sent, sum_sent)) = (arrived, expected);
            format!("wrong: {rows} rows whose ID add up to {sum}, of {rows_sent} with {sum_sent}")
        }))
    }
}

/// One contestant in the course of a comparison.
struct Playing<'a> {
    contestant: &'a Contestant,
    outcome: Outcome,
}

impl<'a> Playing<'a> {
    fn new(round: &Round<'_>, contestant: &'a Contestant) -> Self {
        let failure = (!contestant.is_installed(&round.programs)).then(|| "not installed".to_owned());
        let outcome = Outcome { name: contestant.name.into(), failure, ..Outcome::default() };
        Self { contestant, outcome }
    }

    /// The first run of all fills caches, the account's of results among them, and does not count.
    fn take_turn(&mut self, round: &Round<'_>) {
        if self.outcome.failure.is_some() {
            return;
        }
        let is_short = self.outcome.runs.first().is_none_or(|run| run.wall < SHORT);
        let run = if is_short {
            round.run(self.contestant).and_then(|_| round.run(self.contestant))
        } else {
            round.run(self.contestant)
        };
        match run {
            Ok((run, account_cpu, wrong)) => {
                self.outcome.runs.push(run);
                self.outcome.account_cpu = account_cpu;
                self.outcome.wrong = self.outcome.wrong.take().or(wrong);
            }
            Err(error) => {
                eprintln!("{}: {error}", self.contestant.name);
                // What a program prints may name folders of this machine; the last line says what is wrong.
                self.outcome.failure = Some(one_line(&error.to_string()));
            }
        }
    }

    fn said(&self) -> String {
        match (&self.outcome.failure, self.outcome.runs.last()) {
            (None, Some(run)) => format!(
                "{} {:.2?}, {:.2?} of processors, {} MiB",
                self.outcome.name,
                run.wall,
                run.cpu,
                run.peak_bytes >> 20
            ),
            (failure, _) => format!("{}: {}", self.outcome.name, failure.as_deref().unwrap_or("no run")),
        }
    }
}

/// The number of rows in a table of a DuckDB file, and the sum of their `ID`.
fn summed(file: &Path, table: &str) -> io::Result<(u64, i128)> {
    let connection = duckdb::Connection::open(file).map_err(io::Error::other)?;
    let sql = format!("SELECT count(*)::VARCHAR, sum(id::HUGEINT)::VARCHAR FROM {table}");
    let row = connection.query_row(&sql, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let (rows, sum) = row.map_err(io::Error::other)?;
    Ok((rows.parse().map_err(io::Error::other)?, sum.parse().map_err(io::Error::other)?))
}

/// What a program says of the rows that it saw.
fn told(output: &str) -> (u64, i128) {
    let line = output.lines().rev().find_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let number = |name: &str| line.as_ref().and_then(|line| line[name].as_i64()).unwrap_or(0);
    (u64::try_from(number("rows")).unwrap_or(0), number("sum").into())
}
