//! Results too large for one reply.

use std::time::Duration;

use emulator::{EmulatorConfig, ResultSizes, RunningEmulator};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, Reply, arrow_batches, config, gunzip, inline_batches, start_with};
use crate::rows::{self, INTEGER};

const ROWS: u64 = 1000;
const SELECT_MOMENTS: &str = "SELECT ID, TO_VARCHAR(SINCE) FROM CRM.PUBLIC.MOMENTS";

/// An emulator that answers `select *` with the numbers up to a thousand, ten inline and a hundred in a chunk.
async fn with_numbers() -> RunningEmulator {
    let results = ResultSizes { inline_rows_max: 10, chunk_rows_max: 100, ..ResultSizes::default() };
    let emulator = start_with(EmulatorConfig { results, ..config() }).await;
    let numbers = rows::integers((0..ROWS).map(|number| Some(number.into())));
    let (columns, batches) = rows::one_column(INTEGER, numbers);
    emulator.serve_result("select *", columns, batches);
    emulator
}

fn row_counts(reply: &Reply) -> Vec<u64> {
    let chunks = reply.data()["chunks"].as_array().unwrap();
    chunks.iter().map(|chunk| chunk["rowCount"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn the_rows_of_reply_and_chunks_are_all_rows_in_order() {
    let emulator = with_numbers().await;
    let client = Client::logged_in(&emulator).await;
    let reply = client.query("select *").await.succeeded();
    assert_eq!(reply.data()["total"], ROWS);
    assert_eq!(reply.data()["returned"], ROWS);
    assert_eq!(row_counts(&reply), [100, 100, 100, 100, 100, 100, 100, 100, 100, 90]);
    let mut batches = inline_batches(&reply);
    assert_eq!(batches[0].num_rows(), 10);
    for (index, chunk) in reply.data()["chunks"].as_array().unwrap().iter().enumerate() {
        let response = client.chunk(&reply, index).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.bytes().await.unwrap();
        assert_eq!(
            body.len() as u64,
            chunk["uncompressedSize"].as_u64().unwrap(),
            "reqwest has uncompressed it"
        );
        batches.extend(arrow_batches(&body));
    }
    let mut expected = 0..ROWS;
    for batch in batches {
        let column = arrow_cast::cast(batch.column(0), &arrow_schema::DataType::UInt64).unwrap();
        let column = arrow_array::cast::AsArray::as_primitive::<arrow_array::types::UInt64Type>(&column);
        assert!(column.values().iter().all(|value| expected.next() == Some(*value)));
    }
    assert_eq!(expected.next(), None);
}

#[tokio::test]
async fn number_columns_are_as_wide_as_each_chunks_own_values_need() {
    let emulator = with_numbers().await;
    let client = Client::logged_in(&emulator).await;
    let reply = client.query("select *").await.succeeded();
    let ty = |batches: &[arrow_array::RecordBatch]| batches[0].column(0).data_type().to_string();
    assert_eq!(ty(&inline_batches(&reply)), "Int8");
    let first = client.chunk(&reply, 0).await.bytes().await.unwrap();
    let second = client.chunk(&reply, 1).await.bytes().await.unwrap();
    assert_eq!((ty(&arrow_batches(&first)), ty(&arrow_batches(&second))), ("Int8".into(), "Int16".into()));
}

#[tokio::test]
async fn a_json_chunk_has_rows_without_outer_brackets() {
    let emulator = with_numbers().await;
    let client = Client::logged_in_as(&emulator, "JavaScript", json!({})).await;
    let reply = client.query("select *").await.succeeded();
    assert_eq!(reply.data()["rowset"].as_array().unwrap().len(), 10);
    let text = client.chunk(&reply, 0).await.text().await.unwrap();
    assert!(text.starts_with("[\"10\"],[\"11\"]"), "{text}");
    let rows: Vec<Vec<Value>> = serde_json::from_str(&format!("[{text}]")).unwrap();
    assert_eq!(rows.len(), 100);
}

#[tokio::test]
async fn a_chunk_is_sent_compressed_and_says_so() {
    let emulator = with_numbers().await;
    let client = Client::logged_in(&emulator).await;
    let reply = client.query("select *").await.succeeded();
    let http = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let chunk = &reply.data()["chunks"][0];
    let mut request = http.get(chunk["url"].as_str().unwrap());
    for (name, value) in reply.data()["chunkHeaders"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let body = response.bytes().await.unwrap();
    assert_eq!(body.len() as u64, chunk["compressedSize"].as_u64().unwrap());
    assert_eq!(gunzip(&body).len() as u64, chunk["uncompressedSize"].as_u64().unwrap());
}

#[tokio::test]
async fn a_chunk_is_refused_without_its_headers_or_with_a_session_token() {
    let emulator = with_numbers().await;
    let client = Client::logged_in(&emulator).await;
    let reply = client.query("select *").await.succeeded();
    let url = reply.data()["chunks"][0]["url"].as_str().unwrap();
    let response = client.bare(Method::GET, url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let mut request = client.request(Method::GET, url);
    for (name, value) in reply.data()["chunkHeaders"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(response.text().await.unwrap().contains("Only one auth mechanism allowed"));
}

#[tokio::test]
async fn an_expired_link_is_refused_and_fetching_the_result_again_gives_a_fresh_one() {
    let emulator = with_numbers().await;
    let client = Client::logged_in(&emulator).await;
    let reply = client.query("select *").await.succeeded();
    emulator.clock().advance(Duration::from_secs(6 * 3600));
    let response = client.chunk(&reply, 0).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(response.text().await.unwrap().contains("<Message>Request has expired</Message>"));
    let later = Client::logged_in(&emulator).await;
    let path = format!("/queries/{}/result", reply.data()["queryId"].as_str().unwrap());
    let again = later.get(&path).await.succeeded();
    assert_eq!(row_counts(&again), row_counts(&reply));
    assert_eq!(later.chunk(&again, 0).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn chunks_are_bounded_by_bytes_and_the_bytes_by_the_session() {
    let results = ResultSizes { inline_rows_max: 1, ..ResultSizes::default() };
    let emulator = start_with(EmulatorConfig { results, ..config() }).await;
    let text = "x".repeat(1024);
    let texts = rows::texts(&vec![Some(text.as_str()); 4096]);
    let (columns, batches) = rows::one_column(rows::TEXT, texts);
    emulator.serve_result("select *", columns, batches);
    let whole = Client::logged_in(&emulator).await.query("select *").await.succeeded();
    assert_eq!(row_counts(&whole), [4095]);
    let small = json!({ "CLIENT_RESULT_CHUNK_SIZE": 1 });
    let cut = Client::logged_in_as(&emulator, "Go", small).await.query("select *").await.succeeded();
    assert_eq!(row_counts(&cut).iter().sum::<u64>(), 4095);
    let sizes = cut.data()["chunks"].as_array().unwrap();
    assert!(sizes.len() >= 4);
    assert!(sizes.iter().all(|chunk| chunk["uncompressedSize"].as_u64().unwrap() < 1_100_000));
}

#[tokio::test]
async fn a_repeated_large_result_is_served_from_the_same_chunks() {
    let emulator = with_numbers().await;
    let client = Client::logged_in(&emulator).await;
    let first = client.query("select *").await.succeeded();
    let second = client.query("select *").await.succeeded();
    assert_ne!(first.data()["queryId"], second.data()["queryId"]);
    let bodies = [client.chunk(&first, 3).await, client.chunk(&second, 3).await];
    let [first, second] = bodies.map(reqwest::Response::bytes);
    assert_eq!(first.await.unwrap(), second.await.unwrap());
}

#[tokio::test]
async fn sessions_share_a_large_result_for_as_long_as_both_would_see_the_same() {
    let results = ResultSizes { inline_rows_max: 1, ..ResultSizes::default() };
    let emulator = start_with(EmulatorConfig { results, ..config() }).await;
    let [reading, others, zoned] = [(); 3].map(|()| Client::logged_in(&emulator));
    let (reading, others, zoned) = (reading.await, others.await, zoned.await);
    for statement in [
        "CREATE WAREHOUSE READING_WH INITIALLY_SUSPENDED = TRUE",
        "USE WAREHOUSE READING_WH",
        "CREATE DATABASE CRM",
        "CREATE TABLE CRM.PUBLIC.MOMENTS AS SELECT SEQ8() AS ID, '2026-01-01'::TIMESTAMP_LTZ AS SINCE \
         FROM TABLE(GENERATOR(ROWCOUNT => 100))",
        SELECT_MOMENTS,
    ] {
        reading.query(statement).await.succeeded();
    }
    // Whoever has no virtual warehouse can only be given what was read before.
    for client in [&others, &zoned] {
        client.query("USE SCHEMA CRM.PUBLIC").await.succeeded();
    }
    others.query("ALTER SESSION SET QUERY_TAG = 'another'").await.succeeded();
    assert_eq!(others.query(SELECT_MOMENTS).await.succeeded().data()["total"], 100);
    zoned.query("ALTER SESSION SET TIMEZONE = 'Asia/Kolkata'").await.succeeded();
    assert_eq!(zoned.query(SELECT_MOMENTS).await.code(), "000606");
    others.query("CREATE TEMPORARY TABLE CRM.PUBLIC.MINE (ID INT)").await.succeeded();
    assert_eq!(others.query(SELECT_MOMENTS).await.code(), "000606");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_result_is_not_given_again_once_something_was_written_past_the_service() {
    let results = ResultSizes { inline_rows_max: 1, ..ResultSizes::default() };
    let emulator = start_with(EmulatorConfig { results, ..config() }).await;
    let write = |statements: &[&str]| {
        let statements: Vec<_> = statements.iter().map(|text| (*text).to_owned().into()).collect();
        tokio::task::block_in_place(|| emulator::sample::run(&emulator, statements)).unwrap();
    };
    write(&[
        "CREATE DATABASE CRM",
        "CREATE TABLE CRM.PUBLIC.T AS SELECT SEQ8() AS ID FROM TABLE(GENERATOR(ROWCOUNT => 100))",
    ]);
    let client = Client::logged_in(&emulator).await;
    client.query("USE WAREHOUSE COMPUTE_WH").await.succeeded();
    let total =
        async || client.query("SELECT ID FROM CRM.PUBLIC.T").await.succeeded().data()["total"].clone();
    assert_eq!((total().await, total().await), (json!(100), json!(100)));
    write(&["INSERT INTO CRM.PUBLIC.T VALUES (100)"]);
    assert_eq!(total().await, 101);
}
