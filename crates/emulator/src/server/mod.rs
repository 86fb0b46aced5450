//! The HTTP side: routes, the connections below them, and what happens to every request.

pub(crate) mod connection;
mod controls;
mod observe;
mod plain_text;
pub(crate) mod request_log;
pub(crate) mod route;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Router, middleware};
use serde_json::json;

use crate::account::Account;
use crate::s3::BUCKET;
use crate::{login, s3, session, statement, wire};

/// All routes of the emulator.
pub(crate) fn router(account: &Arc<Account>) -> Router {
    Router::new()
        .route("/session/v1/login-request", post(login::log_in))
        .route("/oauth/token-request", post(login::oauth::token_request))
        .route("/session/token-request", post(session::renew))
        .route("/session/heartbeat", post(session::heartbeat))
        .route("/session/heartbeat/v1", post(session::heartbeat))
        .route("/session", post(session::log_out))
        .route("/session/logout-request", post(session::log_out))
        .route("/queries/v1/query-request", post(statement::submit))
        .route("/queries/v1/abort-request", post(statement::abort_by_request))
        .route("/queries/{id}/abort-request", post(statement::abort_by_id))
        .route("/queries/{id}/result", get(statement::result))
        .route("/monitoring/queries/{id}", get(statement::monitor))
        // The Python connector 5 asks with a doubled slash.
        .route("/monitoring/queries//{id}", get(statement::monitor))
        .route("/chunks/{id}/{index}", get(statement::chunk))
        .route("/telemetry/send", post(telemetry))
        .route("/telemetry/send/sessionless", post(telemetry))
        .route(&format!("/{BUCKET}"), any(s3::serve))
        .route(&format!("/{BUCKET}/"), any(s3::serve))
        .route(&format!("/{BUCKET}/{{*key}}"), any(s3::serve))
        .route("/emulator/faults", post(controls::add_faults).delete(controls::clear_faults))
        .route("/emulator/gates/{name}/release", post(controls::release))
        .route("/emulator/clock", post(controls::advance))
        .route("/emulator/requests", get(controls::requests))
        .fallback(unknown)
        // Bodies are bounded before they come here.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(account), observe::observe))
        .with_state(Arc::clone(account))
}

/// The address under which the client reached us, for links in replies.
pub(crate) fn base_url(account: &Account, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.map_or_else(|| format!("http://{}", account.config.address), |host| format!("http://{host}"))
}

async fn telemetry(State(_): State<Arc<Account>>) -> Response {
    wire::success(&json!("Log Received"))
}

async fn unknown() -> Response {
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain")], "404 Not Found").into_response()
}
