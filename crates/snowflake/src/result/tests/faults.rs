//! What storage and service may do wrong, one at a time.

use std::time::Duration;

use super::storage::{CHUNK_ROWS, Reply, Storage, assert_rows, read};
use crate::error::ErrorKind;
use crate::result::MemoryBudget;

const DENIED: Reply = Reply::Error(403, "application/xml", "<Error><Code>AccessDenied</Code></Error>");
const UNWELL: Reply = Reply::Error(503, "text/plain", "slow down");

#[tokio::test]
async fn whatever_passes_is_tried_again_and_no_row_is_lost() {
    for fault in [
        UNWELL,
        Reply::Error(429, "text/plain", ""),
        Reply::Error(200, "application/xml", "<Error/>"),
        Reply::Truncated,
        Reply::Dropped,
        Reply::Short,
    ] {
        let storage = Storage::start([(2, vec![fault.clone()])]).await;
        let mut stream = storage.stream(3);
        assert_rows(&mut stream, 0, 4 * CHUNK_ROWS).await;
        let summary = stream.summary();
        assert_eq!((summary.rows, summary.chunks, summary.retries), (4000, 3, 1), "{fault:?}");
        assert_eq!(storage.requested().iter().filter(|chunk| **chunk == 2).count(), 2);
        storage.assert_headers();
    }
}

#[tokio::test]
async fn a_connection_that_falls_silent_is_given_up() {
    let mut storage = Storage::start([(1, vec![Reply::Silent])]).await;
    storage.read_idle_max = Duration::from_millis(200);
    assert_rows(&mut storage.stream(1), 0, 2 * CHUNK_ROWS).await;
    assert_eq!(storage.requested(), [1, 1]);
}

#[tokio::test]
async fn an_uncompressed_body_is_read_too() {
    let storage = Storage::start([(1, vec![Reply::Plain])]).await;
    assert_rows(&mut storage.stream(1), 0, 2 * CHUNK_ROWS).await;
}

#[tokio::test]
async fn a_chunk_that_stays_short_is_an_error() {
    let storage = Storage::start([(1, vec![Reply::Short, Reply::Short])]).await;
    let mut stream = storage.stream(2);
    let error = read(&mut stream).await.unwrap_err();
    assert_eq!((error.kind(), error.query_id()), (ErrorKind::Protocol, Some("q1")));
    assert_eq!(error.message(), "chunk 1 has 999 rows instead of the 1000 announced");
    assert_eq!(stream.summary().rows, 1000, "nothing of a short chunk is delivered");
    assert!(read(&mut stream).await.unwrap().is_empty(), "an error ends the stream");
}

#[tokio::test]
async fn a_storage_that_stays_unwell_is_unavailable() {
    let storage = Storage::start([(1, vec![UNWELL; 3])]).await;
    let error = read(&mut storage.stream(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(storage.requested(), [1, 1, 1]);
}

#[tokio::test]
async fn expired_links_are_renewed_once_for_all_chunks() {
    let storage = Storage::start([]).await;
    *storage.shared().generation.lock().unwrap() = 1;
    let mut stream = storage.stream(6);
    assert_rows(&mut stream, 0, 7 * CHUNK_ROWS).await;
    assert_eq!(*storage.shared().refetches.lock().unwrap(), 1);
    assert_eq!(stream.summary().refreshed_links, 1);
}

#[tokio::test]
async fn a_storage_that_refuses_new_links_too_is_an_error_without_the_link() {
    let storage = Storage::start([(1, vec![DENIED, DENIED])]).await;
    let error = read(&mut storage.stream(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!format!("{error} {error:?}").contains("127.0.0.1"));
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let elsewhere = Storage::start([]).await;
    let location = format!("http://127.0.0.1:{}/0/1", elsewhere.port());
    let storage = Storage::start([(1, vec![Reply::Redirect(location)])]).await;
    let error = read(&mut storage.stream(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!((storage.requested().len(), elsewhere.requested().len()), (1, 0));
}

#[tokio::test]
async fn a_bomb_is_an_error() {
    let storage = Storage::start([(1, vec![Reply::Bomb, Reply::Bomb])]).await;
    let error = read(&mut storage.stream(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn inline_rows_that_are_missing_are_asked_for_once_more() {
    for missing in [0, CHUNK_ROWS - 1] {
        let storage = Storage::start([]).await;
        let result = storage.result(missing, 2, MemoryBudget::new(1 << 30));
        assert_rows(&mut result.batches(Default::default()).unwrap(), 0, 3 * CHUNK_ROWS).await;
        assert_eq!(*storage.shared().refetches.lock().unwrap(), 1);
    }
}

#[tokio::test]
async fn inline_rows_that_stay_missing_are_an_error() {
    let storage = Storage::start([]).await;
    storage.shared().inline_again.lock().unwrap().push_back(0);
    let result = storage.result(0, 1, MemoryBudget::new(1 << 30));
    let error = read(&mut result.batches(Default::default()).unwrap()).await.unwrap_err();
    assert_eq!(error.message(), "the reply has 0 rows instead of 1000");
}
