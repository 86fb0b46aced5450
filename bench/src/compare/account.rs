//! The emulated account that everybody reads from and writes into, in a process of its own.

use std::time::Duration;
use std::{fs, io};

use emulator::{DEFAULT_PASSWORD, DEFAULT_USER, Emulator, EmulatorConfig, ResultSizes, sample};
use futures_util::StreamExt;
use snowflake::{ConnectionConfig, Credentials, DecodeOptions, Endpoint, Session};

use super::shape::Shape;
use crate::child::{self, StopOnDrop};

/// Rows of a chunk, and of the part that a reply holds.
const CHUNK_ROWS_MAX: usize = 100_000;
/// Room for the results of every tool, each of which asks in its own words.
const KEPT_BYTES_MAX: usize = 12 * 1024 * 1024 * 1024;

/// A running account with the database `BENCH` and the virtual warehouse `BENCH_WH`.
#[derive(Debug)]
pub struct Account {
    process: StopOnDrop,
    port: u16,
}

impl Account {
    pub fn start() -> io::Result<Self> {
        let (process, line) = child::start("account")?;
        let port = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self { process: StopOnDrop(process), port })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The processor time that the account has taken so far.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.0.id())).unwrap_or_default();
        crate::measurement::cpu_time_in(&stat).unwrap_or_default()
    }

    /// Makes the table of this shape.
    pub async fn fill(&self, shape: Shape, rows: u64) -> snowflake::Result<()> {
        self.run(&shape.create(rows)).await
    }

    /// Runs a statement that answers with no more than a few rows.
    pub async fn run(&self, statement: &str) -> snowflake::Result<()> {
        let session = Session::connect(config(self.port)).await?;
        session.query(statement.to_owned()).await?;
        session.close().await
    }

    /// The number of rows in a table, and the sum of its `ID`.
    pub async fn summed(&self, table: &str) -> snowflake::Result<(u64, i128)> {
        let session = Session::connect(config(self.port)).await?;
        let sql = format!(
            "SELECT COUNT(*)::VARCHAR || ' ' || SUM(ID)::VARCHAR AS SUMMED FROM BENCH.PUBLIC.{table}"
        );
        let mut rows = session.query(sql).await?.batches(DecodeOptions::default())?;
        let mut summed = String::new();
        while let Some(batch) = rows.next().await {
            let batch = batch?.into_batch();
            // Without rows there is no sum.
            let texts = arrow_array::cast::AsArray::as_string::<i32>(batch.column(0));
            summed = texts.iter().flatten().collect();
        }
        session.close().await?;
        let mut parts = summed.split(' ');
        let mut next = || parts.next().and_then(|part| part.parse().ok()).unwrap_or(0_i128);
        Ok((u64::try_from(next()).unwrap_or(0), next()))
    }
}

/// How everybody of ours logs in.
pub fn config(port: u16) -> ConnectionConfig {
    let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{port}")).expect("an address of this machine");
    ConnectionConfig::new(
        "bench".parse().expect("an account"),
        DEFAULT_USER,
        Credentials::password(DEFAULT_PASSWORD),
    )
    .role("ACCOUNTADMIN")
    .virtual_warehouse("BENCH_WH")
    .endpoint(endpoint)
    .allow_http_loopback(true)
}

/// Serves an account until the process is stopped.
pub fn serve() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let results = ResultSizes {
        chunk_rows_max: CHUNK_ROWS_MAX,
        kept_bytes_max: KEPT_BYTES_MAX,
        ..ResultSizes::default()
    };
    let settings = EmulatorConfig { results, ..EmulatorConfig::default() };
    let emulator = runtime.block_on(Emulator::start(settings)).expect("the emulator starts");
    let set_up = ["CREATE WAREHOUSE BENCH_WH".to_owned(), "CREATE DATABASE BENCH".to_owned()];
    sample::run(&emulator, set_up.map(Into::into)).expect("the account can be set up");
    child::tell(emulator.address().port());
    runtime.block_on(std::future::pending::<()>());
}

/// Makes the empty table that pushes write into.
pub fn create_target() -> String {
    format!(
        "CREATE OR REPLACE TABLE BENCH.PUBLIC.{} (ID NUMBER(38,0), USER_ID VARCHAR, EMAIL VARCHAR, EVENT VARCHAR(100), \
         AMOUNT NUMBER(18,2), IS_PAID BOOLEAN, TS TIMESTAMP_NTZ(9), DAY DATE, PROPS VARIANT, SCORE FLOAT)",
        super::contestant::TARGET
    )
}
