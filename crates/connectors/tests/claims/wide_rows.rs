//! Rows that are so wide that few of them fill the memory which DuckDB has while narrow ones are staged.

use connectors::conformance::{people, people_schema, people_spec};
use connectors::duckdb::{DuckDbDestination, Footprint, TenantFile};
use model::{Batch, Checkpoint, Cursor, Destination, StreamPlan};

const BATCHES: i64 = 20;

#[tokio::test]
async fn rows_of_half_a_mebibyte_are_staged_and_put_in_place() {
    stage_and_commit(Footprint::Usual, 40, 512 * 1024).await;
}

#[tokio::test]
async fn where_little_memory_is_taken_rows_of_half_a_mebibyte_are_staged_too() {
    stage_and_commit(Footprint::Small, 40, 512 * 1024).await;
}

#[tokio::test]
async fn where_little_memory_is_taken_rows_of_two_kibibytes_are_staged_too() {
    stage_and_commit(Footprint::Small, 8192, 2 * 1024).await;
}

async fn stage_and_commit(footprint: Footprint, rows_of_a_batch: i64, name_bytes: usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = TenantFile::new(folder.path(), "crm").unwrap();
    let destination = DuckDbDestination::open_within(file, footprint).unwrap();
    let spec = people_spec(false);
    let progress = destination.progress(&spec.stream, &spec.target).await.unwrap();
    let plan = StreamPlan::build(&spec, &people_schema(), &progress).unwrap();
    destination.prepare(&plan).await.unwrap();
    for batch in 0..BATCHES {
        // Names that do not compress, or nothing would be wide.
        let ids = batch * rows_of_a_batch..(batch + 1) * rows_of_a_batch;
        let names: Vec<String> = ids.clone().map(|id| name(id, name_bytes)).collect();
        let rows: Vec<_> =
            ids.zip(&names).map(|(id, name)| (Some(id), Some(name.as_str()), Some(id))).collect();
        destination.stage(&plan, Batch::new(people(&rows), None)).await.unwrap();
    }
    let row_count = (BATCHES * rows_of_a_batch).unsigned_abs();
    let checkpoint = Checkpoint { cursor: Cursor::from_stored("end"), row_count };
    assert_eq!(destination.commit(&plan, checkpoint).await.unwrap().total, Some(row_count));
}

fn name(seed: i64, bytes: usize) -> String {
    let mut state = seed.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let letters = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state % 26) as u8)
    });
    letters.take(bytes).collect()
}
