//! A statement: its text, its values, and how it is to be run.

mod bind;
mod handle;
mod pace;
pub(crate) mod run;
mod status;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

pub use self::bind::Bind;
pub(crate) use self::bind::WireBind;
pub use self::handle::QueryHandle;
pub use self::status::{QueryState, QueryStatus};
use crate::config::{ParameterValue, check_query_tag};
use crate::{Error, ErrorKind, Result};

/// Above this many values drivers upload binds to a Snowflake stage; this crate refuses them instead.
const BIND_VALUES_MAX: usize = 65_280;

/// One SQL statement. Its text and values never show up in `Debug`, errors or logs.
///
/// ```
/// use snowflake::{Bind, Statement};
/// let statement = Statement::new("SELECT * FROM orders WHERE id > ? AND region = ?")
///     .bind(42)
///     .bind("EMEA")
///     .query_tag("nightly");
/// assert_eq!(format!("{statement:?}"), "Statement { length: 48, binds: 2, .. }");
/// # let _ = Bind::Null;
/// ```
#[derive(Clone)]
pub struct Statement {
    sql: String,
    binds: Vec<Binding>,
    parameters: BTreeMap<String, ParameterValue>,
    timeout: Option<Duration>,
    request_id: Option<Uuid>,
    is_repeatable: bool,
}

#[derive(Clone)]
enum Binding {
    One(Bind),
    Column(Vec<Bind>),
}

impl Statement {
    /// A statement of this text, with `?` where values go.
    pub fn new(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            binds: Vec::new(),
            parameters: BTreeMap::new(),
            timeout: None,
            request_id: None,
            is_repeatable: false,
        }
    }

    /// Adds the value of the next `?`.
    pub fn bind(mut self, value: impl Into<Bind>) -> Self {
        self.binds.push(Binding::One(value.into()));
        self
    }

    /// Adds a whole column of values for the next `?` of an `INSERT … VALUES (?, ?)`: one row for each value. All
    /// columns must be equally long and hold one type each.
    pub fn bind_column(mut self, values: Vec<Bind>) -> Self {
        self.binds.push(Binding::Column(values));
        self
    }

    /// Sets a session parameter for this statement alone.
    pub fn parameter(mut self, name: impl AsRef<str>, value: impl Into<ParameterValue>) -> Self {
        self.parameters.insert(name.as_ref().to_ascii_uppercase(), value.into());
        self
    }

    /// Sets the tag under which the account's query history shows it.
    pub fn query_tag(self, tag: impl Into<String>) -> Self {
        self.parameter("QUERY_TAG", tag.into())
    }

    /// Lets the service stop the statement after this time, in whole seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the request id. Sending a statement again under the same id returns the first run's outcome instead of
    /// running it twice: store the id before a statement that must not run twice, and repeat it after a crash.
    pub fn request_id(mut self, request_id: Uuid) -> Self {
        self.request_id = Some(request_id);
        self
    }

    /// Declares that it does not matter if the statement runs twice, and that it needs nothing of the session's
    /// state. Only such a statement is run again after a new log-in; see
    /// [`ConnectionConfig::relogin`](crate::ConnectionConfig::relogin).
    pub fn repeatable(mut self) -> Self {
        self.is_repeatable = true;
        self
    }

    pub(crate) fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }

    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    pub(crate) fn request_id_or_new(&self) -> Uuid {
        self.request_id.unwrap_or_else(Uuid::new_v4)
    }

    pub(crate) fn time_limit(&self) -> Option<Duration> {
        self.timeout
    }

    /// What can be found wrong without asking the service.
    pub(crate) fn check(&self) -> Result<()> {
        let refused = |why: &'static str| Err(Error::new(ErrorKind::Statement, why));
        if self.sql.trim().is_empty() {
            return refused("the statement is empty");
        }
        if self.parameters.contains_key("MULTI_STATEMENT_COUNT") {
            return refused("several statements in one request are not supported; send one at a time");
        }
        if let Some(ParameterValue::Text(tag)) = self.parameters.get("QUERY_TAG") {
            check_query_tag(Some(tag))?;
        }
        let mut columns = self.binds.iter().filter_map(|binding| match binding {
            Binding::Column(values) => Some(values.len()),
            Binding::One(_) => None,
        });
        if let Some(first) = columns.next() {
            if columns.any(|length| length != first) {
                return refused("the bound columns are not equally long");
            }
            if self.binds.iter().any(|binding| matches!(binding, Binding::One(_))) {
                return refused("single values and whole columns cannot be bound in one statement");
            }
            if first * self.binds.len() > BIND_VALUES_MAX {
                return refused("more than 65280 values are bound; load them from a Snowflake stage instead");
            }
        }
        Ok(())
    }

    /// The binds by position, as the service wants them.
    pub(crate) fn wire_binds(&self) -> Result<BTreeMap<String, WireBind>> {
        let mut binds = BTreeMap::new();
        for (index, binding) in self.binds.iter().enumerate() {
            let wire = match binding {
                Binding::One(value) => value.to_wire()?,
                Binding::Column(values) => bind::column_to_wire(values)?,
            };
            binds.insert((index + 1).to_string(), wire);
        }
        Ok(binds)
    }

    /// The parameters, with the time limit among them.
    pub(crate) fn wire_parameters(&self) -> BTreeMap<String, ParameterValue> {
        let mut parameters = self.parameters.clone();
        if let Some(timeout) = self.timeout {
            // A limit of zero would mean no limit.
            let seconds = i64::try_from(timeout.as_secs().max(1)).unwrap_or(i64::MAX);
            parameters.entry("STATEMENT_TIMEOUT_IN_SECONDS".to_owned()).or_insert(seconds.into());
        }
        parameters
    }
}

impl From<&str> for Statement {
    fn from(sql: &str) -> Self {
        Self::new(sql)
    }
}

impl From<String> for Statement {
    fn from(sql: String) -> Self {
        Self::new(sql)
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("length", &self.sql.len())
            .field("binds", &self.binds.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_statements_in_one_request_are_refused() {
        let error =
            Statement::new("SELECT 1; SELECT 2").parameter("multi_statement_count", 2).check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Statement);
    }

    #[test]
    fn columns_must_agree() {
        let column = |length| vec![Bind::from(1); length];
        let insert = || Statement::new("INSERT INTO t VALUES (?, ?)");
        assert!(insert().bind_column(column(2)).bind_column(column(2)).check().is_ok());
        assert!(insert().bind_column(column(2)).bind_column(column(3)).check().is_err());
        assert!(insert().bind_column(column(2)).bind(1).check().is_err());
        assert!(insert().bind_column(column(40_000)).bind_column(column(40_000)).check().is_err());
    }

    #[test]
    fn a_time_limit_becomes_a_parameter() {
        let parameters = Statement::new("x").timeout(Duration::from_millis(10)).wire_parameters();
        assert_eq!(parameters["STATEMENT_TIMEOUT_IN_SECONDS"], ParameterValue::Number(1));
    }
}
