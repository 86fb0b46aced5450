//! `POST /queries/v1/query-request`: start a statement, or join the one that the same request started.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Extension, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::registry::NewStatement;
use super::request::QueryRequest;
use super::run::{self, Job};
use super::{Ending, Statement, reply};
use crate::account::Account;
use crate::fault::Gate;
use crate::outcome::SqlError;
use crate::server::base_url;
use crate::sql::SqlRequest;
use crate::wire::Refusal;

pub(crate) async fn submit(
    State(account): State<Arc<Account>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    gate: Option<Extension<Gate>>,
    body: Bytes,
) -> Response {
    let session = match account.sessions.of_request(&headers) {
        Ok(session) => session,
        Err(refusal) => return refusal.into_response(),
    };
    let Ok(mut request) = serde_json::from_slice::<QueryRequest>(&body) else {
        return Refusal::new("390400", "The query request is not valid JSON.").into_response();
    };
    if let Some(error) = unsupported(&request) {
        return Refusal::of_statement(&error, "").into_response();
    }
    let request_id =
        query.get("requestId").or_else(|| query.get("request_id")).cloned().unwrap_or_else(random_request_id);
    let parameters = request.parameters();
    let tag = session.settings().parameters.for_statement(&parameters).text("QUERY_TAG");
    let (statement, is_new) = account.statements.begin(NewStatement {
        id: account.next_query_id(),
        request_id: &request_id,
        session: &session,
        text: &request.sql_text,
        is_async: request.async_exec,
        tag: tag.unwrap_or_default(),
    });
    if is_new {
        let sql = SqlRequest {
            query_id: statement.id.clone(),
            text: std::mem::take(&mut request.sql_text),
            bindings: request.bindings(),
            parameters,
        };
        let job = Job {
            account: Arc::clone(&account),
            session,
            statement: Arc::clone(&statement),
            request: sql,
            is_description: request.describe_only,
            gate: gate.map(|Extension(gate)| gate),
        };
        tokio::spawn(run::run(job));
    }
    if statement.is_async {
        return reply::in_progress(&statement, reply::DETACHED);
    }
    let base = base_url(&account, &headers);
    answer(&account, &statement, &base, reply::RUNNING).await
}

/// Waits as long as a request is held, then says how far the statement is.
pub(super) async fn answer(
    account: &Account,
    statement: &Statement,
    base_url: &str,
    code_if_running: &str,
) -> Response {
    let mut shutdown = account.shutdown.subscribe();
    let ending = tokio::select! {
        ending = statement.ending_within(account.config.hold) => ending,
        _ = shutdown.wait_for(|is_down| *is_down) => None,
    };
    match ending {
        Some(Ending::Done(done)) => reply::done(account, statement, &done, base_url),
        Some(Ending::Failed(error)) => Refusal::of_statement(&error, &statement.id).into_response(),
        None => reply::in_progress(statement, code_if_running),
    }
}

fn unsupported(request: &QueryRequest) -> Option<SqlError> {
    request.bind_stage.as_ref().map(|_| SqlError {
        code: "000002",
        sql_state: "0A000",
        message: "Unsupported feature 'bindStage'.".to_owned(),
        position: None,
    })
}

fn random_request_id() -> String {
    Uuid::new_v4().to_string()
}
