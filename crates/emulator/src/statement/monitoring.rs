//! `GET /monitoring/queries/{id}`: how a statement is doing, without its result.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Ending, Progress, Statement};
use crate::account::Account;
use crate::wire;

pub(crate) async fn monitor(
    State(account): State<Arc<Account>>,
    Path(query_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let session = match account.sessions.of_request(&headers) {
        Ok(session) => session,
        Err(refusal) => return refusal.into_response(),
    };
    let statement = account.statements.by_id(&query_id).filter(|statement| statement.user == session.user);
    let queries: Vec<Value> = statement.iter().map(|statement| status(&account, statement)).collect();
    wire::success(&json!({ "queries": queries }))
}

fn status(account: &Account, statement: &Statement) -> Value {
    let (status, ended_at, error, rows) = match statement.progress() {
        Progress::Queued => ("QUEUED", None, None, 0),
        Progress::Running => ("RUNNING", None, None, 0),
        Progress::Ended { at, ending: Ending::Done(done) } => ("SUCCESS", Some(at), None, done.encoded.total),
        Progress::Ended { at, ending: Ending::Failed(error) } => {
            ("FAILED_WITH_ERROR", Some(at), Some(error), 0)
        }
    };
    let until = ended_at.unwrap_or_else(|| account.clock.now());
    let context = account.sessions.get(statement.session_id).map(|session| session.settings().context);
    let used = statement.used_warehouse();
    json!({
        "id": statement.id,
        "status": status,
        "state": status,
        "startTime": statement.started_at.as_millisecond(),
        "endTime": ended_at.map_or(0, |at| at.as_millisecond()),
        "totalDuration": until.duration_since(statement.started_at).as_millis(),
        "errorCode": error.as_ref().map_or("", |error| error.code),
        "errorMessage": error.as_ref().map(|error| error.message.as_str()),
        "sqlText": statement.text,
        "sessionId": statement.session_id,
        "warehouseId": 1,
        "warehouseName": context.and_then(|context| context.warehouse),
        "warehouseExternalSize": used.map(|used| used.size.as_str()),
        "warehouseServerType": used.map(|_| "STANDARD"),
        "stats": { "scanBytes": 0, "producedRows": rows },
    })
}
