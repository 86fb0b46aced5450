//! `POST /session/v1/login-request`: who asks, may they, and the session that they get.

mod credentials;
pub(crate) mod failures;
mod jwt;
pub(crate) mod network;
pub(crate) mod oauth;
pub(crate) mod public_key;
mod reply;
mod request;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use self::credentials::Identity;
use self::request::{LoginBody, LoginRequest};
use crate::account::Account;
use crate::server::connection::Connection;
use crate::session::{self, ClientFamily, Session};
use crate::sql::SessionStart;
use crate::sql::account::network_policies;
use crate::stage::{StageAccess, StageDialect};
use crate::wire::Refusal;

/// The session parameter by which a client chooses how it gets at Snowflake stages.
const STAGE_ACCESS_PARAMETER: &str = "EMULATOR_STAGE_ACCESS";

/// Why a log-in was refused: Snowflake's code and text.
#[derive(Debug)]
pub(crate) struct LoginFailure {
    pub code: &'static str,
    pub message: String,
}

impl LoginFailure {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Answers a log-in.
pub(crate) async fn log_in(
    State(account): State<Arc<Account>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Query(query): Query<HashMap<String, String>>,
    body: Bytes,
) -> Response {
    let Ok(LoginBody { data: request }) = serde_json::from_slice::<LoginBody>(&body) else {
        return Refusal::new("390400", "The log-in request is not valid JSON with a data object.")
            .into_response();
    };
    if let Some(refusal) = unknown_account(&account, &request) {
        return refusal;
    }
    match admit(&account, &connection, &request, &query).await {
        Ok(reply) => reply,
        Err(failure) => refusal(&request, failure).into_response(),
    }
}

/// Snowflake's front end answers 403 where the host names no account.
fn unknown_account(account: &Account, request: &LoginRequest) -> Option<Response> {
    let expected = account.config.account.as_deref()?;
    let is_known = request.account().eq_ignore_ascii_case(request::account_part(expected));
    (!is_known).then(|| (StatusCode::FORBIDDEN, "<html><body>403 Forbidden</body></html>").into_response())
}

async fn admit(
    account: &Arc<Account>,
    connection: &Connection,
    request: &LoginRequest,
    query: &HashMap<String, String>,
) -> Result<Response, LoginFailure> {
    let identity = credentials::check(account, request)?;
    let user = &identity.user;
    let address = connection.peer.ip();
    network::check(&user.allowed_addresses, address)?;
    if network_policies::refuses(&account.database.catalog(), &user.name, address) {
        return Err(network::refusal(address));
    }
    let role = chosen_role(&identity, query)?;
    let start = session_start(account, &identity, request, query, role);
    let session = open(account, request, start).await?;
    let tokens = account.sessions.add(&session);
    let mfa_token = remembered_second_factor(account, request, &identity);
    Ok(reply::success(account, &session, &tokens, mfa_token))
}

fn chosen_role(identity: &Identity, query: &HashMap<String, String>) -> Result<Option<String>, LoginFailure> {
    let asked = named(query, "roleName");
    let role = match (&identity.role_restriction, asked) {
        (Some(restriction), Some(asked)) if *restriction != asked => return Err(role_failure(&asked)),
        (Some(restriction), _) => Some(restriction.clone()),
        (None, asked) => asked.or_else(|| identity.user.default_role.clone()),
    };
    if let (Some(granted), Some(role)) = (&identity.user.roles, &role)
        && !granted.contains(role)
        && role != "PUBLIC"
    {
        return Err(role_failure(role));
    }
    Ok(role)
}

fn role_failure(role: &str) -> LoginFailure {
    let message = format!(
        "Role '{role}' specified in the connect string does not exist or not authorized. Contact your local \
         system administrator, or attempt to login with another role, e.g. PUBLIC."
    );
    LoginFailure::new("390189", message)
}

fn session_start(
    account: &Account,
    identity: &Identity,
    request: &LoginRequest,
    query: &HashMap<String, String>,
    role: Option<String>,
) -> SessionStart {
    let user = &identity.user;
    let mut parameters = account.config.parameters.clone();
    parameters.extend(request.parameters());
    let validate_defaults = parameters
        .get("CLIENT_VALIDATE_DEFAULT_PARAMETERS")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let database = named(query, "databaseName");
    let default_schema = if database.is_none() { user.default_schema.clone() } else { None };
    SessionStart {
        session_id: i64::try_from(crate::random::number()).unwrap_or(i64::MAX),
        user: user.name.clone(),
        role,
        warehouse: named(query, "warehouse").or_else(|| user.default_warehouse.clone()),
        schema: named(query, "schemaName").or(default_schema),
        database: database.or_else(|| user.default_database.clone()),
        parameters,
        validate_defaults,
        users: account.users.clone(),
        results: account.statements.finished_results(),
    }
}

/// An identifier from the query string, folded as Snowflake folds unquoted names.
fn named(query: &HashMap<String, String>, parameter: &str) -> Option<String> {
    let name = query.get(parameter).filter(|name| !name.is_empty())?;
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => Some(quoted.replace("\"\"", "\"")),
        None => Some(name.to_uppercase()),
    }
}

async fn open(
    account: &Arc<Account>,
    request: &LoginRequest,
    start: SessionStart,
) -> Result<Arc<Session>, LoginFailure> {
    let database = account.database.clone();
    let family = ClientFamily::of(request.client_app_id.as_deref().unwrap_or_default());
    let dialect = StageDialect {
        access: stage_access(account, request, &start),
        is_smk_id_text: request.client_capabilities.get("SMK_ID_AS_STRING") == Some(&json!(true)),
    };
    let (id, user, parameters) = (start.session_id, start.user.clone(), start.parameters.clone());
    let opened = tokio::task::spawn_blocking(move || {
        database.session(&start).map(|sql| Session::new(id, user, family, dialect, sql, &parameters))
    });
    match opened.await {
        Ok(Ok(session)) => Ok(Arc::new(session)),
        Ok(Err(error)) => Err(LoginFailure::new(error.code, error.message)),
        Err(_) => Err(LoginFailure::new("390100", "The session could not be opened: internal error.")),
    }
}

/// How the session gets at Snowflake stages: as it asks, as the emulator is set, or as its driver can.
fn stage_access(account: &Account, request: &LoginRequest, start: &SessionStart) -> StageAccess {
    match start.parameters.get(STAGE_ACCESS_PARAMETER).map(String::as_str) {
        Some("S3") => StageAccess::S3,
        Some("GCS") => StageAccess::Links,
        Some("LOCAL_FS") => StageAccess::LocalFolder,
        _ => account.config.stages.access.unwrap_or_else(|| {
            let id = request.client_app_id.as_deref().unwrap_or_default();
            let version = request.client_app_version.as_deref().unwrap_or_default();
            session::stage_access(id, version, request.application())
        }),
    }
}

/// A token that stands for the second factor at later log-ins, for a client that asked for one.
fn remembered_second_factor(
    account: &Account,
    request: &LoginRequest,
    identity: &Identity,
) -> Option<String> {
    let parameters: BTreeMap<String, String> = request.parameters();
    let is_asked =
        parameters.get("CLIENT_REQUEST_MFA_TOKEN").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if !is_asked || identity.user.mfa_passcode.is_none() {
        return None;
    }
    let token = crate::random::token();
    account.users.alter(&identity.user.name, |user| user.mfa_token = Some(token.clone()))?;
    Some(token)
}

fn refusal(request: &LoginRequest, failure: LoginFailure) -> Refusal {
    let data = json!({
        "nextAction": "RETRY_LOGIN",
        "authnMethod": request.authenticator(),
        "signInOptions": {},
    });
    Refusal::new(failure.code, failure.message).with_data(data)
}
