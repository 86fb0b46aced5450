//! Reading the token out of a request.

use axum::http::{HeaderMap, StatusCode, header};

use crate::wire::Refusal;

/// The token of `Authorization: Snowflake Token="…"`.
pub(super) fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let missing = || {
        Refusal::new("390101", "Authorization header not found in the request data.")
            .with_status(StatusCode::UNAUTHORIZED)
    };
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.strip_prefix("Snowflake Token=\""))
        .and_then(|value| value.strip_suffix('"'));
    token.ok_or_else(|| {
        Refusal::new("390103", "Session token not found in the request data.")
            .with_status(StatusCode::UNAUTHORIZED)
    })
}
