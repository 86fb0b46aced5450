//! The log-in: its body for every kind of proof, its one second chance, and what a session starts with.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Credentials, jwt};
use crate::config::ConnectionConfig;
use crate::error_code::{is_jwt_time_refused, is_oauth_token_refused};
use crate::http::{Body, Call, Http, Reply};
use crate::session::{SessionContext, Tokens};
use crate::wire::login::LoginData;
use crate::{Error, ErrorKind, ParameterValue, Result, Secret};

/// Somebody may be waiting who mistyped an account: fewer tries than a running statement is worth.
const ATTEMPTS_MAX: u32 = 4;
/// A log-in reply lists some hundred parameters; nothing in it is large.
const REPLY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Without a word from the service, a master token lasts four hours.
const MASTER_VALIDITY: Duration = Duration::from_secs(4 * 3600);
/// A smaller difference of the clocks is not why a token was refused.
const CLOCK_SKEW_MIN: SignedDuration = SignedDuration::from_secs(20);

/// What a new session starts with.
pub(crate) struct LoggedIn {
    pub(crate) tokens: Tokens,
    pub(crate) context: SessionContext,
    pub(crate) session_id: Option<i64>,
    pub(crate) server_version: Option<String>,
}

/// Logs in, with one second chance where a new token may help.
pub(crate) async fn log_in(config: &ConnectionConfig, http: &Http) -> Result<LoggedIn> {
    let first = attempt(config, http, SignedDuration::ZERO).await?;
    let last = match second_chance(config, &first.reply) {
        None => first,
        Some(skew) => {
            tracing::debug!(skew_s = skew.as_secs(), "logging in again with a new token");
            attempt(config, http, skew).await?
        }
    };
    outcome(last.reply).map_err(|error| without_echo(config, last.fetched.as_ref(), error))
}

/// An answered log-in, and the OAuth token that was fetched for it.
struct Attempt {
    reply: Reply,
    fetched: Option<Secret>,
}

/// Messages about log-ins are shown whole, because they name addresses and users; whoever answers could have put
/// into them what was sent.
fn without_echo(config: &ConnectionConfig, fetched: Option<&Secret>, error: Error) -> Error {
    let sent = config.credentials.secrets().into_iter().chain(fetched);
    sent.filter(|secret| !secret.is_empty()).fold(error, |error, secret| {
        match error.message().contains(secret.expose()) {
            true => error.map_message(|message| message.replace(secret.expose(), "…")),
            false => error,
        }
    })
}

/// Whether to try once more, and with which correction of our clock. An OAuth token may have been revoked since it
/// was fetched; a JSON web token may have been signed by a clock that runs wrong.
fn second_chance(config: &ConnectionConfig, reply: &Reply) -> Option<SignedDuration> {
    let envelope = reply.envelope.as_ref().filter(|envelope| !envelope.is_success())?;
    let code = envelope.code()?;
    match &config.credentials {
        Credentials::OAuthClient(_) if is_oauth_token_refused(code) => Some(SignedDuration::ZERO),
        Credentials::KeyPair(_) if is_jwt_time_refused(code) => match reply.clock_skew {
            Some(skew) if skew.abs() >= CLOCK_SKEW_MIN => {
                tracing::warn!(skew_s = skew.as_secs(), "this machine's clock differs from the service's");
                Some(skew)
            }
            _ => (code != "390144").then_some(SignedDuration::ZERO),
        },
        _ => None,
    }
}

async fn attempt(config: &ConnectionConfig, http: &Http, skew: SignedDuration) -> Result<Attempt> {
    let fetched = match &config.credentials {
        Credentials::OAuthClient(client) => {
            Some(client.fetch(http.network(), &config.retry, config.role.as_deref()).await?)
        }
        _ => None,
    };
    let fresh = || body(config, fetched.as_ref(), Timestamp::now() + skew);
    let call = Call {
        method: Method::POST,
        path: "/session/v1/login-request",
        query: query(config),
        request_id: Uuid::new_v4(),
        body: Body::Fresh(&fresh),
        token: None,
        accept: "application/snowflake",
        wait_max: config.login_wait_max,
        budget: config.login_budget,
        attempts_max: ATTEMPTS_MAX,
        reply_bytes_max: REPLY_BYTES_MAX,
    };
    let reply = http.call(&call).await?;
    Ok(Attempt { reply, fetched })
}

fn query(config: &ConnectionConfig) -> Vec<(&'static str, String)> {
    let names = [
        ("databaseName", &config.database),
        ("schemaName", &config.schema),
        ("warehouse", &config.virtual_warehouse),
        ("roleName", &config.role),
    ];
    names.into_iter().filter_map(|(key, name)| name.clone().map(|name| (key, name))).collect()
}

fn body(config: &ConnectionConfig, fetched: Option<&Secret>, now: Timestamp) -> Result<Bytes> {
    let mut data = Map::new();
    data.insert("CLIENT_APP_ID".into(), json!(config.client.id));
    data.insert("CLIENT_APP_VERSION".into(), json!(config.client.version));
    data.insert("SVN_REVISION".into(), json!(""));
    data.insert("ACCOUNT_NAME".into(), json!(config.account.name()));
    if !config.user.trim().is_empty() {
        data.insert("LOGIN_NAME".into(), json!(config.user.trim()));
    }
    // Without it the service sends stage key ids as numbers that a double cannot hold.
    data.insert("CLIENT_CAPABILITIES".into(), json!({ "SMK_ID_AS_STRING": true }));
    // The account's default is to use them all; rights should come from the one role that was granted for this.
    data.insert("SECONDARY_ROLES".into(), json!(if config.secondary_roles { "ALL" } else { "NONE" }));
    data.insert("CLIENT_ENVIRONMENT".into(), environment(config));
    data.insert("SESSION_PARAMETERS".into(), json!(session_parameters(config)));
    insert_proof(&mut data, config, fetched, now)?;
    let bytes = serde_json::to_vec(&json!({ "data": data }))
        .map_err(|_| Error::new(ErrorKind::Internal, "the log-in cannot be written as JSON"))?;
    Ok(bytes.into())
}

fn environment(config: &ConnectionConfig) -> Value {
    let mut environment = json!({
        "APPLICATION": config.client.application,
        "OS": std::env::consts::OS,
        "OS_VERSION": std::env::consts::ARCH,
        "OCSP_MODE": "DISABLED",
    });
    if matches!(config.credentials, Credentials::OAuthClient(_)) {
        environment["OAUTH_TYPE"] = json!("OAUTH_CLIENT_CREDENTIALS");
    }
    environment
}

fn insert_proof(
    data: &mut Map<String, Value>,
    config: &ConnectionConfig,
    fetched: Option<&Secret>,
    now: Timestamp,
) -> Result<()> {
    let (authenticator, token) = match &config.credentials {
        Credentials::KeyPair(key) => ("SNOWFLAKE_JWT", jwt::signed(&config.account, &config.user, key, now)?),
        Credentials::ProgrammaticAccessToken(token) => ("PROGRAMMATIC_ACCESS_TOKEN", token.clone()),
        Credentials::OAuthToken(token) => ("OAUTH", token.clone()),
        Credentials::OAuthClient(_) => ("OAUTH", fetched.cloned().unwrap_or_else(|| Secret::new(""))),
        Credentials::Password { password, passcode } => {
            data.insert("PASSWORD".into(), json!(password.expose()));
            if let Some(passcode) = passcode {
                data.insert("EXT_AUTHN_DUO_METHOD".into(), json!("passcode"));
                data.insert("PASSCODE".into(), json!(passcode.expose()));
            }
            return Ok(());
        }
    };
    data.insert("AUTHENTICATOR".into(), json!(authenticator));
    data.insert("TOKEN".into(), json!(token.expose()));
    Ok(())
}

/// Everything that would otherwise depend on the account's or the user's defaults is pinned, so that one statement
/// means the same everywhere.
fn session_parameters(config: &ConnectionConfig) -> BTreeMap<String, ParameterValue> {
    let mut parameters: BTreeMap<String, ParameterValue> = BTreeMap::new();
    let mut set = |name: &str, value: ParameterValue| {
        parameters.insert(name.to_owned(), value);
    };
    set("CLIENT_VALIDATE_DEFAULT_PARAMETERS", config.validate_defaults.into());
    set("CLIENT_SESSION_KEEP_ALIVE", config.keep_alive.into());
    set(config.client.result_format_parameter(), "ARROW".into());
    set("TIMEZONE", "UTC".into());
    set("AUTOCOMMIT", true.into());
    set("TIMESTAMP_TYPE_MAPPING", "TIMESTAMP_NTZ".into());
    set("TIMESTAMP_NTZ_OUTPUT_FORMAT", "YYYY-MM-DD HH24:MI:SS.FF9".into());
    set("TIMESTAMP_LTZ_OUTPUT_FORMAT", "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM".into());
    set("TIMESTAMP_TZ_OUTPUT_FORMAT", "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM".into());
    set("DATE_OUTPUT_FORMAT", "YYYY-MM-DD".into());
    set("TIME_OUTPUT_FORMAT", "HH24:MI:SS.FF9".into());
    set("BINARY_OUTPUT_FORMAT", "HEX".into());
    set("GEOGRAPHY_OUTPUT_FORMAT", "GeoJSON".into());
    set("GEOMETRY_OUTPUT_FORMAT", "GeoJSON".into());
    set("QUOTED_IDENTIFIERS_IGNORE_CASE", false.into());
    set("ERROR_ON_NONDETERMINISTIC_MERGE", true.into());
    // A query that nobody waits for any more stops costing after five minutes.
    set("ABORT_DETACHED_QUERY", true.into());
    if let Some(tag) = &config.query_tag {
        set("QUERY_TAG", tag.as_str().into());
    }
    parameters.extend(config.session_parameters.iter().map(|(name, value)| (name.clone(), value.clone())));
    parameters
}

fn outcome(reply: Reply) -> Result<LoggedIn> {
    let Some(envelope) = reply.envelope else { return Err(not_snowflake(reply.status)) };
    if !envelope.is_success() {
        let error = envelope.into_error();
        return Err(match error.code() {
            None if matches!(reply.status, 403 | 404) => not_snowflake(reply.status),
            _ => error,
        });
    }
    let data: LoginData = envelope.data()?;
    if let Some(action) = data.next_action.filter(|_| data.token.is_none()) {
        return Err(interactive(&action));
    }
    let Some(token) = data.token else {
        return Err(Error::new(ErrorKind::Protocol, "the log-in succeeded but the reply holds no session"));
    };
    // A server that gives no master token cannot renew: it refuses the session's own, and so the session ends.
    let master = data.master_token.unwrap_or_else(|| token.clone());
    let validity = data.master_validity_in_seconds.map_or(MASTER_VALIDITY, Duration::from_secs);
    let info = data.session_info.unwrap_or_default();
    Ok(LoggedIn {
        tokens: Tokens { session: token, master, master_validity: validity },
        context: SessionContext {
            database: info.database_name,
            schema: info.schema_name,
            virtual_warehouse: info.warehouse_name,
            role: info.role_name,
        },
        session_id: data.session_id,
        server_version: data.server_version,
    })
}

fn not_snowflake(status: u16) -> Error {
    let message = format!(
        "this host refuses log-ins (HTTP {status}): check the account identifier, its region, and whether a private \
         link is needed"
    );
    Error::new(ErrorKind::Config, message)
}

/// Nobody sits in front of a program, so a step that needs a person can only be told.
fn interactive(action: &str) -> Error {
    let step = match action {
        "PWD_CHANGE" => "a new password",
        action if action.starts_with("EXT_AUTHN") => "a second factor",
        _ => "an interactive step",
    };
    let message =
        format!("the account asks for {step}; use a key pair or a programmatic access token instead");
    Error::new(ErrorKind::Config, message)
}
