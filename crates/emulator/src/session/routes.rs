//! Renewing, keeping alive and ending a session.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::authorization::token;
use super::{Session, Sessions};
use crate::account::Account;
use crate::wire::{self, Refusal};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RenewRequest {
    request_type: Option<String>,
}

impl Sessions {
    /// The session whose token a request shows.
    pub(crate) fn of_request(&self, headers: &HeaderMap) -> Result<Arc<Session>, Refusal> {
        self.by_session_token(token(headers)?)
    }
}

/// `POST /session/token-request`
pub(crate) async fn renew(State(account): State<Arc<Account>>, headers: HeaderMap, body: Bytes) -> Response {
    match renewed(&account, &headers, &body) {
        Ok(data) => wire::success(&data),
        Err(refusal) => refusal.into_response(),
    }
}

fn renewed(account: &Account, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let request: RenewRequest = serde_json::from_slice(body)
        .map_err(|_| Refusal::new("390400", "The renewal request is not valid JSON."))?;
    let master = token(headers)?;
    let validity = account.config.validity;
    match request.request_type.as_deref() {
        Some("RENEW") | None => {
            let (session_id, tokens) = account.sessions.renew(master)?;
            Ok(json!({
                "sessionToken": tokens.session,
                "validityInSecondsST": validity.session_token.as_secs(),
                "masterToken": tokens.master,
                "validityInSecondsMT": validity.master_token.as_secs(),
                "sessionId": session_id,
            }))
        }
        Some("ISSUE") => {
            let (session_id, token) = account.sessions.issue_more(master)?;
            Ok(json!({
                "sessionToken": token,
                "validityInSecondsST": validity.session_token.as_secs(),
                "masterToken": master,
                "validityInSecondsMT": validity.master_token.as_secs(),
                "sessionId": session_id,
            }))
        }
        Some(_) => Err(Refusal::new("390400", "The renewal request has an unknown type.")),
    }
}

/// `POST /session/heartbeat`
pub(crate) async fn heartbeat(State(account): State<Arc<Account>>, headers: HeaderMap) -> Response {
    match account.sessions.of_request(&headers) {
        Ok(session) => {
            account.sessions.keep_alive(session.id);
            wire::success(&Value::Null)
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// `POST /session?delete=true` and `POST /session/logout-request`
pub(crate) async fn log_out(State(account): State<Arc<Account>>, headers: HeaderMap) -> Response {
    match account.sessions.of_request(&headers) {
        Ok(session) => {
            account.sessions.remove(session.id);
            account.statements.abort_session(&session);
            wire::success(&Value::Null)
        }
        Err(refusal) => refusal.into_response(),
    }
}
