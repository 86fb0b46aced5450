//! A token endpoint for OAuth client credentials, as an account's own authorization server would have it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::account::Account;
use crate::config::OauthClient;
use crate::users::OauthToken;

/// The clients that may ask for tokens.
#[derive(Debug)]
pub(crate) struct OauthClients {
    clients: Vec<OauthClient>,
}

impl OauthClients {
    pub(crate) fn new(clients: Vec<OauthClient>) -> Self {
        Self { clients }
    }
}

/// `POST /oauth/token-request`
pub(crate) async fn token_request(
    State(account): State<Arc<Account>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form: HashMap<String, String> = parse_form(&body);
    if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
        return refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    let Some((id, secret)) = basic(&headers).or_else(|| in_form(&form)) else {
        return refusal(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    let Some(client) = account.oauth.clients.iter().find(|client| client.id == id && client.secret == secret)
    else {
        return refusal(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    let token = crate::random::token();
    let granted =
        OauthToken { secret: token.clone(), expires_at: Some(account.clock.after(client.token_validity)) };
    if account.users.alter(&client.user, |user| user.oauth_tokens.push(granted)).is_none() {
        return refusal(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    let body = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": client.token_validity.as_secs(),
        "scope": form.get("scope"),
    });
    axum::Json(body).into_response()
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, axum::Json(json!({ "error": error }))).into_response()
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn in_form(form: &HashMap<String, String>) -> Option<(String, String)> {
    Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone()))
}

/// `application/x-www-form-urlencoded`, read by the same code as a query string.
fn parse_form(body: &[u8]) -> HashMap<String, String> {
    let Ok(text) = std::str::from_utf8(body) else { return HashMap::new() };
    let Ok(uri) = format!("/?{text}").parse() else { return HashMap::new() };
    axum::extract::Query::try_from_uri(&uri).map(|query| query.0).unwrap_or_default()
}
