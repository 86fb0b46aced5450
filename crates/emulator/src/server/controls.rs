//! The emulator's own routes, for tests in other languages: faults, gates, the clock and the request log over
//! HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::request_log::LoggedRequest;
use crate::account::Account;
use crate::fault::FaultRule;

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(FaultRule),
    Many(Vec<FaultRule>),
}

/// `POST /emulator/faults` with one rule or a list of them
pub(super) async fn add_faults(State(account): State<Arc<Account>>, body: Bytes) -> Response {
    let rules = match serde_json::from_slice(&body) {
        Ok(OneOrMany::One(rule)) => vec![rule],
        Ok(OneOrMany::Many(rules)) => rules,
        Err(error) => {
            let problem = json!({ "error": format!("not a fault rule: {error}") });
            return (StatusCode::BAD_REQUEST, Json(problem)).into_response();
        }
    };
    for rule in rules {
        account.faults.add(rule);
    }
    StatusCode::NO_CONTENT.into_response()
}

/// `DELETE /emulator/faults`
pub(super) async fn clear_faults(State(account): State<Arc<Account>>) -> StatusCode {
    account.faults.clear();
    StatusCode::NO_CONTENT
}

/// `POST /emulator/gates/{name}/release`
pub(super) async fn release(State(account): State<Arc<Account>>, Path(name): Path<String>) -> StatusCode {
    account.faults.release(&name);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Advance {
    advance_s: u64,
}

/// `POST /emulator/clock` with how many seconds to go forward
pub(super) async fn advance(State(account): State<Arc<Account>>, body: Bytes) -> Response {
    match serde_json::from_slice::<Advance>(&body) {
        Ok(Advance { advance_s }) => {
            account.clock.advance(Duration::from_secs(advance_s));
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => {
            let problem = json!({ "error": format!("not a time to advance by: {error}") });
            (StatusCode::BAD_REQUEST, Json(problem)).into_response()
        }
    }
}

/// `GET /emulator/requests`
pub(super) async fn requests(State(account): State<Arc<Account>>) -> Json<Vec<LoggedRequest>> {
    Json(account.requests.all())
}
