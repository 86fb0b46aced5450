//! The one session of a destination with its account: opened when first needed, replaced when it is gone.

use std::collections::HashMap;
use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_cast::cast;
use arrow_schema::DataType;
use model::{Error, ErrorKind, Result};
use snowflake::{ConnectionConfig, QueryResult, Session, Statement};
use tokio::sync::Mutex;

use crate::snowflake::error::from_client;
use crate::snowflake::sql::quoted;

/// What statements are tagged with where the connection has no tag of its own.
pub(super) const TAG: &str = "snowferry";
/// Snowflake says so where no virtual warehouse can be used by the role.
const NO_WAREHOUSE_CODES: [&str; 2] = ["000606", "390201"];
/// What the fence of a publishing statement answers after its deadline; nothing else of ours divides.
const DIVISION_BY_ZERO: &str = "100051";

/// A session with an account, for statements that are tagged with the step they are of.
pub(super) struct Link {
    config: ConnectionConfig,
    session: Mutex<Option<Session>>,
}

impl Link {
    pub(super) fn new(config: ConnectionConfig) -> Self {
        Self { config, session: Mutex::new(None) }
    }

    /// The session, after a log-in where that has not happened yet.
    pub(super) async fn session(&self) -> Result<Session> {
        let mut slot = self.session.lock().await;
        if let Some(session) = &*slot {
            return Ok(session.clone());
        }
        let session = Session::connect(self.config.clone()).await.map_err(|error| self.lifted(error))?;
        *slot = Some(session.clone());
        Ok(session)
    }

    /// Does `work` on the session, and forgets the session where it turns out to be gone: what is done next logs in.
    pub(super) async fn on_session<T>(
        &self,
        work: impl AsyncFnOnce(&Session) -> snowflake::Result<T>,
    ) -> Result<T> {
        let session = self.session().await?;
        match work(&session).await {
            Ok(done) => Ok(done),
            Err(error) => {
                if error.kind() == snowflake::ErrorKind::SessionExpired {
                    *self.session.lock().await = None;
                }
                Err(self.lifted(error))
            }
        }
    }

    /// Runs a statement under a tag.
    pub(super) async fn run(&self, tag: &str, sql: &str) -> Result<QueryResult> {
        self.on_session(async |session| session.query(Statement::new(sql).query_tag(tag)).await).await
    }

    /// Runs a statement under a tag and gives its rows.
    pub(super) async fn rows(&self, tag: &str, sql: &str) -> Result<Vec<RecordBatch>> {
        let result = self.run(tag, sql).await?;
        result.collect().await.map_err(from_client)
    }

    /// Runs a statement that gives one row of counts, and gives those by their names in lower case.
    pub(super) async fn counts(&self, tag: &str, sql: &str) -> Result<HashMap<String, i64>> {
        Ok(self.rows(tag, sql).await?.iter().find(|rows| rows.num_rows() > 0).map(counts).unwrap_or_default())
    }

    /// The tag of a step of an attempt.
    pub(super) fn tag(&self, attempt: &str, step: &str) -> String {
        let base = self.config.query_tag.as_deref().unwrap_or(TAG);
        format!("{base}/{attempt}/{step}")
    }

    /// The role whose privileges count.
    pub(super) async fn role(&self) -> Option<String> {
        match &self.config.role {
            Some(role) => Some(role.clone()),
            None => self.session().await.ok()?.context().role,
        }
    }

    /// Logs out, where logged in. A failure to do so harms nobody: the session ends by itself.
    pub(super) async fn close(&self) {
        if let Some(session) = self.session.lock().await.take()
            && let Err(error) = session.close().await
        {
            tracing::debug!(error = %error, "log-out failed");
        }
    }

    /// The grant that the virtual warehouse takes, where the connection names one and a role.
    pub(super) fn warehouse_grant(&self) -> Option<String> {
        let warehouse = quoted(self.config.virtual_warehouse.as_deref()?).ok()?;
        let role = quoted(self.config.role.as_deref()?).ok()?;
        Some(format!("GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {role};"))
    }

    /// What a client error means here, where it can only mean one thing.
    fn lifted(&self, error: snowflake::Error) -> Error {
        let Some(code) = error.code() else { return from_client(error) };
        if code == DIVISION_BY_ZERO {
            let message = "the publishing statement began too late and was not carried out";
            let late = Error::new(ErrorKind::Unavailable, "publish_window_missed", message);
            return late.with_query_id(error.query_id().unwrap_or_default());
        }
        match (NO_WAREHOUSE_CODES.contains(&code), self.warehouse_grant()) {
            (true, Some(grant)) => {
                let message =
                    "the role may not use the virtual warehouse of the connection, or there is none";
                Error::new(ErrorKind::Permission, "grant_missing", message)
                    .with_remedy(format!("check its name, or let the customer run: {grant}"))
            }
            _ => from_client(error),
        }
    }
}

/// The counts in the first row, by the columns' names in lower case.
pub(super) fn counts(rows: &RecordBatch) -> HashMap<String, i64> {
    let schema = rows.schema();
    let values = schema.fields().iter().zip(rows.columns());
    values
        .filter_map(|(field, column)| Some((field.name().to_lowercase(), count(column.as_ref())?)))
        .collect()
}

/// A whole number, in whichever type the service gives it.
fn count(column: &dyn Array) -> Option<i64> {
    if column.is_null(0) {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(0).parse().ok(),
        DataType::UInt64 => i64::try_from(column.as_primitive::<UInt64Type>().value(0)).ok(),
        _ => cast(column, &DataType::Int64).ok().map(|whole| whole.as_primitive::<Int64Type>().value(0)),
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("account", &self.config.account).finish_non_exhaustive()
    }
}
