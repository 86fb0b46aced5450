//! The envelope around every reply: success or not, a code, a message, and the data of the call.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::error_code::{is_in_progress, kind_of};
use crate::error_message::sanitised;
use crate::{Error, ErrorKind, Result};

/// A reply whose data is not read yet.
#[derive(Deserialize)]
pub(crate) struct Envelope {
    #[serde(default)]
    success: Option<bool>,
    #[serde(default, deserialize_with = "code")]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    data: Option<Box<RawValue>>,
}

/// Why a body is not an envelope.
#[derive(Debug)]
pub(crate) enum BadBody {
    /// It ends too early: the same request may be sent once more.
    Truncated,
    /// It is something else.
    NotJson,
}

/// What the data of a failed call may hold.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Failure {
    #[serde(deserialize_with = "code")]
    error_code: Option<String>,
    sql_state: Option<String>,
    query_id: Option<String>,
}

impl Envelope {
    /// Reads a whole body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, BadBody> {
        serde_json::from_slice(body).map_err(|error| match error.classify() {
            Category::Eof => BadBody::Truncated,
            _ => BadBody::NotJson,
        })
    }

    /// Whether the call did what it was asked to.
    pub(crate) fn is_success(&self) -> bool {
        self.success.unwrap_or(false)
    }

    /// Whether the query is still running. Such replies count as a success or not, as the service pleases.
    pub(crate) fn is_in_progress(&self) -> bool {
        self.code().is_some_and(is_in_progress)
    }

    /// The code, where the reply has one.
    pub(crate) fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Reads the data of a successful call; `null` and absent data read as the default.
    pub(crate) fn data<T: DeserializeOwned + Default>(&self) -> Result<T> {
        let Some(data) = &self.data else { return Ok(T::default()) };
        let data: Option<T> = serde_json::from_str(data.get()).map_err(|error| unreadable(&error))?;
        Ok(data.unwrap_or_default())
    }

    /// The error that a failed call stands for.
    pub(crate) fn into_error(self) -> Error {
        let failure: Failure = self.data().unwrap_or_default();
        let code = self.code.or(failure.error_code).unwrap_or_default();
        let kind = match code.is_empty() {
            true => ErrorKind::Protocol,
            false => kind_of(&code, failure.sql_state.as_deref()),
        };
        let message = match self.message {
            Some(message) if !message.trim().is_empty() => sanitised(&code, &message),
            _ => "the service refused the request without saying why".to_owned(),
        };
        let mut error = Error::new(kind, message);
        if !code.is_empty() {
            error = error.with_code(code);
        }
        if let Some(sql_state) = failure.sql_state {
            error = error.with_sql_state(sql_state);
        }
        match failure.query_id {
            Some(query_id) if !query_id.is_empty() => error.with_query_id(query_id),
            _ => error,
        }
    }
}

/// A string in every reply of the service, zero padded; a number in some that only look like it.
fn code<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Code {
        Text(String),
        Number(u64),
    }
    Ok(Option::deserialize(deserializer)?.map(|code| match code {
        Code::Text(text) => text,
        Code::Number(number) => format!("{number:06}"),
    }))
}

/// The parser's own message can quote the reply, so only the place is told.
fn unreadable(error: &serde_json::Error) -> Error {
    let message = format!(
        "the service's reply does not have the expected form (line {}, column {})",
        error.line(),
        error.column()
    );
    Error::new(ErrorKind::Protocol, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(body: &str) -> Envelope {
        Envelope::parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn an_error_body_becomes_an_error() {
        let error = envelope(
            r#"{"data":{"internalError":false,"errorCode":"002003","age":0,"sqlState":"42S02","queryId":"01a1","line":-1},
                "code":"002003","message":"SQL compilation error:\nObject 'T' does not exist or not authorized.",
                "success":false,"headers":null}"#,
        )
        .into_error();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            "SQL compilation error: Object 'T' does not exist or not authorized (Snowflake code 002003, SQLSTATE 42S02) \
             [query 01a1]"
        );
        assert!(error.remedy().unwrap().contains("USAGE"));
    }

    #[test]
    fn a_bare_error_body_is_enough() {
        let error = envelope(r#"{"data":null,"code":null,"message":null,"success":false}"#).into_error();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        let error = envelope(r#"{"data":{"errorCode":604},"success":false}"#).into_error();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Cancelled, Some("000604")));
    }

    #[test]
    fn a_cut_body_is_told_from_a_wrong_one() {
        assert!(matches!(Envelope::parse(br#"{"data":{"a":"#), Err(BadBody::Truncated)));
        assert!(matches!(Envelope::parse(b""), Err(BadBody::Truncated)));
        assert!(matches!(Envelope::parse(b"<html>"), Err(BadBody::NotJson)));
    }

    #[test]
    fn a_reply_of_the_wrong_form_is_not_quoted() {
        let error = envelope(r#"{"data":"hunter2","success":true}"#).data::<Failure>().err().unwrap();
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
