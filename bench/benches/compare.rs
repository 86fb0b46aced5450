//! Snowferry beside the tools that a user would otherwise pick, on the same rows of one emulated account, in turns.
//!
//! `cargo xtask compare` installs the tools, builds the program and runs this.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, io};

use bench::compare::account::{self, Account};
use bench::compare::contestant::{
    CLIENTS, Check, Contestant, MERGES, PULLS, PUSHES, Place, Programs, TARGET, TENANTS, pull_changes,
};
use bench::compare::link::{self, Slowness};
use bench::compare::report::{Comparison, Outcome, one_line};
use bench::compare::shape::Shape;
use bench::compare::{client, floor, merge, process, tenants};
use bench::measurement::Measurement;
use bench::{child, table};
use clap::{Parser, ValueEnum};

/// A run below this is done once more before each that counts, without counting; see `harness`.
const SHORT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Task {
    Pull,
    /// The rows of a pull as Arrow, thrown away
    Client,
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
        ("client", [port, table]) => client::read(port.parse().expect("a port"), table),
        ("floor", [prepared, folder]) => {
            floor::land(Path::new(prepared), Path::new(folder)).expect("the rows are landed");
        }
        ("merge", [prepared, folder]) => {
            merge::floor(Path::new(prepared), Path::new(folder)).expect("the changes are merged");
        }
        (process::STARTER, [rows]) => {
            process::start(rows.parse().expect("a number")).expect("the parent is told");
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
    let is_pull = matches!(arguments.task, Task::Pull | Task::Client);
    if !is_pull && arguments.shape != Shape::Events {
        return Err(io::Error::other("only pulls know another shape than events"));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the repository");
    let account = Account::start()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let prepared = tempfile::tempdir()?;
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
        prepared: prepared.path().to_owned(),
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
    /// The folder of what every run starts from: the vendor database of a push or a merge, what the floors find.
    prepared: PathBuf,
}

impl Round<'_> {
    fn prepare(&self) -> io::Result<()> {
        match self.arguments.task {
            Task::Tenants => {
                let filled = self.account.fill(self.arguments.shape, tenants::ROWS);
                self.runtime.block_on(filled).map_err(io::Error::other)
            }
            Task::Pull | Task::Client => {
                let filled = self.account.fill(self.arguments.shape, self.arguments.rows);
                self.runtime.block_on(filled).map_err(io::Error::other)?;
                if self.arguments.task == Task::Client || !self.is_wanted("floor") {
                    return Ok(());
                }
                let table = self.arguments.shape.table();
                let fetched = floor::fetch(self.account.port(), &table, &self.prepared);
                self.runtime.block_on(fetched).map_err(io::Error::other)
            }
            Task::Push => {
                let rows = usize::try_from(self.arguments.rows).map_err(io::Error::other)?;
                table::write(&self.prepared, rows).map_err(io::Error::other)
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
        let place = self.place(&shape, rows, &self.prepared);
        process::measured(&pull_changes(&place), rows, &self.prepared.join("log"))?;
        merge::write_changes(&self.prepared).map_err(io::Error::other)?;
        self.runtime.block_on(self.account.run(&merge::change())).map_err(io::Error::other)
    }

    fn place<'a>(&'a self, table: &'a str, rows: u64, folder: &'a Path) -> Place<'a> {
        Place { port: self.port, table, rows, folder, prepared: &self.prepared, programs: &self.programs }
    }

    fn is_wanted(&self, name: &str) -> bool {
        let only = &self.arguments.only;
        only.is_empty() || only.iter().any(|word| name.contains(word.as_str()))
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
            Task::Client => &CLIENTS,
            Task::Push => &PUSHES,
            Task::Merge => &MERGES,
            Task::Tenants => &TENANTS,
        };
        let mut playing: Vec<Playing<'_>> = contestants
            .iter()
            .filter(|contestant| self.is_wanted(contestant.name))
            .map(|contestant| Playing::new(self, contestant))
            .collect();
        for turn in 1..=self.arguments.runs.max(1) {
            for one in &mut playing {
                one.take_turn(self);
                eprintln!("turn {turn}: {}", one.said());
            }
        }
        let results = playing.into_iter().map(|one| one.outcome).collect();
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
            table::copy(&self.prepared, folder.path())?;
            let create = account::create_target();
            self.runtime.block_on(self.account.run(&create)).map_err(io::Error::other)?;
        }
        if self.arguments.task == Task::Merge {
            merge::copy(&self.prepared, folder.path())?;
        }
        let table = if is_push { TARGET } else { &shape };
        let rows = self.rows();
        let place = self.place(table, rows, folder.path());
        let command: Command = (contestant.command)(&place);
        let account_before = self.account.cpu();
        let log = folder.path().join("log");
        let run = process::measured(&command, rows, &log)?;
        let run = if matches!(contestant.check, Check::Clocked) { clocked(run, &log)? } else { run };
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
            Check::Told | Check::Clocked => told(&fs::read_to_string(log)?),
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
    let line = last_line(output);
    let number = |name: &str| line[name].as_i64().unwrap_or(0);
    (u64::try_from(number("rows")).unwrap_or(0), number("sum").into())
}

/// The run with what the program itself says that it took.
fn clocked(run: Measurement, log: &Path) -> io::Result<Measurement> {
    let line = last_line(&fs::read_to_string(log)?);
    let seconds = |name: &str| line[name].as_f64().map(Duration::from_secs_f64);
    let said = seconds("wall_s").zip(seconds("processor_s"));
    let (wall, cpu) = said.ok_or_else(|| io::Error::other("it does not say what it took"))?;
    Ok(Measurement { wall, cpu, ..run })
}

/// The last line that is JSON.
fn last_line(output: &str) -> serde_json::Value {
    output.lines().rev().find_map(|line| serde_json::from_str(line).ok()).unwrap_or_default()
}
