//! Just enough of Snowflake to pull from: every statement answers with chunks that are already encoded.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Response, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::events::{CHUNK_ROWS, Chunk, rowtype};

struct Service {
    port: u16,
    chunks: Vec<Chunk>,
}

/// Serves for ever; `ready` gets the port.
pub async fn serve(chunks: Vec<Chunk>, ready: impl FnOnce(u16)) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let router = Router::new()
        .route("/session/v1/login-request", post(log_in))
        .route("/queries/v1/query-request", post(query))
        .route("/session", post(async || Json(reply(&Value::Null))))
        .route("/chunk/{index}", get(chunk))
        .with_state(Arc::new(Service { port, chunks }));
    ready(port);
    axum::serve(listener, router).await
}

pub(crate) async fn log_in() -> Json<Value> {
    Json(reply(&json!({
        "token": "session", "validityInSeconds": 3600, "masterToken": "master", "masterValidityInSeconds": 14400,
        "sessionId": 1, "serverVersion": "9.0.0", "parameters": [], "sessionInfo": {},
    })))
}

/// Answers `… LIMIT n …` with n rows in chunks, or with the columns alone where only they are asked for; and what time it
/// is.
async fn query(State(service): State<Arc<Service>>, Json(request): Json<Value>) -> Json<Value> {
    let text = request["sqlText"].as_str().unwrap_or_default();
    if text.contains("SYSDATE()") {
        return Json(reply(&rows(&["now"], &[json!(["2026-01-01 00:00:00.000000000"])])));
    }
    let is_described = request["describeOnly"].as_bool().unwrap_or(false);
    let limit = text.split("LIMIT ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let rows: usize = limit.filter(|_| !is_described).and_then(|rows| rows.parse().ok()).unwrap_or(0);
    let chunks: Vec<_> = (0..rows / CHUNK_ROWS)
        .map(|index| {
            let chunk = &service.chunks[index % service.chunks.len()];
            json!({
                "url": format!("http://127.0.0.1:{}/chunk/{index}", service.port), "rowCount": CHUNK_ROWS,
                "uncompressedSize": chunk.uncompressed_bytes, "compressedSize": chunk.body.len(),
            })
        })
        .collect();
    Json(reply(&json!({
        "queryId": "01b0-bench", "rowtype": rowtype(), "rowsetBase64": "", "chunks": chunks,
        "total": chunks.len() * CHUNK_ROWS, "returned": chunks.len() * CHUNK_ROWS, "version": 1,
        "queryResultFormat": "arrow", "statementTypeId": 4096, "parameters": [],
    })))
}

async fn chunk(State(service): State<Arc<Service>>, Path(index): Path<usize>) -> Response<Body> {
    let chunk = &service.chunks[index % service.chunks.len()];
    let mut response = Response::new(Body::from(chunk.body.clone()));
    response.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
    response
}

pub(crate) fn reply(data: &Value) -> Value {
    json!({ "data": data, "code": null, "message": null, "success": true, "headers": null })
}

/// A result of texts.
pub(crate) fn rows(columns: &[&str], rows: &[Value]) -> Value {
    let rowtype: Vec<Value> = columns
        .iter()
        .map(|name| json!({ "name": name, "type": "text", "length": 16_777_216, "nullable": true }))
        .collect();
    json!({
        "queryId": "01b0-bench", "rowtype": rowtype, "rowset": rows, "total": rows.len(), "returned": rows.len(),
        "version": 1, "queryResultFormat": "json", "statementTypeId": 4096, "parameters": [],
    })
}
