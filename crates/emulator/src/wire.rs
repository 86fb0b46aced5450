//! The envelope of every reply: `data`, `code`, `message`, `success`.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::outcome::SqlError;

/// A reply that says no. Most of them still have HTTP status 200.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub code: String,
    pub message: String,
    pub data: Value,
}

#[derive(Serialize)]
struct Success<'a, T> {
    data: &'a T,
    code: Option<&'a str>,
    message: Option<&'a str>,
    success: bool,
}

/// `success: true` with these data.
pub(crate) fn success<T: Serialize>(data: &T) -> Response {
    reply(StatusCode::OK, &Success { data, code: None, message: None, success: true })
}

/// `success: true` with a code, as for a statement that is still running.
pub(crate) fn notice<T: Serialize>(data: &T, code: &str, message: &str) -> Response {
    reply(StatusCode::OK, &Success { data, code: Some(code), message: Some(message), success: true })
}

fn reply<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let body = serde_json::to_vec(body).expect("replies are made of strings, numbers and lists of them");
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Refusal {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::OK, code: code.to_owned(), message: message.into(), data: Value::Null }
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn with_data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }

    /// A statement that was refused or failed.
    pub(crate) fn of_statement(error: &SqlError, query_id: &str) -> Self {
        let mut data = json!({
            "internalError": false,
            "errorCode": error.code,
            "age": 0,
            "sqlState": error.sql_state,
            "queryId": query_id,
        });
        if is_compilation(error.code) {
            let (line, column) = match error.position {
                Some((line, column)) => (json!(line), json!(column)),
                None => (json!(-1), json!(-1)),
            };
            data["line"] = line;
            data["pos"] = column;
            data["type"] = json!("COMPILATION");
        }
        Self::new(error.code, error.message.clone()).with_data(data)
    }
}

/// Errors found before a statement runs say where in the text they are.
fn is_compilation(code: &str) -> bool {
    code < "000100" || ("001000".."004000").contains(&code)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "data": self.data,
            "code": self.code,
            "message": self.message,
            "success": false,
            "headers": null,
        });
        reply(self.status, &body)
    }
}
