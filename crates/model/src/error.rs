//! The one error of the system: sorted by what happens next, with a code and a remedy, and never a secret or a row value.

use std::fmt;
use std::time::Duration;

/// Result of every fallible call behind the seams.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an error means for whoever has to act on it; never where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Could not reach the system, or it was not well.
    Unavailable,
    /// The system asked for a slower pace.
    Throttled,
    /// A fresh log-in mends it.
    SessionExpired,
    /// Somebody else holds what we need: a file, a lease, a later epoch.
    Conflict,
    /// Credentials are wrong or have expired.
    Auth,
    /// Logged in, but not allowed.
    Permission,
    /// The stream or an object it needs is not there.
    NotFound,
    /// The stream changed in a way that we may not follow by ourselves.
    SchemaChanged,
    /// A value or a row cannot be carried over without loss.
    Data,
    /// What was configured cannot work.
    Config,
    /// The user, or a shutdown, stopped it.
    Cancelled,
    /// Our own bug.
    Internal,
}

/// What is to be done about an [`ErrorKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Try again, after a growing delay.
    RetryLater,
    /// Try again at once, once.
    RetryOnce,
    /// Leave it to a person; trying again cannot help before they acted.
    AskOperator,
    /// Stop without a word of blame: it was asked for.
    Stop,
    /// Report it to the developers.
    Report,
}

impl ErrorKind {
    /// All of them, in the order of their exit codes.
    pub const ALL: [ErrorKind; 12] = [
        ErrorKind::Internal,
        ErrorKind::Config,
        ErrorKind::Auth,
        ErrorKind::Permission,
        ErrorKind::NotFound,
        ErrorKind::Data,
        ErrorKind::SchemaChanged,
        ErrorKind::Conflict,
        ErrorKind::Unavailable,
        ErrorKind::Throttled,
        ErrorKind::SessionExpired,
        ErrorKind::Cancelled,
    ];

    /// The one place that decides what happens after an error.
    pub fn disposition(self) -> Disposition {
        match self {
            ErrorKind::Unavailable | ErrorKind::Throttled => Disposition::RetryLater,
            ErrorKind::SessionExpired => Disposition::RetryOnce,
            ErrorKind::Conflict
            | ErrorKind::Auth
            | ErrorKind::Permission
            | ErrorKind::NotFound
            | ErrorKind::SchemaChanged
            | ErrorKind::Data
            | ErrorKind::Config => Disposition::AskOperator,
            ErrorKind::Cancelled => Disposition::Stop,
            ErrorKind::Internal => Disposition::Report,
        }
    }

    /// The word used in logs, JSON and documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Throttled => "throttled",
            ErrorKind::SessionExpired => "session_expired",
            ErrorKind::Conflict => "conflict",
            ErrorKind::Auth => "auth",
            ErrorKind::Permission => "permission",
            ErrorKind::NotFound => "not_found",
            ErrorKind::SchemaChanged => "schema_changed",
            ErrorKind::Data => "data",
            ErrorKind::Config => "config",
            ErrorKind::Cancelled => "cancelled",
            ErrorKind::Internal => "internal",
        }
    }
}

/// Who can do something about an error, or about what a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Whoever runs this program: the vendor's engineers.
    Operator,
    /// The owner of the Snowflake account.
    Customer,
    /// Snowflake itself; waiting helps.
    Snowflake,
    /// We, who wrote this program.
    Us,
}

impl Owner {
    /// All of them.
    pub const ALL: [Owner; 4] = [Owner::Operator, Owner::Customer, Owner::Snowflake, Owner::Us];

    /// The word used in JSON and documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Owner::Operator => "operator",
            Owner::Customer => "customer",
            Owner::Snowflake => "snowflake",
            Owner::Us => "us",
        }
    }
}

/// An error with everything a person needs to act on it.
pub struct Error {
    repr: Box<Repr>,
}

struct Repr {
    kind: ErrorKind,
    code: &'static str,
    message: String,
    remedy: Option<String>,
    query_id: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind`. `code` is a stable snake_case word that documentation explains; `message` is lower case
    /// without a final dot.
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        let repr =
            Repr { kind, code, message, remedy: None, query_id: None, retry_after: None, source: None };
        Self { repr: Box::new(repr) }
    }

    /// Something configured cannot work.
    pub fn config(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, code, message)
    }

    /// A value or a row cannot be carried over without loss.
    pub fn data(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, code, message)
    }

    /// A bug of ours; `message` says which expectation did not hold.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "internal", message)
    }

    /// Stopped because it was asked for.
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "cancelled", "stopped on request")
    }

    /// Says what a person should do, as an imperative.
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.repr.remedy = Some(remedy.into());
        self
    }

    /// Names the query at the source or destination that failed.
    pub fn with_query_id(mut self, query_id: impl Into<String>) -> Self {
        self.repr.query_id = Some(query_id.into());
        self
    }

    /// Notes how long the system asked us to wait.
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.repr.retry_after = Some(retry_after);
        self
    }

    /// Attaches the cause, which must be free of secrets and row values too.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.repr.source = Some(source.into());
        self
    }

    /// Puts what was being done in front of the message.
    pub fn while_doing(mut self, operation: impl fmt::Display) -> Self {
        self.repr.message = format!("{operation}: {}", self.repr.message);
        self
    }

    /// What it means for whoever has to act.
    pub fn kind(&self) -> ErrorKind {
        self.repr.kind
    }

    /// The stable word that documentation explains.
    pub fn code(&self) -> &'static str {
        self.repr.code
    }

    /// The message alone.
    pub fn message(&self) -> &str {
        &self.repr.message
    }

    /// What a person should do about it.
    pub fn remedy(&self) -> Option<&str> {
        self.repr.remedy.as_deref()
    }

    /// The query that failed.
    pub fn query_id(&self) -> Option<&str> {
        self.repr.query_id.as_deref()
    }

    /// How long the system asked us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.repr.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repr.message)?;
        if let Some(query_id) = &self.repr.query_id {
            write!(f, " [query {query_id}]")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.repr.kind)
            .field("code", &self.repr.code)
            .field("message", &self.repr.message)
            .field("query_id", &self.repr.query_id)
            .field("source", &self.repr.source.as_ref().map(ToString::to_string))
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.repr.source.as_deref().map(|source| source as _)
    }
}
