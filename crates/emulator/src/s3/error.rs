//! S3's errors: a status, a code and a message in XML.

use std::io;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::stage::StageError;

#[derive(Debug)]
pub(super) struct S3Error {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl S3Error {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    pub(super) fn access_denied() -> Self {
        Self::forbidden("AccessDenied", "Access Denied")
    }

    pub(super) fn no_such_key() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
    }

    pub(super) fn not_implemented(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            format!("The emulator does not support {what}."),
        )
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }
}

impl From<StageError> for S3Error {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Unreadable(reason) => {
                Self::bad_request("InvalidRequest", format!("Snowflake could not read this file: {reason}."))
            }
            StageError::Name(_) => Self::bad_request("InvalidArgument", error.to_string()),
            StageError::Missing(_) => Self::no_such_key(),
            StageError::Io(source) => source.into(),
        }
    }
}

impl From<io::Error> for S3Error {
    fn from(error: io::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl IntoResponse for S3Error {
    fn into_response(self) -> Response {
        let body =
            format!("<Error><Code>{}</Code><Message>{}</Message></Error>", self.code, escaped(&self.message));
        xml(self.status, &body)
    }
}

pub(super) fn xml(status: StatusCode, body: &str) -> Response {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}

/// Text between XML tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
