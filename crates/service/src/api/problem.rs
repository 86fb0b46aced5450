//! What went wrong with a request, as RFC 9457 has it, with our code and remedy.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{Error, ErrorKind};
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong.
#[derive(Debug)]
pub(crate) struct Problem {
    status: u16,
    code: &'static str,
    detail: String,
    remedy: Option<String>,
}

/// The same, as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// A name for the code that is good everywhere.
    #[serde(rename = "type")]
    kind: String,
    /// The code in words.
    title: String,
    status: u16,
    /// A stable snake_case word.
    code: String,
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// The answer of a handler.
pub(crate) type Answer<T> = Result<T, Problem>;

/// Seconds after which a request that came too early, or while the state database was away, may be made again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

impl Problem {
    pub(crate) fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), remedy: None }
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn with_remedy(mut self, remedy: &str) -> Self {
        self.remedy = Some(remedy.to_owned());
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Auth => 401,
            ErrorKind::Permission => 403,
            ErrorKind::NotFound => 404,
            ErrorKind::Conflict | ErrorKind::Cancelled => 409,
            ErrorKind::Config | ErrorKind::Data | ErrorKind::SchemaChanged => 422,
            ErrorKind::Throttled => 429,
            ErrorKind::Unavailable | ErrorKind::SessionExpired => 503,
            ErrorKind::Internal => 500,
        };
        // A bug's own words are for the log.
        let detail = match error.kind() {
            ErrorKind::Internal => {
                tracing::error!(error = %error, "a request met a bug");
                "an error of ours; it is in the log".to_owned()
            }
            _ => error.message().to_owned(),
        };
        Self { remedy: error.remedy().map(str::to_owned), ..Self::new(status, error.code(), detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = ProblemBody {
            kind: format!("urn:snowferry:error:{}", self.code),
            title: self.code.replace('_', " "),
            status: self.status,
            code: self.code.to_owned(),
            detail: self.detail,
            remedy: self.remedy,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            _ => {}
        }
        response
    }
}
