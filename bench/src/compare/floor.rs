//! The floor of a pull: the account's own chunks decompressed and decoded on two threads, and their rows landed in one
//! statement. No protocol, no checkpoint, no order.

use std::io;
use std::path::Path;

use arrow_array::RecordBatch;
use futures_util::StreamExt;
use serde_json::{Value, json};
use snowflake::{DecodeOptions, Session};

use super::account::config;
use crate::events::Chunk;
use crate::measurement::Measurement;
use crate::{floor, landing};

/// The cores of the machine that the goals are set for.
const THREADS: usize = 2;

/// Measures the floor of the table on `port`; what it starts from is in memory before the clock starts.
pub async fn measure(port: u16, table: &str, folder: &Path) -> io::Result<Measurement> {
    let select = format!("SELECT * FROM BENCH.PUBLIC.{table}");
    let chunks = chunks(port, &select).await.map_err(io::Error::other)?;
    let batches = batches(port, &select).await.map_err(io::Error::other)?;
    let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    Ok(Measurement::take(|| {
        floor::decode(&chunks, chunks.len(), THREADS);
        landing::insert(batches, folder);
        rows
    }))
}

/// The rows as the client gives them.
async fn batches(port: u16, select: &str) -> snowflake::Result<Vec<RecordBatch>> {
    let session = Session::connect(config(port)).await?;
    let mut stream = session.query(select.to_owned()).await?.batches(DecodeOptions::default())?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(batch?.into_batch());
    }
    session.close().await?;
    Ok(batches)
}

/// The bodies of the result's chunks, fetched with as little of the protocol as there can be.
async fn chunks(port: u16, select: &str) -> Result<Vec<Chunk>, Box<dyn std::error::Error + Send + Sync>> {
    let address = format!("http://127.0.0.1:{port}");
    let http = reqwest::Client::builder().no_gzip().no_proxy().build()?;
    let log_in = json!({ "data": {
        "LOGIN_NAME": emulator::DEFAULT_USER, "PASSWORD": emulator::DEFAULT_PASSWORD, "ACCOUNT_NAME": "bench",
        "CLIENT_APP_ID": "Go", "CLIENT_APP_VERSION": "1.13.0",
    }});
    let path = format!("{address}/session/v1/login-request?warehouse=BENCH_WH&roleName=ACCOUNTADMIN");
    let reply: Value = http.post(path).json(&log_in).send().await?.json().await?;
    let token = reply["data"]["token"].as_str().ok_or("the log-in is refused")?;
    let reply: Value = http
        .post(format!("{address}/queries/v1/query-request?requestId={}", uuid::Uuid::new_v4()))
        .header("Authorization", format!("Snowflake Token=\"{token}\""))
        .header("Accept", "application/snowflake")
        .json(&json!({ "sqlText": select }))
        .send()
        .await?
        .json()
        .await?;
    let mut chunks = Vec::new();
    for chunk in reply["data"]["chunks"].as_array().ok_or("the result has no chunks")? {
        let mut request = http.get(chunk["url"].as_str().ok_or("a chunk has no address")?);
        for (name, value) in reply["data"]["chunkHeaders"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        let body = request.send().await?.error_for_status()?.bytes().await?;
        chunks.push(Chunk { body, uncompressed_bytes: chunk["uncompressedSize"].as_u64().unwrap_or(0) });
    }
    Ok(chunks)
}
