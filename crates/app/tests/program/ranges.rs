//! First reads in ranges whose program dies in the middle of them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use connectors::duckdb::progress;
use emulator::{EmulatorConfig, ResultSizes};
use model::{Checkpoint, StreamName, TableName};
use serde_json::Value;

use crate::interruptions::HeldRun;
use crate::pulls::last_event;
use crate::world::World;

const EVENTS: &str = "
stream: CRM.SALES.EVENTS
read:
  incremental: { cursor: AT }
  key: [ID]
  ranges: 4
";
/// Each tenth of them has no time.
const ROWS: u64 = 4_000;
/// Four ranges of times, and one of none.
const RANGES: usize = 5;

struct Divided {
    world: World,
    file: PathBuf,
}

impl Divided {
    /// A table that comes in forty chunks, and whose past is kept for longer than results are.
    async fn start() -> Self {
        let sizes = ResultSizes { inline_rows_max: 1, chunk_rows_max: 100, ..ResultSizes::default() };
        let world = World::start_with_results(EmulatorConfig::default(), sizes).await;
        world.sql(&[
            "CREATE TABLE CRM.SALES.EVENTS (ID NUMBER(18,0) NOT NULL, AT TIMESTAMP_NTZ(9), NOTE VARCHAR) \
             DATA_RETENTION_TIME_IN_DAYS = 30",
            &format!(
                "INSERT INTO CRM.SALES.EVENTS SELECT SEQ8(), \
                 IFF(MOD(SEQ8(), 10) = 0, NULL, DATEADD('second', SEQ8(), '2026-01-01'::TIMESTAMP_NTZ)), 'old' \
                 FROM TABLE(GENERATOR(ROWCOUNT => {ROWS}))"
            ),
        ]);
        let file = world.sync(EVENTS);
        Self { world, file }
    }

    fn staged(&self) -> Option<Checkpoint> {
        let stream = StreamName::Table(TableName::in_snowflake("CRM", "SALES", "EVENTS"));
        let target = TableName::in_vendor_database("sales", "events");
        self.world.tenant_file().path().exists().then_some(())?;
        progress(&self.world.tenant_file(), &stream, &target).unwrap().staged
    }

    fn staged_rows(&self) -> u64 {
        self.staged().map_or(0, |staged| staged.row_count)
    }

    /// The queries of ranges that are durable as a whole.
    fn finished(&self) -> BTreeSet<String> {
        let Some(staged) = self.staged() else { return BTreeSet::new() };
        let position: Value = staged.cursor.position().unwrap();
        let parts = position["ranges"]["parts"].as_array().cloned().unwrap_or_default();
        let done = parts.iter().filter(|part| part["is_done"] == true);
        done.map(|part| part["query_id"].as_str().unwrap().to_owned()).collect()
    }

    /// Stops a run after so many chunks, and keeps what has arrived.
    async fn stop(&self, chunks: usize, gate: &str) {
        let (before, requests) = (self.finished(), self.world.emulator.requests().len());
        let staged = self.staged_rows();
        let mut run = HeldRun::start(&self.world, &self.file, chunks, gate).await;
        run.has_more_rows_than(staged).await;
        run.stop().await;
        self.assert_none_again(&before, requests);
    }

    /// Kills a run after so many chunks: only what was durable before is kept.
    async fn kill(&self, chunks: usize, gate: &str) {
        let (before, requests) = (self.finished(), self.world.emulator.requests().len());
        HeldRun::start(&self.world, &self.file, chunks, gate).await.kill().await;
        assert!(self.finished().is_superset(&before));
        self.assert_none_again(&before, requests);
    }

    fn assert_none_again(&self, finished: &BTreeSet<String>, requests_before: usize) {
        let later = self.world.emulator.requests().into_iter().skip(requests_before);
        let again: Vec<_> =
            later.filter(|request| finished.iter().any(|query| request.path.contains(query))).collect();
        assert!(again.is_empty(), "a finished range is asked for again: {again:?}");
    }

    /// Lets a run come to its end, and gives what it says of itself.
    async fn finish(&self) -> Value {
        let (before, requests) = (self.finished(), self.world.emulator.requests().len());
        let file = self.file.to_str().unwrap();
        let ended = self.world.program(&["run", "-f", file, "--json"]).await.succeeded();
        self.assert_none_again(&before, requests);
        last_event(&ended.stdout)["report"].clone()
    }

    fn assert_landed(&self, notes: &str) {
        let sql = "SELECT count(*) || ' ' || count(DISTINCT \"ID\") || ' ' || sum(\"ID\")::VARCHAR || ' ' || \
                   min(\"NOTE\") || ' ' || max(\"NOTE\") AS summed FROM sales.events";
        let landed = connectors::duckdb::query_json(&self.world.tenant_file(), sql, 1).unwrap();
        let json = arrow_cast::display::array_value_to_string(landed.batches[0].column(0), 0).unwrap();
        assert_eq!(json, format!("{{\"summed\":\"{ROWS} {ROWS} {} {notes}\"}}", ROWS * (ROWS - 1) / 2));
    }

    /// Statements that read a range.
    fn ranges_read(&self) -> usize {
        self.world.statements_sent("AT(TIMESTAMP")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_of_a_program_that_is_killed_go_on_where_they_were() {
    let divided = Divided::start().await;
    divided.kill(3, "before anything").await;
    divided.stop(12, "in the second range").await;
    let (rows, sent) = (divided.staged_rows(), divided.ranges_read());
    assert!(rows > 900 && rows < ROWS, "{rows}");
    divided.kill(9, "in the third range").await;
    divided.stop(9, "in the third range again").await;
    divided.kill(9, "in the fourth range").await;
    let report = divided.finish().await;
    assert!(report["resumed"].as_u64() > Some(rows), "{report}");
    divided.assert_landed("old old");
    // A killed run forgets the statements that it has sent and not recorded: at most those that run at once, each time.
    assert!(divided.ranges_read() - sent <= RANGES * 4, "{}", divided.ranges_read());
    divided.world.program(&["verify", "-f", divided.file.to_str().unwrap()]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_whose_results_are_gone_are_taken_back_and_read_again_though_the_program_is_killed() {
    let divided = Divided::start().await;
    divided.stop(12, "in the second range").await;
    let (finished, rows) = (divided.finished(), divided.staged_rows());
    assert!(!finished.is_empty() && rows > 900, "{rows} rows, {finished:?}");
    divided.world.emulator.clock().advance(Duration::from_secs(25 * 3_600));
    divided.world.sql(&["UPDATE CRM.SALES.EVENTS SET NOTE = 'later' WHERE AT IS NULL"]);
    divided.kill(3, "while the second range is read again").await;
    let left = divided.staged_rows();
    assert!(
        left < rows && divided.finished() == finished,
        "the rest of a range is taken back: {left} of {rows}"
    );
    divided.stop(12, "after that").await;
    divided.kill(3, "once more").await;
    let report = divided.finish().await;
    assert!(report["resumed"].as_u64() > Some(left), "{report}");
    // The run that ends the first read brings what has changed since.
    divided.assert_landed("later old");
    divided.world.program(&["verify", "-f", divided.file.to_str().unwrap()]).await.succeeded();
}
