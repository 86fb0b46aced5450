//! Stopping a statement, by the id of the request that started it or by its own.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::request::AbortRequest;
use super::{CancelReason, Statement};
use crate::account::Account;
use crate::wire::{self, Refusal};

/// `POST /queries/v1/abort-request`
pub(crate) async fn abort_by_request(
    State(account): State<Arc<Account>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let session = match account.sessions.of_request(&headers) {
        Ok(session) => session,
        Err(refusal) => return refusal.into_response(),
    };
    let Ok(request) = serde_json::from_slice::<AbortRequest>(&body) else {
        return Refusal::new("390400", "The abort request is not valid JSON.").into_response();
    };
    abort(account.statements.by_request(session.id, &request.request_id))
}

/// `POST /queries/{id}/abort-request`
pub(crate) async fn abort_by_id(
    State(account): State<Arc<Account>>,
    Path(query_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match account.sessions.of_request(&headers) {
        Ok(session) => {
            abort(account.statements.by_id(&query_id).filter(|statement| statement.user == session.user))
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn abort(statement: Option<Arc<Statement>>) -> Response {
    match statement {
        Some(statement) if statement.cancel(CancelReason::Asked) => wire::success(&Value::Null),
        _ => Refusal::new("000605", "Identified SQL statement is not currently executing.").into_response(),
    }
}
