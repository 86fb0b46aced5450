//! A backfill that is interrupted twenty times, beside an undisturbed one of a tenth of its size: no chunk is read twice
//! once it was durable, the customer's virtual warehouse works once, and both take the same memory.
//!
//! `SNOWFERRY_BACKFILL_ROWS=20000000` plays it in full. With the few rows of the short form the vendor database has room
//! in its memory for all of them, so that only a bound of the whole is claimed there.

use std::fmt;
use std::path::PathBuf;

use connectors::duckdb::progress;
use emulator::{Action, EmulatorConfig, FaultRule, ResultSizes, Route};
use model::{StreamName, TableName};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Child;

use crate::interruptions::HeldRun;
use crate::world::World;

/// Rows of the larger backfill unless the environment says otherwise: as many as take seconds.
const ROWS_DEFAULT: u64 = 400_000;
const INTERRUPTIONS: usize = 20;
/// Chunks that a run asks for at once, in no order, and some more: where as many are given, the first is among them.
const CHUNKS_AHEAD: usize = 12;
/// Chunks of the smaller backfill.
const SMALLER_CHUNKS: u64 = 200;
/// In full, the larger one may take this much more or less, in per cent.
const MEMORY_TOLERANCE_PERCENT: u64 = 10;
/// What a pull may take at all: the memory for rows on their way, that of the vendor database while rows are staged, and
/// the program itself.
const MEMORY_BYTES_MAX: u64 = 512 << 20;

const EVENTS: &str = "
stream: CRM.SALES.EVENTS
read:
  incremental: { cursor: AT }
  key: [ID]
";
const BACKFILL: &str = r#"SELECT "ID""#;

/// A backfill under observation.
struct Backfill {
    world: World,
    file: PathBuf,
    rows: u64,
    chunk_count: usize,
    /// The highest resident memory of any of its processes.
    peak_bytes: u64,
    /// Where the account is kept, for as long as there is one.
    _account: TempDir,
}

impl Backfill {
    async fn of(rows: u64, chunk_rows: u64) -> Self {
        let account = tempfile::tempdir().unwrap();
        let config =
            EmulatorConfig { data_folder: Some(account.path().to_owned()), ..EmulatorConfig::default() };
        let chunk_rows = usize::try_from(chunk_rows).unwrap();
        let sizes = ResultSizes { inline_rows_max: 1, chunk_rows_max: chunk_rows, ..ResultSizes::default() };
        let world = World::start_with_results(config, sizes).await;
        world.sql(&[
            "CREATE TABLE CRM.SALES.EVENTS (ID NUMBER(18,0), AT TIMESTAMP_NTZ(9), NOTE VARCHAR)",
            &format!(
                "INSERT INTO CRM.SALES.EVENTS SELECT SEQ8(), DATEADD('millisecond', SEQ8(), '2026-01-01'::TIMESTAMP_NTZ), \
                 MD5(SEQ8()) || MD5(SEQ8() + 1) FROM TABLE(GENERATOR(ROWCOUNT => {rows}))"
            ),
        ]);
        let file = world.sync(EVENTS);
        let chunk_count = usize::try_from(rows).unwrap().div_ceil(chunk_rows);
        Self { world, file, rows, chunk_count, peak_bytes: 0, _account: account }
    }

    /// Interrupts a run once rows of its own have arrived.
    async fn stop(&mut self, chunks: usize, gate: &str) {
        let (_, staged) = self.durable();
        let mut run = HeldRun::start(&self.world, &self.file, chunks, gate).await;
        run.has_more_rows_than(staged).await;
        self.peak_bytes = self.peak_bytes.max(peak_bytes(&run.child));
        run.stop().await;
    }

    async fn kill(&mut self, chunks: usize, gate: &str) {
        let run = HeldRun::start(&self.world, &self.file, chunks, gate).await;
        self.peak_bytes = self.peak_bytes.max(peak_bytes(&run.child));
        run.kill().await;
    }

    /// Lets a run come to its end, and looks at it right before it logs out.
    async fn finish(&mut self) {
        let hold = Action::Hold { gate: "logout".into() };
        self.world.emulator.faults().add(FaultRule::on(Route::Logout, hold));
        let child = self.world.start_program(&["run", "-f", self.file.to_str().unwrap(), "--json"]);
        self.world.emulator.faults().reached("logout", 1).await;
        self.peak_bytes = self.peak_bytes.max(peak_bytes(&child));
        self.world.emulator.faults().clear();
        let ended = child.wait_with_output().await.unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }

    /// What an interruption has left: the first chunk that is not durable, and how many rows are.
    fn durable(&self) -> (u64, u64) {
        let stream = StreamName::Table(TableName::in_snowflake("CRM", "SALES", "EVENTS"));
        let target = TableName::in_vendor_database("sales", "events");
        if !self.world.tenant_file().path().exists() {
            return (0, 0);
        }
        let Some(staged) = progress(&self.world.tenant_file(), &stream, &target).unwrap().staged else {
            return (0, 0);
        };
        let position: Value = staged.cursor.position().unwrap();
        (position["reading"]["next_chunk"].as_u64().unwrap(), staged.row_count)
    }

    /// The chunks that were asked for so far, by number from 1.
    fn chunks_asked(&self) -> Vec<u64> {
        let requests = self.world.emulator.requests();
        let chunks = requests.iter().filter(|request| request.route == Route::Chunk);
        chunks.map(|request| request.path.rsplit('/').next().unwrap().parse::<u64>().unwrap() + 1).collect()
    }

    /// Lets it end in one run: interrupted, one so small would hardly begin to fill what it may take.
    async fn undisturbed(mut self) -> Self {
        self.finish().await;
        self.assert_whole();
        self
    }

    /// Interrupts it again and again, and lets it end.
    async fn interrupted(mut self) -> Self {
        let step = CHUNKS_AHEAD.max(self.chunk_count / (INTERRUPTIONS + 5));
        for number in 0..INTERRUPTIONS {
            let asked_before = self.chunks_asked().len();
            let (durable_before, _) = self.durable();
            if number % 2 == 0 {
                self.stop(step, &format!("stop {number}")).await;
            } else {
                self.kill(step, &format!("kill {number}")).await;
            }
            self.assert_none_again(asked_before, durable_before);
        }
        let (asked_before, (durable_before, _)) = (self.chunks_asked().len(), self.durable());
        assert!(durable_before > 0, "the interruptions came in the middle of it: {durable_before}");
        self.finish().await;
        self.assert_none_again(asked_before, durable_before);
        self.assert_whole();
        self
    }

    fn assert_none_again(&self, asked_before: usize, durable_before: u64) {
        let again: Vec<u64> = self
            .chunks_asked()
            .into_iter()
            .skip(asked_before)
            .filter(|chunk| *chunk < durable_before)
            .collect();
        assert_eq!(again, Vec::<u64>::new(), "chunks below {durable_before} were durable");
    }

    fn assert_whole(&self) {
        assert_eq!(self.world.statements_sent(BACKFILL), 1, "the customer's virtual warehouse works once");
        let sql = "SELECT count(*) || ' ' || count(DISTINCT \"ID\") || ' ' || sum(\"ID\")::VARCHAR AS summed FROM sales.events";
        let landed = connectors::duckdb::query_json(&self.world.tenant_file(), sql, 1).unwrap();
        let json = arrow_cast::display::array_value_to_string(landed.batches[0].column(0), 0).unwrap();
        let rows = self.rows;
        let expected = format!("{{\"summed\":\"{rows} {rows} {}\"}}", rows * (rows - 1) / 2);
        assert_eq!(json, expected);
    }
}

impl fmt::Display for Backfill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, chunks, peak) = (self.rows, self.chunk_count, self.peak_bytes >> 20);
        write!(f, "{rows} rows in {chunks} chunks: one statement, peak {peak} MiB")
    }
}

/// The highest resident memory of a program that still runs.
fn peak_bytes(child: &Child) -> u64 {
    let path = format!("/proc/{}/status", child.id().expect("the program is running"));
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_interrupted_twenty_times_reads_no_chunk_twice_and_takes_the_memory_of_a_tenth() {
    let asked = std::env::var("SNOWFERRY_BACKFILL_ROWS").ok().map(|rows| rows.parse::<u64>().unwrap());
    let rows = asked.unwrap_or(ROWS_DEFAULT);
    let chunk_rows = rows / 10 / SMALLER_CHUNKS;
    let smaller = Backfill::of(rows / 10, chunk_rows).await.undisturbed().await;
    println!("{smaller}");
    let larger = Backfill::of(rows, chunk_rows).await.interrupted().await;
    println!("{larger}, interrupted {INTERRUPTIONS} times");
    let peaks = [smaller.peak_bytes, larger.peak_bytes];
    assert!(peaks.iter().all(|peak| *peak <= MEMORY_BYTES_MAX), "the peaks are {peaks:?} bytes");
    if asked.is_some() {
        let difference = peaks[1].abs_diff(peaks[0]);
        assert!(difference * 100 <= peaks[0] * MEMORY_TOLERANCE_PERCENT, "the peaks are {peaks:?} bytes");
    }
}
