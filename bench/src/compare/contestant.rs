//! The programs that are compared, and how it is found out whether they did all that they were asked to do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use emulator::{DEFAULT_PASSWORD, DEFAULT_USER};

use super::tenants;
use crate::{child, landing};

/// The table that pushes write into.
pub const TARGET: &str = "TARGET";

/// Where one run finds what it needs.
#[derive(Debug)]
pub struct Place<'a> {
    /// The account's, or that of the slow link in front of it.
    pub port: u16,
    /// The table to read.
    pub table: &'a str,
    /// Rows that are moved.
    pub rows: u64,
    /// A folder of this run alone.
    pub folder: &'a Path,
    /// The folder of what every run starts from.
    pub prepared: &'a Path,
    pub programs: &'a Programs,
}

/// Where the programs are.
#[derive(Debug)]
pub struct Programs {
    /// Snowferry.
    pub snowferry: PathBuf,
    /// The folder of the tools' environments.
    pub peers: PathBuf,
    /// The folder of the scripts that use them.
    pub scripts: PathBuf,
}

/// How the rows of one run are counted.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// In this table of this DuckDB file in the run's folder.
    File(&'static str, &'static str),
    /// By the program itself, which had to look at every row, in the last line that it printed.
    Told,
    /// In the same way, with what it took from the connection on: without the start of its interpreter.
    Clocked,
    /// In the account.
    Target,
    /// Those that have changed, in the file of a merge.
    Merged,
    /// In this table of every DuckDB file in this folder of the run's.
    Files(&'static str, &'static str),
}

/// A tool, and how it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    pub name: &'static str,
    /// The environment that has to be installed; the program itself needs none.
    pub environment: Option<&'static str>,
    pub command: fn(&Place<'_>) -> Command,
    pub check: Check,
}

/// Who pulls a table, fastest first as far as one may expect.
pub const PULLS: [Contestant; 11] = [
    Contestant {
        name: "Snowferry → DuckDB",
        environment: None,
        command: |place| snowferry(place, PULL),
        check: PULLED,
    },
    Contestant {
        name: "Snowferry with --memory 64MiB",
        environment: None,
        command: |place| small(snowferry(place, PULL)),
        check: PULLED,
    },
    Contestant {
        name: "floor",
        environment: None,
        command: |place| floor("floor", place),
        check: Check::File(landing::FILE, "main.events"),
    },
    peer("ADBC 1.11 → DuckDB", "arrow", |place| python(place, "arrow", "pull.py", "adbc_duckdb"), LANDED),
    peer(
        "Connector 5.2 → DuckDB",
        "rust-core",
        |place| python(place, "rust-core", "pull.py", "connector_duckdb"),
        LANDED,
    ),
    peer(
        "Connector 4.8 → DuckDB",
        "arrow",
        |place| python(place, "arrow", "pull.py", "connector_duckdb"),
        LANDED,
    ),
    peer("Sling 1.4 → DuckDB", "sling", sling_pull, Check::File("landed.duckdb", "main.landed")),
    peer("ingestr 0.14 → DuckDB", "ingestr", ingestr, Check::File("landed.duckdb", "pulled.landed")),
    peer(
        "dlt 1.31 → DuckDB",
        "dlt",
        |place| python(place, "dlt", "pull.py", "dlt_duckdb"),
        Check::File("landed.duckdb", "pulled.landed"),
    ),
    peer(
        "Meltano tap 0.5, thrown away",
        "meltano",
        |place| python(place, "meltano", "meltano.py", ""),
        Check::Told,
    ),
    peer("Node driver 3.3, thrown away", "node", |place| node(place, "pull.js"), Check::Told),
];

/// Whose rows arrive as Arrow, to be thrown away.
pub const CLIENTS: [Contestant; 4] = [
    Contestant {
        name: "Snowferry's client",
        environment: None,
        command: |place| this_program(&format!("client {} {}", place.port, place.table)),
        check: Check::Clocked,
    },
    peer("ADBC 1.11", "arrow", |place| python(place, "arrow", "pull.py", "adbc_arrow"), Check::Clocked),
    peer(
        "Connector 5.2",
        "rust-core",
        |place| python(place, "rust-core", "pull.py", "connector_arrow"),
        Check::Clocked,
    ),
    peer(
        "Connector 4.8",
        "arrow",
        |place| python(place, "arrow", "pull.py", "connector_arrow"),
        Check::Clocked,
    ),
];

/// Who pushes a table.
pub const PUSHES: [Contestant; 9] = [
    Contestant {
        name: "Snowferry",
        environment: None,
        command: |place| snowferry(place, PUSH),
        check: Check::Target,
    },
    Contestant {
        name: "Snowferry with --memory 64MiB",
        environment: None,
        command: |place| small(snowferry(place, PUSH)),
        check: Check::Target,
    },
    peer("ADBC 1.11", "arrow", |place| python(place, "arrow", "push.py", "adbc"), Check::Target),
    peer(
        "Connector 5.2, PUT and COPY",
        "rust-core",
        |place| python(place, "rust-core", "push.py", "put_and_copy"),
        Check::Target,
    ),
    peer(
        "Connector 4.8, PUT and COPY",
        "arrow",
        |place| python(place, "arrow", "push.py", "put_and_copy"),
        Check::Target,
    ),
    peer("dlt 1.31", "dlt", |place| python(place, "dlt", "push.py", "dlt_push"), Check::Target),
    peer("Node driver 3.3, PUT of CSV and COPY", "node", |place| node(place, "push.js"), Check::Target),
    peer("Sling 1.4", "sling", sling_push, Check::Target),
    peer(
        "Connector 4.8, write_pandas",
        "arrow",
        |place| python(place, "arrow", "push.py", "write_pandas"),
        Check::Target,
    ),
];

/// Who pulls a small table for each of many tenants, in one program.
pub const TENANTS: [Contestant; 3] = [
    Contestant {
        name: "Snowferry → DuckDB",
        environment: None,
        command: tenants::snowferry,
        check: Check::Files("data", "public.\"@TABLE@\""),
    },
    peer(
        "ADBC 1.11 → DuckDB",
        "arrow",
        |place| tenants::told(python(place, "arrow", "pull.py", "adbc_tenants"), place),
        Check::Files("data", "main.landed"),
    ),
    peer(
        "Connector 4.8 → DuckDB",
        "arrow",
        |place| tenants::told(python(place, "arrow", "pull.py", "connector_tenants"), place),
        Check::Files("data", "main.landed"),
    ),
];

/// Who brings a table up to date that it has pulled before.
pub const MERGES: [Contestant; 2] = [
    Contestant { name: "Snowferry", environment: None, command: pull_changes, check: Check::Merged },
    Contestant {
        name: "floor",
        environment: None,
        command: |place| floor("merge", place),
        check: Check::Merged,
    },
];

const PULLED: Check = Check::File("data/bench.duckdb", "public.\"@TABLE@\"");
const LANDED: Check = Check::File("landed.duckdb", "main.landed");

const fn peer(
    name: &'static str,
    environment: &'static str,
    command: fn(&Place<'_>) -> Command,
    check: Check,
) -> Contestant {
    Contestant { name, environment: Some(environment), command, check }
}

impl Contestant {
    /// Whether everything that it needs is installed.
    pub fn is_installed(&self, programs: &Programs) -> bool {
        let stamp = |environment| programs.peers.join(environment).join("installed");
        self.environment.is_none_or(|environment| stamp(environment).exists())
    }
}

const PULL: &str = "
source: { snowflake: { @LOGIN@ } }
destination: { duckdb: { path: data } }
stream: BENCH.PUBLIC.@TABLE@
read: { incremental: { cursor: ID, unsafe: allow }, key: [ID] }
";

const PULL_CHANGES: &str = "
source: { snowflake: { @LOGIN@ } }
destination: { duckdb: { path: data } }
stream: BENCH.PUBLIC.@TABLE@
read: { incremental: { cursor: UPDATED_AT, lookback: 0s }, key: [ID] }
";

const PUSH: &str = "
source: { duckdb: { path: . } }
stream: bench.events
read: { incremental: { cursor: id }, key: [id] }
destination: { snowflake: { @LOGIN@ } }
target: BENCH.PUBLIC.TARGET
write: append
";

/// Snowferry with a table that it has, or has not, pulled before.
pub fn pull_changes(place: &Place<'_>) -> Command {
    snowferry(place, PULL_CHANGES)
}

/// A floor, from what was prepared for it.
fn floor(task: &str, place: &Place<'_>) -> Command {
    this_program(&format!("{task} {} {}", place.prepared.display(), place.folder.display()))
}

fn this_program(task: &str) -> Command {
    child::command(task).expect("this program can be found")
}

fn snowferry(place: &Place<'_>, sync: &str) -> Command {
    let sync = sync.replace("@LOGIN@", &log_in(place)).replace("@TABLE@", place.table);
    let file = place.folder.join("sync.yaml");
    fs::write(&file, format!("tenant: bench{sync}")).expect("the run's folder takes files");
    let mut command = Command::new(&place.programs.snowferry);
    command.arg("run").arg("-f").arg(file);
    surroundings(command, place)
}

/// The same with little memory.
fn small(mut snowferry: Command) -> Command {
    snowferry.args(["--memory", "64MiB"]);
    snowferry
}

/// How a sync file of Snowferry's logs in.
pub(super) fn log_in(place: &Place<'_>) -> String {
    format!(
        "account: bench, user: {DEFAULT_USER}, password: {{ env: BENCH_PASSWORD }}, role: ACCOUNTADMIN, \
         virtual_warehouse: BENCH_WH, endpoint: \"http://127.0.0.1:{}\", allow_http_loopback: true",
        place.port
    )
}

fn python(place: &Place<'_>, environment: &str, script: &str, tool: &str) -> Command {
    let mut command = Command::new(place.programs.peers.join(environment).join("bin").join("python"));
    command.arg(place.programs.scripts.join(script)).arg(tool);
    surroundings(command, place)
}

fn node(place: &Place<'_>, script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(place.programs.scripts.join(script));
    command.env("DUCKDB_PATH", duckdb(place));
    command.env("NODE_PATH", place.programs.peers.join("node").join("node_modules"));
    surroundings(command, place)
}

fn ingestr(place: &Place<'_>) -> Command {
    let mut command = Command::new(place.programs.peers.join("ingestr").join("bin").join("ingestr"));
    let source = format!(
        "snowflake://{DEFAULT_USER}:{DEFAULT_PASSWORD}@127.0.0.1:{}/BENCH/PUBLIC?account=bench&protocol=http&warehouse=BENCH_WH",
        place.port
    );
    let destination = format!("duckdb:///{}", place.folder.join("landed.duckdb").display());
    command.args([
        "ingest",
        "--yes",
        "--source-uri",
        &source,
        "--source-table",
        &format!("PUBLIC.{}", place.table),
    ]);
    command.args(["--dest-uri", &destination, "--dest-table", "pulled.landed"]);
    surroundings(command, place)
}

/// Without its bulk export, since the emulator does not unload into Snowflake stages.
fn sling_pull(place: &Place<'_>) -> Command {
    let mut command = sling(place, "&use_bulk=false", "landed.duckdb");
    command.args(["run", "--src-conn", "WAREHOUSE", "--src-stream", &format!("PUBLIC.{}", place.table)]);
    command.args(["--tgt-conn", "VENDOR", "--tgt-object", "main.landed"]);
    surroundings(command, place)
}

fn sling_push(place: &Place<'_>) -> Command {
    // In a file of the schema's name it would look for the table in the wrong one.
    let file = "vendor.duckdb";
    fs::hard_link(place.folder.join("bench.duckdb"), place.folder.join(file))
        .expect("the run's folder takes links");
    let mut command = sling(place, "", file);
    command.args(["run", "--src-conn", "VENDOR", "--src-stream", "bench.events"]);
    command.args(["--tgt-conn", "WAREHOUSE", "--tgt-object", &format!("PUBLIC.{}", place.table)]);
    surroundings(command, place)
}

fn sling(place: &Place<'_>, options: &str, file: &str) -> Command {
    let environment = place.programs.peers.join("sling");
    let mut command = Command::new(environment.join("bin").join("python"));
    // The package's own start looks the program up, and would fetch it from elsewhere where it does not find it.
    command.arg(place.programs.scripts.join("sling_binary.py"));
    let account = format!(
        "snowflake://{DEFAULT_USER}:{DEFAULT_PASSWORD}@127.0.0.1:{}/BENCH?account=bench&protocol=http&schema=PUBLIC&warehouse=BENCH_WH{options}",
        place.port
    );
    command.env("WAREHOUSE", account);
    command.env("VENDOR", format!("duckdb://{}", place.folder.join(file).display()));
    command.env("DUCKDB_PATH", duckdb(place));
    command.env("DUCKDB_USE_INSTALLED_EXTENSIONS", "true").env("SLING_DISABLE_TELEMETRY", "true");
    command
}

/// DuckDB's own program.
fn duckdb(place: &Place<'_>) -> PathBuf {
    place.programs.peers.join("sling").join("bin").join("duckdb")
}

/// What every program is told, and keeps to itself: no caches beside the run's folder, no reports to anyone.
pub(super) fn surroundings(mut command: Command, place: &Place<'_>) -> Command {
    let file = if place.table == TARGET { "bench.duckdb" } else { "landed.duckdb" };
    command
        .current_dir(place.folder)
        .env("HOME", place.folder)
        .env("BENCH_PORT", place.port.to_string())
        .env("BENCH_TABLE", place.table)
        .env("BENCH_FILE", place.folder.join(file))
        .env("BENCH_FOLDER", place.folder)
        .env("BENCH_USER", DEFAULT_USER)
        .env("BENCH_PASSWORD", DEFAULT_PASSWORD)
        .env("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
        .env("RUNTIME__DLTHUB_TELEMETRY", "false")
        .env("INGESTR_DISABLE_TELEMETRY", "true")
        .env("DISABLE_TELEMETRY", "true")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONWARNINGS", "ignore")
        .env("NO_PROXY", "127.0.0.1");
    command
}
