//! What the protocol side asks of a session, and what it tells about statements that ended.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::compute::UsedWarehouse;
use crate::outcome::SqlError;
use crate::statement::FinishedResults;
use crate::users::Users;

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

/// What is remembered of a statement, from its start on.
#[derive(Clone, Debug)]
pub struct QueryRecord {
    pub query_id: String,
    pub text: String,
    pub user: String,
    pub role: Option<String>,
    /// None where it needed none.
    pub warehouse: Option<UsedWarehouse>,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub session_id: i64,
    pub tag: String,
    pub started_at: Timestamp,
    /// None while it runs.
    pub ended_at: Option<Timestamp>,
    /// `RUNNING`, `SUCCESS` or `FAILED_WITH_ERROR`.
    pub status: &'static str,
    pub rows: u64,
    pub error: Option<SqlError>,
}
