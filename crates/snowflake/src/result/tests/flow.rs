//! Order, memory, resumption and cancellation of a stream.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::Notify;

use super::storage::{CHUNK_ROWS, Reply, Storage, assert_rows};
use crate::decode::DecodeOptions;
use crate::result::{MemoryBudget, ResultBatch};

/// Longer than anything here takes, so that a hang fails instead of waiting for ever.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn rows_stay_in_order_when_chunks_arrive_out_of_order() {
    let (first, second) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let storage = Storage::start([
        (1, vec![Reply::After(Arc::clone(&first))]),
        (2, vec![Reply::After(Arc::clone(&second))]),
    ])
    .await;
    let mut stream = storage.stream(3);
    let asked = async {
        while storage.requested().len() < 3 {
            storage.shared().served.notified().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("three chunks are fetched side by side");
    second.notify_one();
    first.notify_one();
    assert_rows(&mut stream, 0, 4 * CHUNK_ROWS).await;
}

#[tokio::test]
async fn a_reader_resumes_at_any_part() {
    let storage = Storage::start([]).await;
    let result = storage.result(CHUNK_ROWS, 3, MemoryBudget::new(1 << 30));
    for first in 0..=4 {
        let mut stream = result.batches_from(first, DecodeOptions::default()).unwrap();
        let first = i64::try_from(first).unwrap();
        assert_rows(&mut stream, first * CHUNK_ROWS, (4 - first) * CHUNK_ROWS).await;
    }
    result.batches_from(5, DecodeOptions::default()).unwrap_err();
}

#[tokio::test]
async fn every_part_ends_with_a_batch_that_says_so() {
    let storage = Storage::start([]).await;
    let ends: Vec<_> = storage
        .stream(2)
        .map(|batch| batch.map(|batch| (batch.chunk, batch.is_last_of_chunk)).unwrap())
        .filter(|(_, is_last)| std::future::ready(*is_last))
        .map(|(chunk, _)| chunk)
        .collect()
        .await;
    assert_eq!(ends, [0, 1, 2]);
}

#[tokio::test]
async fn what_is_known_of_a_result_needs_no_rows() {
    let storage = Storage::start([]).await;
    let result = storage.result(CHUNK_ROWS, 2, MemoryBudget::new(1 << 30));
    assert_eq!((result.total_rows(), result.chunk_count(), result.chunk_rows(2)), (3000, 2, Some(1000)));
    assert_eq!((result.query_id(), result.statement_type(), result.affected_rows()), ("q1", 4096, None));
    let rows: usize = result.collect().await.unwrap().iter().map(|batch| batch.num_rows()).sum();
    assert_eq!(rows, 3000);
}

#[tokio::test]
async fn chunks_ahead_of_the_reader_stay_within_the_budget() {
    let storage = Storage::start([]).await;
    // A chunk takes 14 to 18 kB, and 3 kB more until it is decoded: two fit and a third does not.
    let budget = MemoryBudget::new(40 << 10);
    let mut stream =
        storage.result(CHUNK_ROWS, 12, budget.clone()).batches(DecodeOptions::default()).unwrap();
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        rows += batch.batch.num_rows();
        // Give the pipeline every chance to run too far ahead.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        let started = storage.requested().len();
        assert!(started <= batch.chunk + 2, "chunk {} is read, {started} were started", batch.chunk);
        assert!(budget.used_bytes() <= 40 << 10);
    }
    assert_eq!(rows, 13_000);
    assert_eq!(budget.used_bytes(), 0);
}

#[tokio::test]
async fn a_reader_that_keeps_its_batches_is_not_stuck() {
    let storage = Storage::start([]).await;
    let budget = MemoryBudget::new(20 << 10);
    let stream = storage.result(CHUNK_ROWS, 5, budget.clone()).batches(DecodeOptions::default()).unwrap();
    let all = tokio::time::timeout(PATIENCE, stream.collect::<Vec<_>>()).await.unwrap();
    let rows: usize = all.iter().map(|batch| batch.as_ref().unwrap().batch.num_rows()).sum();
    assert_eq!(rows, 6000);
}

#[tokio::test]
async fn readers_that_wait_for_each_other_on_one_budget_are_not_stuck() {
    let storage = Storage::start([]).await;
    let budget = MemoryBudget::new(20 << 10);
    let start = || storage.result(CHUNK_ROWS, 5, budget.clone()).batches(DecodeOptions::default()).unwrap();
    let zipped = start()
        .zip(start())
        .map(|(left, right)| left.unwrap().batch.num_rows() + right.unwrap().batch.num_rows());
    let rows: Vec<_> = tokio::time::timeout(PATIENCE, zipped.collect()).await.unwrap();
    assert_eq!(rows.iter().sum::<usize>(), 12_000);
}

#[tokio::test]
async fn a_chunk_larger_than_the_budget_is_read() {
    let storage = Storage::start([]).await;
    let budget = MemoryBudget::new(1 << 10);
    let mut stream = storage.result(CHUNK_ROWS, 3, budget).batches(DecodeOptions::default()).unwrap();
    tokio::time::timeout(PATIENCE, assert_rows(&mut stream, 0, 4 * CHUNK_ROWS)).await.unwrap();
}

#[tokio::test]
async fn dropping_the_stream_stops_its_downloads() {
    let storage = Storage::start([(1, vec![Reply::Silent])]).await;
    let mut stream = storage.stream(1);
    let inline: ResultBatch = stream.next().await.unwrap().unwrap();
    assert_eq!(inline.chunk, 0);
    while storage.requested().is_empty() {
        storage.shared().served.notified().await;
    }
    drop(stream);
    tokio::time::timeout(PATIENCE, storage.shared().gone.notified()).await.expect("the download goes on");
}
