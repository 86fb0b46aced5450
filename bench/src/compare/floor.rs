//! The floor of a pull, a program of its own: the account's chunks read from files, decompressed, decoded and converted on
//! two threads, and their rows landed in one statement, with a checkpoint. No protocol, no order, no position.

use std::error::Error;
use std::fs;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::{io, thread};

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::logical;
use crate::landing;

/// The cores of the machine that the goals are set for.
const THREADS: usize = 2;
/// Batches on their way from the threads that decode to the statement that inserts.
const BATCHES_WAITING_MAX: usize = 8;
/// The folder of the chunks, in that of what every run starts from.
const CHUNKS: &str = "chunks";

/// Lands the rows of the chunks that were fetched into `prepared`, in a new file in `folder`.
pub fn land(prepared: &Path, folder: &Path) -> io::Result<()> {
    let chunks = fs::read_dir(prepared.join(CHUNKS))?.map(|entry| entry.map(|entry| entry.path()));
    let chunks: Arc<[PathBuf]> = chunks.collect::<io::Result<Vec<_>>>()?.into();
    let next = Arc::new(AtomicUsize::new(0));
    let (sender, batches) = mpsc::sync_channel(BATCHES_WAITING_MAX);
    for _ in 0..THREADS {
        let (chunks, next, sender) = (Arc::clone(&chunks), Arc::clone(&next), sender.clone());
        thread::spawn(move || {
            while let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
                decode(chunk, &sender);
            }
        });
    }
    drop(sender);
    let first: RecordBatch = batches.recv().map_err(io::Error::other)?;
    landing::insert(first.schema(), std::iter::once(first).chain(batches), folder);
    Ok(())
}

fn decode(chunk: &Path, batches: &mpsc::SyncSender<RecordBatch>) {
    let body = fs::read(chunk).expect("the chunk can be read");
    let gzip = GzDecoder::new(&body[..]);
    let reader = StreamReader::try_new(BufReader::new(gzip), None).expect("the chunk is an Arrow stream");
    for batch in reader {
        let batch = logical::converted(&batch.expect("the chunk is whole"));
        batches.send(batch).expect("the rows are waited for");
    }
}

/// Fetches the result of reading `table`, part by part, with as little of the protocol as there can be.
pub async fn fetch(port: u16, table: &str, prepared: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
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
        .json(&json!({ "sqlText": format!("SELECT * FROM BENCH.PUBLIC.{table}") }))
        .send()
        .await?
        .json()
        .await?;
    let folder = prepared.join(CHUNKS);
    fs::create_dir_all(&folder)?;
    let inline = BASE64_STANDARD.decode(reply["data"]["rowsetBase64"].as_str().unwrap_or_default())?;
    if !inline.is_empty() {
        let mut file = GzEncoder::new(fs::File::create(folder.join("inline"))?, Compression::default());
        file.write_all(&inline)?;
        file.finish()?;
    }
    for (number, chunk) in reply["data"]["chunks"].as_array().into_iter().flatten().enumerate() {
        let mut request = http.get(chunk["url"].as_str().ok_or("a chunk has no address")?);
        for (name, value) in reply["data"]["chunkHeaders"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        let body = request.send().await?.error_for_status()?.bytes().await?;
        fs::write(folder.join(number.to_string()), body)?;
    }
    Ok(())
}
