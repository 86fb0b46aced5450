//! Serving a request with its faults: some before the route, some on its reply.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Action, Subject, reply};
use crate::account::Account;
use crate::server::connection::Connection;
use crate::wire::Refusal;

pub(crate) async fn serve(
    account: &Account,
    connection: &Connection,
    subject: &Subject<'_>,
    actions: Vec<Action>,
    mut request: Request,
    next: Next,
) -> Response {
    for action in &actions {
        if let Some(instead) = before(account, connection, subject, action, &mut request).await {
            return instead;
        }
    }
    let mut response = next.run(request).await;
    for action in &actions {
        response = after(account, connection, subject, action, response).await;
    }
    response
}

/// What happens before the route, and the reply if the route is not reached.
async fn before(
    account: &Account,
    connection: &Connection,
    subject: &Subject<'_>,
    action: &Action,
    request: &mut Request,
) -> Option<Response> {
    match action {
        Action::Status { status, retry_after_s } => return Some(status_reply(*status, *retry_after_s)),
        Action::Error { code, sql_state, message } => {
            let data = json!({ "errorCode": code, "sqlState": sql_state });
            return Some(Refusal::new(code, message.clone()).with_data(data).into_response());
        }
        Action::DropBefore => {
            connection.cut();
            return Some(StatusCode::SERVICE_UNAVAILABLE.into_response());
        }
        Action::Delay { delay_ms } => tokio::time::sleep(Duration::from_millis(*delay_ms)).await,
        Action::Hold { gate } => account.faults.gate(gate).pass().await,
        Action::HoldExecution { gate } => {
            request.extensions_mut().insert(account.faults.gate(gate));
        }
        Action::ExpireSession | Action::ExpireMaster | Action::EndSession => {
            end_session(account, subject, action);
        }
        Action::ExpireCredentials => {
            subject.key_id.iter().for_each(|key_id| account.stage_credentials.expire(key_id));
        }
        Action::ExpireChunkLinks => {
            let statement = subject.query_id.and_then(|query_id| account.statements.by_id(query_id));
            statement.iter().for_each(|statement| statement.links.expire());
        }
        _ => {}
    }
    None
}

fn end_session(account: &Account, subject: &Subject<'_>, action: &Action) {
    let Ok(session) = account.sessions.of_request(subject.headers) else { return };
    match action {
        Action::EndSession => {
            account.sessions.remove(session.id);
            account.statements.abort_session(&session);
        }
        Action::ExpireMaster => account.sessions.expire(session.id, true),
        _ => account.sessions.expire(session.id, false),
    }
}

/// What happens to the route's reply.
async fn after(
    account: &Account,
    connection: &Connection,
    subject: &Subject<'_>,
    action: &Action,
    response: Response,
) -> Response {
    match action {
        Action::DropAfter => {
            connection.cut();
            response
        }
        Action::HoldReply { gate } => {
            account.faults.gate(gate).pass().await;
            response
        }
        Action::StillRunning => reply::still_running(response, subject.query_id).await,
        Action::Truncate { bytes } => reply::truncated(response, *bytes).await,
        Action::CutBody { bytes } => reply::cut(response, *bytes).await,
        Action::KeepRows { rows } => reply::with_rows(response, *rows).await,
        Action::KeepInlineRows { rows } => reply::with_inline_rows(response, *rows).await,
        Action::OmitContentEncoding => {
            let mut response = response;
            response.headers_mut().remove(header::CONTENT_ENCODING);
            response
        }
        _ => response,
    }
}

fn status_reply(status: u16, retry_after_s: Option<u64>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, format!("{status}\n")).into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
