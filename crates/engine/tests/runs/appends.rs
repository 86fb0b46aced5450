//! Appends by cursor from a vendor database: whatever fails and dies, each row is appended once.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use connectors::duckdb::{DuckDbSource, TenantDatabase, TenantFile};
use connectors::faulty::{Fault, Faulty};
use connectors::memory::MemoryDestination;
use engine::{RunProgress, Sync, run};
use model::{NullCursor, ReadSpec, StreamName, StreamSpec, TableName, WriteSpec};
use proptest::prelude::*;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::faults::{any_fault, mortal, patient};

/// What one step inserts before its runs: for each row how far its moment is after that of the row before, and whether
/// it has a moment at all. Two rows in three tie with another one.
type Inserted = Vec<(u8, bool)>;

/// What one run meets: faults at the seams in order, and whether it dies of the first.
type Met = (Vec<Fault>, bool);

fn steps() -> impl Strategy<Value = Vec<(Inserted, Vec<Met>)>> {
    let moment = prop_oneof![3 => Just(0_u8), 1 => Just(1_u8)];
    let inserted = prop::collection::vec((moment, prop::bool::weighted(0.8)), 0..6);
    let met = (prop::collection::vec(any_fault(), 0..16), any::<bool>());
    prop::collection::vec((inserted, prop::collection::vec(met, 0..4)), 1..5)
}

/// Actions of the vendor's database, appended to a customer's table.
struct Appends {
    database: TenantDatabase,
    destination: MemoryDestination,
    spec: StreamSpec,
}

impl Appends {
    fn new(database: &TenantDatabase) -> Self {
        let appends = Self {
            database: database.clone(),
            destination: MemoryDestination::default(),
            spec: StreamSpec {
                read: ReadSpec::Incremental {
                    cursor_column: "changed_at".into(),
                    lookback: std::time::Duration::ZERO,
                    null_cursor: NullCursor::Exclude,
                },
                key: vec!["id".into()],
                write: WriteSpec::Append,
                max_shrink_percent: 0,
                ..StreamSpec::new(
                    StreamName::Table(TableName::in_vendor_database("main", "actions")),
                    TableName::in_snowflake("CRM", "PUBLIC", "ACTIONS"),
                )
            },
        };
        appends.execute("CREATE OR REPLACE TABLE actions (id BIGINT, changed_at TIMESTAMP)");
        appends
    }

    fn execute(&self, sql: &str) {
        self.database.connect().unwrap().execute_batch(sql).unwrap();
    }

    async fn run(&self, met: &Met) -> model::Result<()> {
        let (script, is_mortal) = met;
        let (for_source, for_destination) = script.split_at(script.len() / 2);
        let source = DuckDbSource::new(self.database.clone());
        let sync = Sync {
            source: Arc::new(Faulty::new(source, for_source.to_vec())),
            destination: Arc::new(Faulty::new(self.destination.clone(), for_destination.to_vec())),
            spec: self.spec.clone(),
        };
        let (progress, _watched) = watch::channel(RunProgress::default());
        let options = if *is_mortal { mortal() } else { patient() };
        let done = run(&sync, &options, &progress, &CancellationToken::new()).await;
        if *is_mortal {
            self.destination.crash();
        }
        done.map(|_| ())
    }

    fn appended(&self) -> Vec<i64> {
        let Some(rows) = self.destination.rows(&self.spec.target) else { return Vec::new() };
        let mut ids = rows.column(0).as_primitive::<Int64Type>().values().to_vec();
        ids.sort_unstable();
        ids
    }
}

async fn each_row_is_appended_once(database: &TenantDatabase, steps: &[(Inserted, Vec<Met>)]) {
    let appends = Appends::new(database);
    let (mut id, mut clock) = (0, 0_u64);
    let mut expected = Vec::new();
    for (inserted, runs) in steps {
        for (later, has_moment) in inserted {
            id += 1;
            clock += u64::from(*later);
            let at = if *has_moment { format!("make_timestamp({clock})") } else { "NULL".to_owned() };
            appends.execute(&format!("INSERT INTO actions VALUES ({id}, {at})"));
            if *has_moment {
                expected.push(id);
            }
        }
        for met in runs {
            let _may_fail = appends.run(met).await;
        }
        appends.run(&(Vec::new(), false)).await.unwrap();
        assert_eq!(appends.appended(), expected);
    }
}

#[test]
fn each_row_with_a_cursor_value_is_appended_exactly_once_whatever_fails_and_dies() {
    let folder = tempfile::tempdir().unwrap();
    let file = TenantFile::new(folder.path(), "acme").unwrap();
    let database = TenantDatabase::open(file).unwrap();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&steps(), |steps| {
        runtime.block_on(each_row_is_appended_once(&database, &steps));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}\n{runner}"));
}
