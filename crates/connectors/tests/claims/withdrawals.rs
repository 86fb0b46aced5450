//! Staged rows that are taken back by a range of a column: exactly those, or nothing staged is trusted any more.

use connectors::conformance::{people, people_schema, people_spec};
use connectors::duckdb::{DuckDbDestination, TenantFile};
use model::{
    Batch, Checkpoint, Cursor, Destination, LogicalType, StagedRange, StreamPlan, StreamSpec, Withdrawn,
};
use tempfile::TempDir;

struct Tenant {
    folder: TempDir,
    spec: StreamSpec,
}

impl Tenant {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), spec: people_spec(true) }
    }

    /// The file as a new process finds it, with what is staged in it.
    async fn opened(&self) -> (DuckDbDestination, StreamPlan, u64) {
        let file = TenantFile::new(self.folder.path(), "crm").unwrap();
        let destination = DuckDbDestination::open(file).unwrap();
        let progress = destination.progress(&self.spec.stream, &self.spec.target).await.unwrap();
        let plan = StreamPlan::build(&self.spec, &people_schema(), &progress).unwrap();
        let prepared = destination.prepare(&plan).await.unwrap();
        (destination, plan, prepared.staged.durable_row_count)
    }

    /// A destination that holds ten people, of which the last one has no name.
    async fn with_ten_staged(&self) -> (DuckDbDestination, StreamPlan) {
        let (destination, plan, _) = self.opened().await;
        stage(&destination, &plan, 0..10, "after ten").await;
        assert_eq!(destination.flush(&plan).await.unwrap().durable_row_count, 10);
        (destination, plan)
    }
}

fn cursor(position: &str) -> Cursor {
    Cursor::from_stored(position)
}

async fn stage(
    destination: &DuckDbDestination,
    plan: &StreamPlan,
    ids: std::ops::Range<i64>,
    position: &str,
) {
    let rows: Vec<_> = ids.map(|id| (Some(id), (id != 9).then_some("Ada"), Some(id))).collect();
    destination.stage(plan, Batch::new(people(&rows), Some(cursor(position)))).await.unwrap();
}

fn ids(from: Option<&str>, until: Option<&str>, row_count: u64) -> StagedRange {
    StagedRange {
        column: "ID".to_owned(),
        logical_type: LogicalType::Int64,
        from: from.map(str::to_owned),
        until: until.map(str::to_owned),
        is_of_nulls: false,
        row_count,
    }
}

fn nameless(row_count: u64) -> StagedRange {
    StagedRange {
        column: "NAME".to_owned(),
        logical_type: LogicalType::Text,
        is_of_nulls: true,
        ..ids(None, None, row_count)
    }
}

fn without(ranges: Vec<StagedRange>) -> Withdrawn {
    Withdrawn { ranges, resume: cursor("without them") }
}

#[tokio::test]
async fn ranges_are_taken_back_and_the_next_process_goes_on_without_them() {
    let tenant = Tenant::new();
    let (destination, plan) = tenant.with_ten_staged().await;
    let withdrawn = without(vec![ids(Some("3"), Some("5"), 2), ids(Some("8"), None, 2)]);
    assert_eq!(destination.withdraw(&plan, &withdrawn).await.unwrap().durable_row_count, 6);
    drop(destination);

    let (destination, plan, staged) = tenant.opened().await;
    assert_eq!(staged, 6);
    assert_eq!(plan.staged, Some(cursor("without them")));
    stage(&destination, &plan, 3..5, "four").await;
    stage(&destination, &plan, 8..10, "nine").await;
    let committed =
        destination.commit(&plan, Checkpoint { cursor: cursor("all"), row_count: 10 }).await.unwrap();
    assert_eq!(committed.inserted, 10);
}

#[tokio::test]
async fn rows_without_a_value_are_a_range_of_their_own() {
    let tenant = Tenant::new();
    let (destination, plan) = tenant.with_ten_staged().await;
    let staged = destination.withdraw(&plan, &without(vec![nameless(1)])).await.unwrap();
    assert_eq!(staged.durable_row_count, 9);
}

#[tokio::test]
async fn a_range_that_holds_other_rows_than_were_staged_of_it_empties_everything_staged() {
    for range in [ids(Some("3"), Some("5"), 1), ids(Some("3"), Some("5"), 3), nameless(0)] {
        let tenant = Tenant::new();
        let (destination, plan) = tenant.with_ten_staged().await;
        let withdrawn = without(vec![ids(None, Some("1"), 1), range]);
        let error = destination.withdraw(&plan, &withdrawn).await.unwrap_err();
        assert_eq!(error.code(), "staged_rows_differ");
        drop(destination);
        let (_, plan, staged) = tenant.opened().await;
        assert_eq!((plan.staged, staged), (None, 0));
    }
}

#[tokio::test]
async fn rows_that_were_not_durable_yet_are_forgotten_before() {
    let tenant = Tenant::new();
    let (destination, plan) = tenant.with_ten_staged().await;
    stage(&destination, &plan, 20..25, "after more").await;
    destination.withdraw(&plan, &without(vec![ids(Some("8"), None, 2)])).await.unwrap();
    let committed =
        destination.commit(&plan, Checkpoint { cursor: cursor("all"), row_count: 8 }).await.unwrap();
    assert_eq!(committed.inserted, 8);
}
