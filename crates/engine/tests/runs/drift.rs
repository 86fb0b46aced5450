//! Pulls of a table whose columns change between runs: the vendor database shows what the source has.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use connectors::duckdb::DuckDbDestination;
use connectors::snowflake::SnowflakeSource;
use engine::{RunOptions, RunProgress, RunReport, Sync, run};
use model::{DriftPolicy, DriftSpec, NullCursor, ReadSpec, Result, StreamName, StreamSpec, TableName};
use proptest::prelude::*;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::push::account::Account;
use crate::push::vendor::Vendor;

/// A table of the customer's, and the one that it is pulled into by `ID` and `UPDATED_AT`.
struct Pulled<'a> {
    account: &'a Account,
    vendor: Vendor,
    spec: StreamSpec,
    source: TableName,
    /// How many names were given to columns that take the place of dropped ones.
    names: Cell<u32>,
}

impl<'a> Pulled<'a> {
    fn new(account: &'a Account, name: &str, policy: DriftPolicy) -> Self {
        let columns = "ID NUMBER(18,0), UPDATED_AT TIMESTAMP_NTZ(9), A NUMBER(10,2), B VARCHAR";
        let source = account.table(name, columns, "SELECT");
        let read = ReadSpec::Incremental {
            cursor_column: "UPDATED_AT".into(),
            lookback: Duration::ZERO,
            null_cursor: NullCursor::Include,
        };
        let spec = StreamSpec {
            read,
            key: vec!["ID".into()],
            drift: DriftSpec { policy, ..DriftSpec::default() },
            ..StreamSpec::new(
                StreamName::Table(source.clone()),
                TableName::in_vendor_database("crm", "pulled"),
            )
        };
        Self { account, vendor: Vendor::with(""), spec, source, names: Cell::new(0) }
    }

    /// Runs a statement in which `T` stands for the table.
    fn change(&self, sql: &str) {
        self.account.admin(&[&sql.replace(" T ", &format!(" {} ", self.source))]);
    }

    /// Runs statements up to the first that does not apply to the table as it is.
    fn try_each(&self, statements: &str) {
        for statement in statements.split("; ") {
            self.names.set(self.names.get() + 1);
            let unused = format!("UNUSED_{}", self.names.get());
            let sql = statement.replace(" T ", &format!(" {} ", self.source)).replace("UNUSED", &unused);
            let run = || emulator::sample::run(&self.account.emulator, vec![sql.into()]);
            if tokio::task::block_in_place(run).is_err() {
                return;
            }
        }
    }

    async fn run(&self) -> Result<RunReport> {
        let source = Arc::new(SnowflakeSource::new(self.account.config()));
        let sync = Sync {
            source: Arc::<SnowflakeSource>::clone(&source),
            destination: Arc::new(DuckDbDestination::on(self.vendor.database())?),
            spec: self.spec.clone(),
        };
        let (progress, _watched) = watch::channel(RunProgress::default());
        let report = run(&sync, &RunOptions::default(), &progress, &CancellationToken::new()).await;
        source.close().await;
        report
    }

    /// The table shows what the source has, in the source's columns.
    async fn assert_equal(&self, context: &str) {
        let described = self.account.rows(&format!("DESCRIBE TABLE {}", self.source)).await;
        let names: Vec<String> = described.iter().map(|row| row[0].clone()).collect();
        let texts = |suffix: &str| -> String {
            let texts: Vec<String> = names.iter().map(|name| format!("\"{name}\"{suffix}")).collect();
            texts.join(", ")
        };
        let there = self
            .account
            .rows(&format!("SELECT {} FROM {} ORDER BY ID", texts("::VARCHAR"), self.source))
            .await;
        let here = self.vendor.rows(&format!("SELECT {} FROM crm.pulled ORDER BY \"ID\"", texts("")));
        assert_eq!(number_free(&here), number_free(&there), "{context}");
    }
}

/// Numbers differ in their trailing zeros alone where the target is wider.
fn number_free(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let plain = |text: &String| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').replace('T', " "),
        false => text.replace('T', " "),
    };
    rows.iter().map(|row| row.iter().map(plain).collect()).collect()
}

/// What may happen between two runs; what follows a semicolon happens only if what stands before it did.
///
/// Where a column is dropped, one of a name that never was is added: otherwise the dropped one could come back as the last,
/// where it had been the last, and nothing of the table would tell.
const STEPS: &[&str] = &[
    "ALTER TABLE T ADD COLUMN C VARCHAR; UPDATE T SET C = 'filled without the cursor' WHERE ID % 2 = 0",
    "ALTER TABLE T ADD COLUMN D NUMBER(5,0) DEFAULT 7",
    "ALTER TABLE T DROP COLUMN C; ALTER TABLE T ADD COLUMN UNUSED INTEGER",
    "ALTER TABLE T DROP COLUMN B; ALTER TABLE T ADD COLUMN UNUSED INTEGER",
    "ALTER TABLE T ADD COLUMN B VARCHAR",
    "ALTER TABLE T RENAME COLUMN B TO E",
    "ALTER TABLE T ALTER COLUMN A SET DATA TYPE NUMBER(20,2)",
    "INSERT INTO T (ID, UPDATED_AT, A) SELECT COUNT(*), DATEADD('second', 1, MAX(UPDATED_AT)), 1.5 FROM T ",
    "UPDATE T SET A = A + 1, UPDATED_AT = DATEADD('second', 1, (SELECT MAX(UPDATED_AT) FROM T )) WHERE ID % 3 = 0",
];

#[test]
fn whatever_happens_to_the_columns_the_rows_are_those_of_the_source() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let account = runtime.block_on(Account::start());
    let number = Cell::new(0);
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let steps = prop::collection::vec((prop::sample::subsequence(STEPS, 0..6), any::<bool>()), 1..5);
    let outcome = runner.run(&steps, |rounds| {
        number.set(number.get() + 1);
        runtime.block_on(async {
            let pulled = Pulled::new(&account, &format!("T{}", number.get()), DriftPolicy::Add);
            pulled.change(
                "INSERT INTO T (ID, UPDATED_AT, A, B) VALUES (0, '2026-01-01', 1, 'b'), (1, NULL, 2, NULL)",
            );
            pulled.run().await.unwrap();
            for (statements, is_in_order) in &rounds {
                let ordered: Vec<&str> = match is_in_order {
                    true => statements.clone(),
                    false => statements.iter().rev().copied().collect(),
                };
                for step in &ordered {
                    pulled.try_each(step);
                }
                pulled.run().await.unwrap();
                pulled.assert_equal(&format!("{rounds:?}")).await;
            }
        });
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}\n{runner}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_was_dropped_and_made_again_shows_nothing_of_the_first() {
    let account = Account::start().await;
    let pulled = Pulled::new(&account, "T", DriftPolicy::Add);
    pulled.change("INSERT INTO T (ID, UPDATED_AT, A, B) VALUES (1, '2026-01-01', 1, 'of the first')");
    pulled.run().await.unwrap();
    pulled.change("ALTER TABLE T RENAME COLUMN B TO E");
    pulled.change("ALTER TABLE T ADD COLUMN B VARCHAR");
    let report = pulled.run().await.unwrap();
    assert!(report.column_changes.iter().any(|change| change.change.word() == "replaced"));
    pulled.assert_equal("after a column took another one's name").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_once_and_kept_in_the_history() {
    let account = Account::start().await;
    let pulled = Pulled::new(&account, "T", DriftPolicy::Add);
    pulled.change("INSERT INTO T (ID, UPDATED_AT, A) SELECT SEQ4(), '2026-01-01', 1 FROM TABLE(GENERATOR(ROWCOUNT => 100))");
    pulled.run().await.unwrap();
    pulled.change("ALTER TABLE T ADD COLUMN C VARCHAR");
    pulled.change("UPDATE T SET C = 'late' WHERE ID < 3");
    pulled.change("ALTER TABLE T DROP COLUMN B");
    let report = pulled.run().await.unwrap();
    let told: Vec<String> = report
        .column_changes
        .iter()
        .map(|change| format!("{} {}: {}", change.column, change.change, change.effect))
        .collect();
    assert_eq!(
        told,
        [
            "C is new: added to the table, and filled in older rows",
            "B is gone: kept in the table, where new rows have NULL"
        ]
    );
    assert_eq!(report.updated, 3);
    let again = pulled.run().await.unwrap();
    assert_eq!(again.column_changes, []);
    let history = pulled.vendor.rows("SELECT column_name, change FROM _snowferry.schema_changes");
    assert_eq!(history, [["C", "new"], ["B", "gone"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_change_leaves_the_table_as_it_was() {
    let account = Account::start().await;
    let pulled = Pulled::new(&account, "T", DriftPolicy::Pause);
    pulled.change("INSERT INTO T (ID, UPDATED_AT, A) VALUES (1, '2026-01-01', 1)");
    pulled.run().await.unwrap();
    pulled.change("ALTER TABLE T ADD COLUMN C VARCHAR");
    pulled.change("UPDATE T SET A = 2, UPDATED_AT = '2026-01-02'");
    let error = pulled.run().await.unwrap_err();
    assert_eq!(error.code(), "columns_changed");
    assert_eq!(pulled.vendor.rows("SELECT \"A\" FROM crm.pulled"), [["1.00"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_somebody_else_altered_is_not_merged_into() {
    let account = Account::start().await;
    let pulled = Pulled::new(&account, "T", DriftPolicy::Add);
    pulled.run().await.unwrap();
    pulled.vendor.change("ALTER TABLE crm.pulled DROP COLUMN \"A\"");
    pulled.change("INSERT INTO T (ID, UPDATED_AT, A) VALUES (7, '2026-02-01', 1)");
    let error = pulled.run().await.unwrap_err();
    assert_eq!(error.code(), "target_altered");
    assert!(error.message().contains("A is missing"), "{error}");
}
