//! Just enough of Snowflake to push into: a table, a place for files that keeps none, and a COPY that counts their rows.
//!
//! What a file holds is read from its own end: the last blocks are decrypted, and the Parquet footer in them says the
//! number of rows. So a short file would be noticed, at a price that does not grow with the rows.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::cipher::{
    AES_128, DecryptingKey, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::routing::{post, put};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use parquet::file::metadata::{FooterTail, ParquetMetaDataReader};
use serde_json::{Value, json};

use crate::service::{log_in, reply, rows};
use crate::table::TARGET_COLUMNS;

/// What file keys are wrapped with.
const MASTER_KEY: [u8; 16] = *b"bench master key";
const BLOCK_BYTES: usize = 16;
/// The last part of a Parquet file: the length of its metadata, and a magic word.
const FOOTER_BYTES: usize = 8;
/// What is kept of a file: more than the metadata of files of this size ever take.
const END_BYTES: usize = 1024 * 1024;

#[derive(Default)]
struct Receiver {
    port: u16,
    /// Rows by file name.
    files: Mutex<HashMap<String, u64>>,
}

/// Serves for ever; `ready` gets the port.
pub async fn serve(ready: impl FnOnce(u16)) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let router = Router::new()
        .route("/session/v1/login-request", post(log_in))
        .route("/queries/v1/query-request", post(query))
        .route("/session", post(async || Json(reply(&Value::Null))))
        .route("/bucket/{*name}", put(take))
        .with_state(Arc::new(Receiver { port, ..Receiver::default() }));
    ready(port);
    axum::serve(listener, router).await
}

/// Takes a file in, remembers its rows and forgets the rest.
async fn take(
    State(receiver): State<Arc<Receiver>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<[(HeaderName, &'static str); 1], StatusCode> {
    let body = end_of(body).await.map_err(|_| StatusCode::BAD_REQUEST)?;
    let rows = headers.get("x-amz-meta-x-amz-key").and_then(|key| rows_of(key.to_str().ok()?, &body));
    let rows = rows.ok_or(StatusCode::BAD_REQUEST)?;
    let name = name.rsplit('/').next().unwrap_or(&name).to_owned();
    receiver.files.lock().unwrap_or_else(PoisonError::into_inner).insert(name, rows);
    Ok([(header::ETAG, "\"taken\"")])
}

/// The end of a body, without the memory of all of it.
async fn end_of(body: Body) -> Result<Vec<u8>, axum::Error> {
    let mut pieces = body.into_data_stream();
    let (mut kept, mut kept_bytes) = (VecDeque::<Bytes>::new(), 0);
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        kept_bytes += piece.len();
        kept.push_back(piece);
        while let Some(first) = kept.front().map(Bytes::len).filter(|first| kept_bytes - first >= END_BYTES) {
            kept_bytes -= first;
            kept.pop_front();
        }
    }
    Ok(kept.iter().flatten().copied().collect())
}

/// The number of rows that an encrypted Parquet file says it has.
fn rows_of(wrapped_key: &str, body: &[u8]) -> Option<u64> {
    let master = UnboundCipherKey::new(&AES_128, &MASTER_KEY).ok()?;
    let mut wrapped = BASE64_STANDARD.decode(wrapped_key).ok()?;
    let unwrapping = PaddedBlockDecryptingKey::ecb_pkcs7(master).ok()?;
    let file_key = unwrapping.decrypt(&mut wrapped, DecryptionContext::None).ok()?.to_vec();
    let last = tail(&file_key, body, FOOTER_BYTES)?;
    let footer = FooterTail::try_from(<[u8; FOOTER_BYTES]>::try_from(last.as_slice()).ok()?).ok()?;
    let metadata = tail(&file_key, body, footer.metadata_length() + FOOTER_BYTES)?;
    let metadata = ParquetMetaDataReader::decode_metadata(&metadata[..footer.metadata_length()]).ok()?;
    u64::try_from(metadata.file_metadata().num_rows()).ok()
}

/// The last `count` bytes of what was encrypted: every block needs only the one before it.
fn tail(file_key: &[u8], body: &[u8], count: usize) -> Option<Vec<u8>> {
    let blocks = (count + BLOCK_BYTES).div_ceil(BLOCK_BYTES).min(body.len() / BLOCK_BYTES - 1);
    let (before, last) = body.split_at(body.len() - blocks * BLOCK_BYTES);
    let iv: [u8; BLOCK_BYTES] = before.last_chunk().copied()?;
    let key = DecryptingKey::cbc(UnboundCipherKey::new(&AES_128, file_key).ok()?).ok()?;
    let mut last = last.to_vec();
    key.decrypt(&mut last, DecryptionContext::Iv128(FixedLength::from(&iv))).ok()?;
    let padding = usize::from(*last.last()?);
    last.truncate(last.len().checked_sub(padding)?);
    Some(last.split_off(last.len().checked_sub(count)?))
}

/// Answers by the statement's first words.
async fn query(State(receiver): State<Arc<Receiver>>, Json(request): Json<Value>) -> Json<Value> {
    let text = request["sqlText"].as_str().unwrap_or_default().trim_start();
    let data = if text.starts_with("PUT") {
        receiver.place(text)
    } else if text.starts_with("SHOW TABLES") {
        rows(&["name", "kind", "rows", "created_on"], &[json!(["EVENTS", "TABLE", "0", "2026-01-01"])])
    } else if text.starts_with("SHOW COLUMNS") {
        let columns = TARGET_COLUMNS.map(|(name, data_type)| json!(["EVENTS", name, data_type, "COLUMN"]));
        rows(&["table_name", "column_name", "data_type", "kind"], &columns)
    } else if text.starts_with("COPY") {
        receiver.copy(text)
    } else {
        rows(&["status"], &[json!(["done"])])
    };
    Json(reply(&data))
}

impl Receiver {
    /// The folder that a PUT names, at this very server.
    fn place(&self, text: &str) -> Value {
        let folder =
            text.split('@').nth(1).and_then(|rest| rest.split(['\'', ' ']).next()).unwrap_or_default();
        json!({
            "command": "UPLOAD", "src_locations": ["/none"], "parallel": 4, "threshold": 209_715_200,
            "autoCompress": false, "overwrite": true, "sourceCompression": "none",
            "encryptionMaterial": {
                "queryStageMasterKey": BASE64_STANDARD.encode(MASTER_KEY), "queryId": "01b0", "smkId": 1,
            },
            "stageInfo": {
                "locationType": "S3", "location": format!("bucket/{folder}"), "path": folder,
                "region": "us-east-1", "isClientSideEncrypted": true,
                "endPoint": format!("http://127.0.0.1:{}", self.port),
                "creds": { "AWS_KEY_ID": "key", "AWS_SECRET_KEY": "secret", "AWS_TOKEN": "token" },
            },
            "queryId": "01b0-bench",
        })
    }

    /// Says of each file that a COPY names that its rows were loaded.
    fn copy(&self, text: &str) -> Value {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let named = text.split("FILES=(").nth(1).and_then(|rest| rest.split(')').next()).unwrap_or_default();
        let loaded: Vec<Value> = named
            .split(',')
            .map(|name| name.trim().trim_matches('\''))
            .map(|name| {
                let rows = files.get(name).copied().unwrap_or_default().to_string();
                json!([name, "LOADED", rows, rows, "1", "0", null, null, null, null])
            })
            .collect();
        let columns = [
            "file",
            "status",
            "rows_parsed",
            "rows_loaded",
            "error_limit",
            "errors_seen",
            "first_error",
            "first_error_line",
            "first_error_character",
            "first_error_column_name",
        ];
        rows(&columns, &loaded)
    }
}
