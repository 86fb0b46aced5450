//! Many small pulls: every tenant has a file of its own, and one program pulls for all of them.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use super::contestant::{Place, log_in, surroundings};

/// Rows of each tenant.
pub const ROWS: u64 = 5_000;
/// Syncs that run at the same time.
const SIDE_BY_SIDE: &str = "4";

const PULL: &str = "
tenant: @TENANT@
source: { snowflake: { @LOGIN@ } }
destination: { duckdb: { path: data } }
stream: BENCH.PUBLIC.@TABLE@
";

/// How many tenants have so many rows.
pub fn count(rows: u64) -> u64 {
    rows.div_ceil(ROWS)
}

/// The rows that all of them have, and the sum of their ids: each has the same table.
pub fn expected(rows: u64) -> (u64, i128) {
    let tenants = count(rows);
    (tenants * ROWS, i128::from(tenants) * i128::from(ROWS) * i128::from(ROWS - 1) / 2)
}

/// The files of a folder.
pub fn files(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let files = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = files.collect::<io::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "duckdb"));
    Ok(files)
}

/// Snowferry with a sync for each tenant.
pub(super) fn snowferry(place: &Place<'_>) -> Command {
    let mut command = Command::new(&place.programs.snowferry);
    command.args(["run", "--side-by-side", SIDE_BY_SIDE]);
    let sync = PULL.replace("@LOGIN@", &log_in(place)).replace("@TABLE@", place.table);
    for number in 0..count(place.rows) {
        let tenant = format!("t{number}");
        let file = place.folder.join(format!("{tenant}.yaml"));
        fs::write(&file, sync.replace("@TENANT@", &tenant)).expect("the run's folder takes files");
        command.arg("-f").arg(file);
    }
    surroundings(command, place)
}

/// Others with as many threads, each with a connection for each tenant.
pub(super) fn told(mut command: Command, place: &Place<'_>) -> Command {
    fs::create_dir_all(place.folder.join("data")).expect("the run's folder takes folders");
    command.env("BENCH_TENANTS", count(place.rows).to_string()).env("BENCH_THREADS", SIDE_BY_SIDE);
    command
}
