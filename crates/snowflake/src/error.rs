//! The one error of this crate: opaque, with a kind that says what the caller should do next.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do about an [`Error`]; never where the error came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The service could not be reached, timed out or was not well: try again later.
    Unavailable,
    /// The service asked for a slower pace: try again after [`Error::retry_after`].
    Throttled,
    /// The session is gone and cannot be renewed: log in again. Temporary tables and session state are lost.
    SessionExpired,
    /// The credentials were refused: a person has to correct them.
    Auth,
    /// The credentials are right, but the role may not do this: a grant is missing.
    Permission,
    /// The named object does not exist, or the role may not see it.
    NotFound,
    /// Something outside the statement has to be set up first: a virtual warehouse, a current database, a policy.
    Config,
    /// The statement cannot run as it is written.
    Statement,
    /// A value cannot be represented without loss; the column is named, the value never is.
    Data,
    /// The statement was cancelled, by us or by somebody else.
    Cancelled,
    /// A result is no longer kept by the service: run the statement again.
    ResultGone,
    /// The reply broke the protocol or was incomplete: rows would be missing, so nothing was delivered.
    Protocol,
    /// A bug in this crate.
    Internal,
}

/// An error of the client. Never holds a secret, a row value or the text of a statement.
pub struct Error {
    repr: Box<Repr>,
}

struct Repr {
    kind: ErrorKind,
    message: Cow<'static, str>,
    code: Option<String>,
    sql_state: Option<String>,
    query_id: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `message` says what was being done, in lower case and without a final dot.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let repr = Repr {
            kind,
            message: message.into(),
            code: None,
            sql_state: None,
            query_id: None,
            retry_after: None,
            source: None,
        };
        Self { repr: Box::new(repr) }
    }

    /// What the caller should do next.
    pub fn kind(&self) -> ErrorKind {
        self.repr.kind
    }

    /// Snowflake's own code, such as `002003`, where the service gave one.
    pub fn code(&self) -> Option<&str> {
        self.repr.code.as_deref()
    }

    /// The SQLSTATE, where the service gave one.
    pub fn sql_state(&self) -> Option<&str> {
        self.repr.sql_state.as_deref()
    }

    /// The query that failed, where it had got an id.
    pub fn query_id(&self) -> Option<&str> {
        self.repr.query_id.as_deref()
    }

    /// How long the service asked us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.repr.retry_after
    }

    /// What a person should do about it, where Snowflake's code tells.
    pub fn remedy(&self) -> Option<&'static str> {
        self.code().and_then(crate::error_code::remedy_of)
    }

    /// The message alone, without code and query id.
    pub fn message(&self) -> &str {
        &self.repr.message
    }

    /// Every cause behind this error, from the nearest to the first.
    fn causes(&self) -> Option<String> {
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        (!causes.is_empty()).then(|| causes.join(": "))
    }

    pub(crate) fn with_code(mut self, code: impl Into<String>) -> Self {
        self.repr.code = Some(code.into());
        self
    }

    pub(crate) fn with_sql_state(mut self, sql_state: impl Into<String>) -> Self {
        self.repr.sql_state = Some(sql_state.into());
        self
    }

    pub(crate) fn with_query_id(mut self, query_id: impl Into<String>) -> Self {
        self.repr.query_id = Some(query_id.into());
        self
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.repr.retry_after = Some(retry_after);
        self
    }

    pub(crate) fn map_message(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.repr.message = change(&self.repr.message).into();
        self
    }

    /// Attaches the cause. The cause is printed, so it must be free of secrets and row values too.
    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.repr.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repr.message)?;
        if let Some(code) = &self.repr.code {
            write!(f, " (Snowflake code {code}")?;
            if let Some(sql_state) = &self.repr.sql_state {
                write!(f, ", SQLSTATE {sql_state}")?;
            }
            f.write_str(")")?;
        }
        if let Some(query_id) = &self.repr.query_id {
            write!(f, " [query {query_id}]")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repr = &self.repr;
        f.debug_struct("Error")
            .field("kind", &repr.kind)
            .field("message", &repr.message)
            .field("code", &repr.code)
            .field("sql_state", &repr.sql_state)
            .field("query_id", &repr.query_id)
            .field("source", &self.causes())
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.repr.source.as_deref().map(|source| source as _)
    }
}
