//! The reply to a log-in, key by key as Snowflake's.

use axum::response::Response;
use serde_json::json;

use crate::account::Account;
use crate::session::{Session, Tokens};
use crate::wire;

/// Shown by tools as the product's version; some refuse versions below 3.
pub(crate) const SERVER_VERSION: &str = "9.37.1";
/// Seconds between health checks of clients that make them.
const HEALTH_CHECK_SECONDS: u32 = 45;

pub(super) fn success(
    account: &Account,
    session: &Session,
    tokens: &Tokens,
    mfa_token: Option<String>,
) -> Response {
    let validity = account.config.validity;
    let settings = session.settings();
    let context = &settings.context;
    let mfa_seconds = if mfa_token.is_some() { validity.master_token.as_secs() } else { 0 };
    wire::success(&json!({
        "masterToken": tokens.master,
        "token": tokens.session,
        "validityInSeconds": validity.session_token.as_secs(),
        "masterValidityInSeconds": validity.master_token.as_secs(),
        "displayUserName": session.user,
        "serverVersion": SERVER_VERSION,
        "firstLogin": false,
        "remMeToken": null,
        "remMeValidityInSeconds": 0,
        "healthCheckInterval": HEALTH_CHECK_SECONDS,
        "newClientForUpgrade": null,
        "sessionId": session.id,
        "parameters": settings.parameters.shown(session.family),
        "sessionInfo": {
            "databaseName": context.database,
            "schemaName": context.schema,
            "warehouseName": context.warehouse,
            "roleName": context.role,
        },
        "idToken": null,
        "idTokenValidityInSeconds": 0,
        "responseData": null,
        "mfaToken": mfa_token,
        "mfaTokenValidityInSeconds": mfa_seconds,
    }))
}
