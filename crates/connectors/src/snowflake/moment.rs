//! What an account says of itself right before a read: its clock, and a token that changes whenever a table does.
//!
//! None of it needs a virtual warehouse.

use arrow_array::Array;
use arrow_cast::display::array_value_to_string;
use model::{Error, ReadPlan, Result, StreamName, StreamPlan, TableName};
use snowflake::{Session, Statement, string_literal};

use super::error::from_client;
use super::object::Object;
use super::sql::table_sql;

/// SYSDATE is in UTC whatever the session's time zone.
const CLOCK_SQL: &str = "TO_CHAR(SYSDATE(), 'YYYY-MM-DD HH24:MI:SS.FF9')";

/// An account right before a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// The account's clock in UTC, to the nanosecond.
    pub(super) at: String,
    /// The table's change token, where there is one that can be relied on.
    pub(super) change_token: Option<String>,
}

impl Moment {
    /// Asks for the clock, and for the token where the read goes on from a position later. What the stream is, is asked
    /// where it is not known yet.
    pub(super) async fn before(session: &Session, plan: &StreamPlan, known: Option<Object>) -> Result<Self> {
        if let (ReadPlan::ByCursor { .. }, StreamName::Table(table)) = (&plan.read, &plan.stream)
            && has_change_token(session, table, known).await?
            && let Some(moment) = Self::with_token(session, table).await?
        {
            return Ok(moment);
        }
        Ok(Self { at: clock(session).await?, change_token: None })
    }

    /// The clock and the token of `table` in one statement; nothing where Snowflake has no token for it.
    ///
    /// A view may also change with the time of day, or with what its functions say, so views are never asked about.
    pub(super) async fn with_token(session: &Session, table: &TableName) -> Result<Option<Self>> {
        let name = string_literal(&table_sql(table)?);
        let sql = format!("SELECT {CLOCK_SQL}, SYSTEM$LAST_CHANGE_COMMIT_TIME({name})");
        let row = match first_row(session, &sql).await {
            Ok(row) => row,
            Err(error) if is_refusal(error.kind()) => {
                tracing::debug!(stream.name = %table, error = %error, "there is no change token");
                return Ok(None);
            }
            Err(error) => return Err(from_client(error)),
        };
        let [at, token] = <[String; 2]>::try_from(row).map_err(|_| no_answer())?;
        // Without a change on record there is nothing that a later token could be compared with.
        let change_token = Some(token).filter(|token| token.parse::<i128>().is_ok_and(|token| token > 0));
        Ok(Some(Self { at, change_token }))
    }
}

async fn has_change_token(session: &Session, table: &TableName, known: Option<Object>) -> Result<bool> {
    let object = match known {
        None => Object::of_table(session, table).await?,
        known => known,
    };
    Ok(object.is_some_and(|object| object.kind.has_change_token()))
}

/// The account's clock in UTC, to the nanosecond.
pub(super) async fn clock(session: &Session) -> Result<String> {
    let row = first_row(session, &format!("SELECT {CLOCK_SQL}")).await.map_err(from_client)?;
    let [at] = <[String; 1]>::try_from(row).map_err(|_| no_answer())?;
    Ok(at)
}

/// Whether Snowflake says that it has no such thing for this table or role, rather than that it is unwell.
fn is_refusal(kind: snowflake::ErrorKind) -> bool {
    use snowflake::ErrorKind::{Config, NotFound, Permission, Statement};
    matches!(kind, Config | NotFound | Permission | Statement)
}

async fn first_row(session: &Session, sql: &str) -> snowflake::Result<Vec<String>> {
    let batches = session.query(Statement::new(sql).repeatable()).await?.collect().await?;
    let Some(row) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(Vec::new()) };
    let text = |column| array_value_to_string(column, 0).unwrap_or_default();
    Ok(row
        .columns()
        .iter()
        .map(|column| if column.is_null(0) { String::new() } else { text(column) })
        .collect())
}

fn no_answer() -> Error {
    Error::internal("the account did not say what its clock shows")
}
