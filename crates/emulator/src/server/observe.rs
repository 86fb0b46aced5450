//! What happens to every request: it is unpacked, logged, and met by the fault script before and after its route.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::connection::Connection;
use super::plain_text::{self, REQUEST_BYTES_MAX};
use super::request_log::LoggedRequest;
use super::route::Route;
use crate::account::Account;
use crate::fault::{self, Subject};
use crate::s3;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatementText {
    sql_text: String,
}

pub(super) async fn observe(
    State(account): State<Arc<Account>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let (mut head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, REQUEST_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let route = Route::of(&head.method, &head.uri);
    // Objects are stored and given as they are.
    let body = if route.is_store() { Ok(body) } else { plain_text::plain(&mut head.headers, body) };
    let Ok(body) = body else { return StatusCode::BAD_REQUEST.into_response() };
    let accepts_gzip =
        account.config.compresses_replies && !route.is_store() && plain_text::accepts_gzip(&head.headers);
    let path = head.uri.path().to_owned();
    let statement = statement_text(&account, route, &head, &body);
    let subject = Subject {
        route,
        statement: statement.as_deref(),
        query_id: route.query_id(&path),
        headers: &head.headers.clone(),
        key_id: if route.is_store() { s3::key_id(&head) } else { None },
    };
    let actions = if route == Route::Control { Vec::new() } else { account.faults.take(&subject) };
    let faults = actions.iter().map(|action| action.name().to_owned()).collect();
    let number = account.requests.add(logged(&head, route, statement.clone(), faults));
    let request = Request::from_parts(head, Body::from(body));
    let response = fault::serve(&account, &connection, &subject, actions, request, next).await;
    let response = if accepts_gzip { plain_text::compressed(response).await } else { response };
    account.requests.set_status(number, response.status().as_u16());
    dated(&account, response)
}

/// With the time of the account's own clock, by which clients notice that theirs is wrong.
fn dated(account: &Account, mut response: Response) -> Response {
    let now = account.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(now) = now.parse() {
        response.headers_mut().entry(header::DATE).or_insert(now);
    }
    response
}

/// The text of the statement that a request is about.
fn statement_text(account: &Account, route: Route, head: &Parts, body: &[u8]) -> Option<String> {
    if route.is_store() {
        return s3::statement(account, head);
    }
    if route == Route::Query {
        return serde_json::from_slice::<StatementText>(body).ok().map(|body| body.sql_text);
    }
    let statement = account.statements.by_id(route.query_id(head.uri.path())?)?;
    Some(statement.text.clone())
}

fn logged(head: &Parts, route: Route, statement: Option<String>, faults: Vec<String>) -> LoggedRequest {
    let query =
        Query::<HashMap<String, String>>::try_from_uri(&head.uri).map(|query| query.0).unwrap_or_default();
    LoggedRequest {
        number: 0,
        route,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: query.into_iter().collect(),
        headers: shown_headers(&head.headers),
        statement,
        status: None,
        faults,
    }
}

fn shown_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let shown = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let text = match name.as_str() {
            "authorization" => without_token(&text),
            "x-amz-security-token" => String::new(),
            _ => text,
        };
        (name.as_str().to_owned(), text)
    };
    headers.iter().map(shown).collect()
}

fn without_token(value: &str) -> String {
    value.split([' ', '=']).next().unwrap_or_default().to_owned()
}
