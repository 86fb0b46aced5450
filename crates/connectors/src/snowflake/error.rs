//! What the client's errors mean for a sync.

use model::{Error, ErrorKind};
use snowflake::ErrorKind as ClientKind;

/// The code that a client error of this kind is lifted to.
pub fn code_of(kind: ClientKind) -> &'static str {
    let (_, code, _) = classify(kind);
    code
}

/// Sorts a client error under what happens next, and keeps its remedy.
pub(crate) fn from_client(error: snowflake::Error) -> Error {
    let (kind, code, remedy) = classify(error.kind());
    let mut lifted = Error::new(kind, code, message(&error));
    if let Some(remedy) = error.remedy().or(remedy) {
        lifted = lifted.with_remedy(remedy);
    }
    if let Some(query_id) = error.query_id() {
        lifted = lifted.with_query_id(query_id);
    }
    if let Some(retry_after) = error.retry_after() {
        lifted = lifted.with_retry_after(retry_after);
    }
    lifted
}

/// The message and Snowflake's code; the query id is carried apart.
fn message(error: &snowflake::Error) -> String {
    let mut message = error.message().to_owned();
    if let Some(code) = error.code() {
        message.push_str(&format!(" (Snowflake code {code})"));
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    message
}

fn classify(kind: ClientKind) -> (ErrorKind, &'static str, Option<&'static str>) {
    match kind {
        ClientKind::Unavailable => (
            ErrorKind::Unavailable,
            "snowflake_unavailable",
            Some("check the account identifier, the network and Snowflake's status page"),
        ),
        ClientKind::Throttled => (ErrorKind::Throttled, "snowflake_throttled", None),
        ClientKind::SessionExpired => (ErrorKind::SessionExpired, "snowflake_session_expired", None),
        ClientKind::Auth => {
            (ErrorKind::Auth, "snowflake_auth", Some("check user, key and role with `snowferry check`"))
        }
        ClientKind::Permission => (
            ErrorKind::Permission,
            "snowflake_permission",
            Some("the role needs USAGE on database, schema and virtual warehouse, and SELECT on the table"),
        ),
        ClientKind::NotFound => (
            ErrorKind::NotFound,
            "snowflake_not_found",
            Some(
                "check the name with `snowferry discover`; an object the role may not see looks the same as none",
            ),
        ),
        ClientKind::Config => (ErrorKind::Config, "snowflake_config", None),
        ClientKind::Statement => {
            (ErrorKind::Config, "snowflake_statement", Some("see `snowferry plan` for the statement"))
        }
        ClientKind::Data => (
            ErrorKind::Data,
            "value_not_representable",
            Some("allow the change for that column under `lossy`, or leave the column out under `columns`"),
        ),
        ClientKind::Cancelled => (ErrorKind::Unavailable, "snowflake_cancelled", None),
        // The reader starts over, so this never reaches a person unless starting over failed as well.
        ClientKind::ResultGone => (ErrorKind::Unavailable, "snowflake_result_gone", None),
        ClientKind::Protocol => (ErrorKind::Unavailable, "snowflake_protocol", None),
        _ => (ErrorKind::Internal, "internal", None),
    }
}
