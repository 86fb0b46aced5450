//! Requests that may be sent again: under one `Idempotency-Key` the same request is done once.

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use store::Remembered;

use super::Api;
use super::access::Caller;
use super::input::read_body;
use super::problem::Problem;

const KEY: &str = "idempotency-key";
const KEY_CHARACTERS_MAX: usize = 100;
/// Tells an answer that was given before from a new one.
const REPLAYED: &str = "idempotency-replayed";
/// The longest answer that is kept; those of requests that change something are short.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Answers a request that was answered before, and keeps the answer of one that was not.
pub(super) async fn remembered(
    State(api): State<Api>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(key) = key_of(request.method(), request.headers())? else { return Ok(next.run(request).await) };
    // The answer holds a token, which is not kept anywhere in the clear.
    let path = request.uri().path();
    if path == "/v1/tokens" || path.ends_with("/handover") {
        let detail = "making a token or a link takes no idempotency key";
        return Err(Problem::new(422, "idempotency_unsupported", detail).with_remedy(
            "leave the header out; revoke a token that was made twice, and use the later of two links",
        ));
    }
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return Ok(next.run(request).await);
    };
    let (parts, body) = request.into_parts();
    let what = format!("{} {}", parts.method, parts.uri);
    let body = read_body(Request::new(body)).await?;
    let print = fingerprint(&what, &body);
    match api.store.remember(caller.id(), &key, &print).await? {
        Remembered::Fresh => {}
        Remembered::Answered { status, body } => return Ok(replayed(status, body)),
        Remembered::InProgress => {
            let detail = "a request with this key was not answered yet";
            return Err(Problem::new(409, "idempotency_in_progress", detail)
                .with_remedy("look whether it was done; use another key to do it anew"));
        }
        Remembered::OtherRequest => {
            let detail = "this key was used for another request";
            return Err(Problem::new(422, "idempotency_key_used", detail).with_remedy("use a new key"));
        }
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    keep(&api, &caller, &key, response).await
}

fn key_of(method: &Method, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get(KEY).filter(|_| method != Method::GET) else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY_CHARACTERS_MAX);
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        Problem::new(
            400,
            "idempotency_key_invalid",
            format!("a key has 1 to {KEY_CHARACTERS_MAX} plain characters"),
        )
    })
}

fn fingerprint(what: &str, body: &Bytes) -> String {
    let of_body = digest(&SHA256, body);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, &[what.as_bytes(), of_body.as_ref()].concat()))
}

/// What failed for a reason of ours may be asked again under the same key.
async fn keep(api: &Api, caller: &Caller, key: &str, response: Response) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let answer = (!parts.status.is_server_error()).then_some((parts.status.as_u16(), text.as_ref()));
    api.store.note_answer(caller.id(), key, answer).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replayed(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = match status.is_success() {
        true => "application/json",
        false => "application/problem+json",
    };
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
