//! Replies made wrong on purpose: shorter than they say, or not over yet.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::encode::chunk::{keep_arrow_rows, keep_rows};
use crate::wire;

async fn whole(response: Response) -> (axum::http::response::Parts, Bytes) {
    let (mut head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    head.headers.remove(header::CONTENT_LENGTH);
    (head, body)
}

/// Ends early, with a length that agrees.
pub(super) async fn truncated(response: Response, bytes: usize) -> Response {
    let (head, body) = whole(response).await;
    Response::from_parts(head, Body::from(body.slice(..bytes.min(body.len()))))
}

/// Announces the whole length and breaks off.
pub(super) async fn cut(response: Response, bytes: usize) -> Response {
    let (mut head, body) = whole(response).await;
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let first = body.slice(..bytes.min(body.len()));
    let broken = async {
        // The first part leaves for the client while this one is awaited.
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    };
    let parts = stream::iter([Ok(first)]).chain(stream::once(broken));
    Response::from_parts(head, Body::from_stream(parts))
}

/// A chunk with fewer rows than announced.
pub(super) async fn with_rows(response: Response, rows: usize) -> Response {
    let (head, body) = whole(response).await;
    let body = keep_rows(&body, rows).map_or(body, Bytes::from);
    Response::from_parts(head, Body::from(body))
}

/// A reply with fewer rows inside than announced.
pub(super) async fn with_inline_rows(response: Response, rows: usize) -> Response {
    let (head, body) = whole(response).await;
    let Ok(mut reply) = serde_json::from_slice::<Value>(&body) else {
        return Response::from_parts(head, Body::from(body));
    };
    let data = &mut reply["data"];
    if let Some(rowset) = data.get_mut("rowset").and_then(Value::as_array_mut) {
        rowset.truncate(rows);
    }
    if let Some(text) = data.get("rowsetBase64").and_then(Value::as_str) {
        let stream = STANDARD.decode(text).unwrap_or_default();
        let kept = if rows == 0 { None } else { keep_arrow_rows(&stream, rows).ok() };
        data["rowsetBase64"] = json!(kept.map(|kept| STANDARD.encode(kept)).unwrap_or_default());
    }
    Response::from_parts(head, Body::from(reply.to_string()))
}

/// In place of a result, that there is none yet.
pub(super) async fn still_running(response: Response, query_id: Option<&str>) -> Response {
    let (head, body) = whole(response).await;
    let reply = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    let query_id = query_id.or_else(|| reply["data"]["queryId"].as_str());
    let Some(query_id) = query_id else { return Response::from_parts(head, Body::from(body)) };
    let data = json!({
        "queryId": query_id,
        "getResultUrl": format!("/queries/{query_id}/result"),
        "queryAbortsAfterSecs": 300,
        "progressDesc": null,
    });
    wire::notice(&data, "333333", "Query execution in progress.")
}
