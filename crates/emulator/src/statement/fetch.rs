//! Results of statements by their id, and the chunks of a result.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Ending, reply, submit};
use crate::account::Account;
use crate::server::base_url;
use crate::wire::Refusal;

/// `GET /queries/{id}/result`: a long poll while the statement runs.
pub(crate) async fn result(
    State(account): State<Arc<Account>>,
    Path(query_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let session = match account.sessions.of_request(&headers) {
        Ok(session) => session,
        Err(refusal) => return refusal.into_response(),
    };
    let statement = account.statements.by_id(&query_id).filter(|statement| statement.user == session.user);
    let Some(statement) = statement else {
        return Refusal::new("000612", format!("Result for query {query_id} not found.")).into_response();
    };
    let base = base_url(&account, &headers);
    submit::answer(&account, &statement, &base, reply::DETACHED).await
}

/// `GET /chunks/{id}/{index}`: as a cloud store serves a signed link, without a session.
pub(crate) async fn chunk(
    State(account): State<Arc<Account>>,
    Path((query_id, index)): Path<(String, usize)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if headers.contains_key(header::AUTHORIZATION) {
        let message = "Only one auth mechanism allowed; only the Signature query string parameter or the \
                       Authorization header should be specified";
        return store_error(StatusCode::BAD_REQUEST, "InvalidArgument", message);
    }
    let Some(statement) = account.statements.by_id(&query_id) else {
        return store_error(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
    };
    let signature = query.get("Signature").map(String::as_str).unwrap_or_default();
    if !statement.links.is_valid(signature, account.clock.now()) {
        return store_error(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired");
    }
    if !statement.links.has_keys(&headers) {
        let message = "The object was stored using a form of Server Side Encryption. The correct parameters must \
                       be provided to retrieve the object.";
        return store_error(StatusCode::BAD_REQUEST, "InvalidRequest", message);
    }
    let Some(Ending::Done(done)) = statement.ending() else {
        return store_error(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
    };
    let Some(chunk) = done.encoded.chunks.get(index) else {
        return store_error(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
    };
    // JSON chunks too: the Node driver parses whatever claims to be JSON, and rows without brackets are not.
    let headers = [(header::CONTENT_TYPE, "binary/octet-stream"), (header::CONTENT_ENCODING, "gzip")];
    (headers, chunk.body.clone()).into_response()
}

fn store_error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}
