//! Keys that take more memory, all together, than DuckDB has while rows are put in place.

use connectors::conformance::{people, people_schema, people_spec};
use connectors::duckdb::{DuckDbDestination, Footprint, TenantFile};
use model::{Batch, Checkpoint, Cursor, Destination, StreamPlan};

const BATCHES: i64 = 75;
const ROWS_OF_A_BATCH: i64 = 20_000;

#[tokio::test]
async fn where_little_memory_is_taken_a_key_of_a_million_and_a_half_long_texts_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = TenantFile::new(folder.path(), "crm").unwrap();
    let destination = DuckDbDestination::open_within(file, Footprint::Small).unwrap();
    let mut spec = people_spec(false);
    spec.key = vec!["NAME".to_owned()];
    let progress = destination.progress(&spec.stream, &spec.target).await.unwrap();
    let plan = StreamPlan::build(&spec, &people_schema(), &progress).unwrap();
    destination.prepare(&plan).await.unwrap();
    for batch in 0..BATCHES {
        let ids = batch * ROWS_OF_A_BATCH..(batch + 1) * ROWS_OF_A_BATCH;
        let names: Vec<String> = ids.clone().map(name).collect();
        let rows: Vec<_> =
            ids.zip(&names).map(|(id, name)| (Some(id), Some(name.as_str()), Some(id))).collect();
        let resume = Cursor::from_stored(batch.to_string());
        destination.stage(&plan, Batch::new(people(&rows), Some(resume))).await.unwrap();
    }
    let row_count = (BATCHES * ROWS_OF_A_BATCH).unsigned_abs();
    let checkpoint = Checkpoint { cursor: Cursor::from_stored("end"), row_count };
    assert_eq!(destination.commit(&plan, checkpoint).await.unwrap().total, Some(row_count));
}

/// A text that has little in common with the others.
fn name(id: i64) -> String {
    let scattered = id.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{scattered:016x}{:016x}-{id}", scattered.rotate_left(31))
}
