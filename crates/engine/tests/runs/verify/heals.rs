//! Rows of a tenant's file that were changed, deleted or added at random: found and healed exactly, at a bounded cost.

use std::num::NonZeroU32;
use std::time::Duration;

use engine::VerifyOptions;
use model::{Moment, NullCursor, ReadSpec, StreamSpec};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::account::{Pulled, all_of};

const ROWS: u64 = 2_000;

async fn deals() -> Pulled {
    let pulled = Pulled::start().await;
    pulled.sql(&[
        "CREATE TABLE CRM.SALES.DEALS (ID NUMBER(18,0), NAME VARCHAR, AMOUNT NUMBER(12,2), MOVED_AT TIMESTAMP_NTZ(9))",
        &format!(
            "INSERT INTO CRM.SALES.DEALS SELECT SEQ4(), 'deal ' || SEQ4(), SEQ4() / 7, \
             DATEADD('second', SEQ4(), '2026-01-01'::TIMESTAMP_NTZ) FROM TABLE(GENERATOR(ROWCOUNT => {ROWS}))"
        ),
    ]);
    pulled
}

fn options(is_healing: bool) -> VerifyOptions {
    VerifyOptions { is_healing, bucket_count: NonZeroU32::new(64), ..VerifyOptions::default() }
}

fn incremental(spec: StreamSpec, null_cursor: NullCursor) -> StreamSpec {
    let read =
        ReadSpec::Incremental { cursor_column: "MOVED_AT".into(), lookback: Duration::ZERO, null_cursor };
    StreamSpec { read, ..spec }
}

fn everything(pulled: &Pulled) -> Vec<Vec<String>> {
    pulled.rows("SELECT * FROM sales.deals ORDER BY ALL")
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_rows_are_found_and_healed_exactly_and_nothing_else_is_read() {
    let pulled = deals().await;
    let spec = all_of("DEALS", &["ID"]);
    pulled.run(&spec).await.unwrap();
    let right = everything(&pulled);
    let report = pulled.verify(&spec, &options(false)).await.unwrap();
    assert!(report.is_equal(), "{report:?}");
    assert_eq!((report.rows_at_source, report.cost.source.statements), (ROWS, 1));

    let strategy = (
        prop::collection::btree_set(0..ROWS, 0..4),
        prop::collection::btree_set(0..ROWS, 0..4),
        prop::collection::btree_set(0..ROWS, 0..4),
    );
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() });
    let runtime = tokio::runtime::Handle::current();
    let outcome = runner.run(&strategy, |(changed, lost, doubled)| {
        let lost: Vec<u64> = lost.difference(&changed).copied().collect();
        let doubled: Vec<u64> =
            doubled.iter().copied().filter(|id| !changed.contains(id) && !lost.contains(id)).collect();
        for id in &changed {
            pulled.tamper(&format!(
                "UPDATE sales.deals SET \"AMOUNT\" = \"AMOUNT\" + 0.01 WHERE \"ID\" = {id}"
            ));
        }
        for id in &lost {
            pulled.tamper(&format!("DELETE FROM sales.deals WHERE \"ID\" = {id}"));
        }
        for id in &doubled {
            pulled.tamper(&format!("INSERT INTO sales.deals SELECT * FROM sales.deals WHERE \"ID\" = {id}"));
        }
        let report =
            tokio::task::block_in_place(|| runtime.block_on(pulled.verify(&spec, &options(true)))).unwrap();
        let found = &report.difference;
        let expected = (lost.len() as u64, doubled.len() as u64, changed.len() as u64);
        prop_assert_eq!((found.missing, found.extra, found.different), expected);
        prop_assert!(report.is_equal());
        prop_assert_eq!(everything(&pulled), right.clone());
        if let Some(healed) = &report.healed {
            prop_assert!(healed.row_count < 12 * ROWS / 32, "{:?} rows were read again", healed.row_count);
        }
        prop_assert!(report.cost.source.statements <= 3);
        let columns: Vec<&str> = found.columns.iter().map(|column| column.column.as_str()).collect();
        prop_assert!(changed.is_empty() || columns.contains(&"AMOUNT"), "{:?}", columns);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}\n{runner}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_at_the_source_since_the_read_is_no_difference() {
    let pulled = deals().await;
    let spec = all_of("DEALS", &["ID"]);
    pulled.run(&spec).await.unwrap();
    let right = everything(&pulled);
    pulled.sql(&[
        "UPDATE CRM.SALES.DEALS SET NAME = 'later' WHERE ID < 50",
        "DELETE FROM CRM.SALES.DEALS WHERE ID > 1900",
    ]);
    pulled.tamper("UPDATE sales.deals SET \"NAME\" = 'wrong' WHERE \"ID\" IN (3, 1950)");
    let report = pulled.verify(&spec, &options(true)).await.unwrap();
    assert_eq!((report.moment, report.snapshot_missing_because.as_deref()), (Moment::Checkpoint, None));
    let found = &report.difference;
    assert_eq!((found.missing, found.extra, found.different), (0, 0, 2));
    assert!(report.is_equal(), "{report:?}");
    assert_eq!(everything(&pulled), right, "healed as of the read that the destination shows");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_key_are_compared_and_healed_as_a_whole() {
    let pulled = deals().await;
    pulled.sql(&["INSERT INTO CRM.SALES.DEALS SELECT * FROM CRM.SALES.DEALS WHERE ID < 10"]);
    let spec = all_of("DEALS", &[]);
    pulled.run(&spec).await.unwrap();
    let right = everything(&pulled);
    pulled.tamper("UPDATE sales.deals SET \"NAME\" = NULL WHERE \"ID\" = 1000");
    pulled.tamper("INSERT INTO sales.deals SELECT * FROM sales.deals WHERE \"ID\" = 5");
    let report = pulled.verify(&spec, &options(true)).await.unwrap();
    // One that is missing and one that is too many for the changed one, and two more of ID 5.
    assert_eq!((report.difference.missing, report.difference.extra), (1, 3));
    assert!(report.is_equal(), "{report:?}");
    assert_eq!(everything(&pulled), right);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incremental_sync_is_compared_and_its_position_stays() {
    let pulled = deals().await;
    pulled.sql(&["UPDATE CRM.SALES.DEALS SET MOVED_AT = NULL WHERE ID IN (3, 4)"]);
    let mut spec = incremental(all_of("DEALS", &["ID"]), NullCursor::Exclude);
    spec.columns = ["ID", "MOVED_AT", "NAME"]
        .map(|source| model::ChosenColumn {
            source: source.into(),
            target: (source == "NAME").then(|| "TITLE".to_owned()),
        })
        .to_vec();
    pulled.run(&spec).await.unwrap();
    let position = "SELECT committed_cursor FROM _snowferry.streams";
    let committed = pulled.rows(position);
    let right = everything(&pulled);
    assert_eq!(pulled.verify(&spec, &options(false)).await.unwrap().difference.row_count(), 0);
    // A row that the source has deleted is one too many here: a cursor does not see that.
    pulled.sql(&["DELETE FROM CRM.SALES.DEALS WHERE ID = 77"]);
    pulled.tamper("UPDATE sales.deals SET \"TITLE\" = 'another' WHERE \"ID\" = 9");
    let report = pulled.verify(&spec, &options(true)).await.unwrap();
    let found = &report.difference;
    assert!(found.missing == 0 && found.extra <= 1 && found.different == 1, "{found:?}");
    assert!(report.is_equal(), "{report:?}");
    let healed = everything(&pulled);
    assert!(right.iter().filter(|row| row[0] != "77").all(|row| healed.contains(row)));
    if report.moment == Moment::Checkpoint {
        assert_eq!(pulled.rows(position), committed);
    }
}
