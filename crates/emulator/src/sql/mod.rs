//! The SQL side of an emulated account, seen from the protocol side.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::{Decimal128Array, RecordBatch};
use jiff::Timestamp;
use serde_json::Value;

use crate::outcome::{Column, Outcome, Rows, SnowType, SqlError};
use crate::statement::FinishedResults;
use crate::users::Users;

/// One emulated account's databases and catalog. Copies share them.
#[derive(Clone, Debug)]
pub struct Database {}

/// What a log-in asks of a new SQL session.
#[derive(Clone, Debug)]
pub struct SessionStart {
    pub session_id: i64,
    pub user: String,
    pub role: Option<String>,
    pub warehouse: Option<String>,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub parameters: BTreeMap<String, String>,
    /// Refuse defaults that do not exist (390201, 390189) instead of starting without them.
    pub validate_defaults: bool,
    /// The users of the account, for `CREATE USER` and its kin.
    pub users: Users,
    /// Results of earlier statements, for `RESULT_SCAN`.
    pub results: FinishedResults,
}

/// One session's SQL state. Runs one statement at a time, on blocking threads.
#[derive(Debug)]
pub struct SqlSession {
    start: SessionStart,
}

/// Stops the statement that a session is running.
#[derive(Clone, Debug)]
pub struct Interrupt {}

/// A session parameter that differs from its default.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub value: Value,
}

/// Where a session is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionContext {
    pub database: Option<String>,
    pub schema: Option<String>,
    pub warehouse: Option<String>,
    pub role: Option<String>,
}

/// One statement to run.
#[derive(Clone, Debug)]
pub struct SqlRequest {
    pub query_id: String,
    pub text: String,
    pub bindings: BTreeMap<String, Binding>,
    /// Parameters for this statement only.
    pub parameters: BTreeMap<String, Value>,
}

/// One bound value, or a column of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub ty: String,
    pub values: Vec<Option<String>>,
    pub is_array: bool,
}

/// What is remembered of a statement that ended.
#[derive(Clone, Debug)]
pub struct QueryRecord {
    pub query_id: String,
    pub text: String,
    pub user: String,
    pub role: Option<String>,
    pub warehouse: Option<String>,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub session_id: i64,
    pub tag: String,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    /// `SUCCESS` or `FAILED_WITH_ERROR`.
    pub status: &'static str,
    pub rows: u64,
    pub error: Option<SqlError>,
}

impl Database {
    pub fn open(_folder: Option<&Path>) -> Result<Database, SqlError> {
        Ok(Database {})
    }

    pub fn session(&self, start: &SessionStart) -> Result<SqlSession, SqlError> {
        Ok(SqlSession { start: start.clone() })
    }

    pub fn record_query(&self, _record: QueryRecord) {}
}

impl SqlSession {
    pub fn execute(&mut self, request: &SqlRequest) -> Result<Outcome, SqlError> {
        let number = request.text.trim().to_ascii_lowercase();
        let number = number.strip_prefix("select ").and_then(|number| number.trim().parse::<i128>().ok());
        let Some(number) = number else { return Err(unknown()) };
        let columns = columns(number);
        let array = Decimal128Array::from(vec![number])
            .with_precision_and_scale(38, 0)
            .map_err(|error| internal(&error.to_string()))?;
        let batch = RecordBatch::try_new(Rows::schema(&columns), vec![std::sync::Arc::new(array)])
            .map_err(|error| internal(&error.to_string()))?;
        Ok(Outcome {
            statement_type_id: 4096,
            is_json_forced: false,
            rows: Rows { columns, batches: Box::new(std::iter::once(Ok(batch))) },
            stats: None,
            changed_parameters: Vec::new(),
        })
    }

    pub fn describe(&mut self, request: &SqlRequest) -> Result<Vec<Column>, SqlError> {
        self.execute(request).map(|outcome| outcome.rows.columns)
    }

    pub fn interrupt(&self) -> Interrupt {
        Interrupt {}
    }

    pub fn parameters(&self) -> Vec<Parameter> {
        Vec::new()
    }

    pub fn context(&self) -> SessionContext {
        let start = self.start.clone();
        SessionContext {
            database: start.database,
            schema: start.schema,
            warehouse: start.warehouse,
            role: start.role,
        }
    }
}

impl Interrupt {
    pub fn interrupt(&self) {}
}

fn columns(number: i128) -> Vec<Column> {
    vec![Column::new(number.to_string(), SnowType::Fixed { precision: 38, scale: 0 })]
}

fn unknown() -> SqlError {
    SqlError {
        code: "001003",
        sql_state: "42000",
        message: "SQL compilation error:\nonly SELECT of one number is known.".to_owned(),
        position: None,
    }
}

fn internal(message: &str) -> SqlError {
    SqlError { code: "000603", sql_state: "XX000", message: message.to_owned(), position: None }
}
