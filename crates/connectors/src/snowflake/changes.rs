//! Following a table by the changes that its account has tracked: from one moment of the account's clock to another.
//!
//! Nothing is created in the account. A position says until when changes were asked for; the next read asks from there
//! on. Moments are whole milliseconds, the finest that time travel tells apart.

use model::{BatchStream, CHANGES_LOST, Error, ErrorKind, Result, StreamPlan, TableName};
use snowflake::{QueryResult, Session, Statement, string_literal};

use super::error::from_client;
use super::moment::{Moment, clock};
use super::position::{Position, Reading};
use super::read;
use super::sql::{quoted, selected_sql, stream_sql};
use super::tracked::{Tracked, tracking_remedy};

/// Stands for the end of the interval in a statement that is only shown.
pub(super) const UNTIL_SHOWN: &str = "<the account's clock>";
/// `2026-01-01 00:00:00.000`
const MILLISECONDS_LENGTH: usize = 23;
/// The date and the hour of that: an unchanged table's position moves on once an hour, far within any retention.
const HOUR_LENGTH: usize = 13;
/// That a table has no rows to show as of a time: its retention has passed, or it was created later.
const TIME_TRAVEL_UNAVAILABLE: &str = "000707";
/// What Snowflake says where changes were not tracked all the time. It has no documented number.
const TRACKING_MISSING: &str = "change tracking is not enabled or has been missing";

/// Starts the read of `plan`: goes on with a kept result, or asks the account for its clock and then for all that
/// happened until then.
pub(super) async fn start(
    session: &Session,
    plan: &StreamPlan,
    table: &TableName,
    committed: &Position,
) -> Result<BatchStream> {
    let from = committed.changes_until.as_deref();
    let staged: Option<Position> = plan.staged.as_ref().map(model::Cursor::position).transpose()?;
    // Rows of a whole read are no use to a run that goes on, and the other way round.
    let begins_alike = plan.since.is_some() == from.is_some();
    if let Some(until) = staged.filter(|_| begins_alike).and_then(|staged| staged.changes_until) {
        let statement = changes_sql(plan, from, &until)?;
        if let Some((result, position)) = read::kept(session, plan, &statement).await? {
            return read::batches_of(plan, result, position, true);
        }
    }
    let tracked = Tracked::look(session, table).await?;
    match plan.since {
        None if !tracked.is_tracked => return Err(never_tracked(table)?),
        None => {}
        Some(_) => refuse_gap(table, committed, &tracked)?,
    }
    let mut position = moment_of(session, table, tracked).await?;
    let until = not_before(position.changes_until.take().unwrap_or_default(), from);
    let statement = changes_sql(plan, from, &until)?;
    let result = match session.query(Statement::new(statement.as_str()).repeatable()).await {
        Ok(result) => result,
        Err(error) => return Err(refused(session, plan, table, committed, error).await),
    };
    let position = begun(position, until, &result, statement);
    read::batches_of(plan, result, position, false)
}

fn begun(position: Position, until: String, result: &QueryResult, statement: String) -> Position {
    let reading = Reading { query_id: result.query_id().to_owned(), next_chunk: 0, statement };
    Position { changes_until: Some(until), reading: Some(reading), ..position }
}

/// The position of a destination that shows the table as it is at this moment.
pub(super) async fn position_now(
    session: &Session,
    plan: &StreamPlan,
    table: &TableName,
) -> Result<Position> {
    let tracked = Tracked::look(session, table).await?;
    let mut position = moment_of(session, table, tracked).await?;
    position.next_statement = Some(read::next_statement(plan, &position)?);
    Ok(position)
}

/// A later position of a table whose change token is still the one that was noted. The token is asked for after the
/// clock: whatever happens between the two shows in it.
pub(super) async fn position_of_unchanged(
    session: &Session,
    plan: &StreamPlan,
    table: &TableName,
    committed: Position,
) -> Result<Option<Position>> {
    let now = milliseconds(&clock(session).await?);
    let is_same_hour = committed
        .changes_until
        .as_ref()
        .is_some_and(|until| until.get(..HOUR_LENGTH) == now.get(..HOUR_LENGTH));
    if is_same_hour || committed.change_token.is_none() {
        return Ok(None);
    }
    let token = Moment::with_token(session, table).await?.and_then(|moment| moment.change_token);
    if token != committed.change_token {
        return Ok(None);
    }
    let mut position = Position { changes_until: Some(now), ..committed };
    position.next_statement = Some(read::next_statement(plan, &position)?);
    Ok(Some(position))
}

/// Asks for the table's change token, and then for the clock: a change that the token does not know comes later. One that
/// it does know counts as read only where it lies before the millisecond that is read up to.
async fn moment_of(session: &Session, table: &TableName, tracked: Tracked) -> Result<Position> {
    let token = Moment::with_token(session, table).await?.and_then(|moment| moment.change_token);
    let until = milliseconds(&clock(session).await?);
    let change_token = token.filter(|token| is_before(token, &until));
    Ok(Position {
        changes_until: Some(until),
        object: Some(tracked.object),
        change_token,
        ..Position::default()
    })
}

/// Whether a change token, which counts nanoseconds, lies before a moment.
fn is_before(token: &str, until: &str) -> bool {
    let format = "%Y-%m-%d %H:%M:%S%.f";
    let until = jiff::civil::DateTime::strptime(format, until)
        .ok()
        .and_then(|until| until.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let token = token.parse::<i128>().ok();
    token.zip(until).is_some_and(|(token, until)| token < until.timestamp().as_nanosecond())
}

/// The moment cut to whole milliseconds.
fn milliseconds(at: &str) -> String {
    at.get(..MILLISECONDS_LENGTH).unwrap_or(at).to_owned()
}

/// An interval does not end before it begins.
fn not_before(until: String, from: Option<&str>) -> String {
    match from {
        Some(from) if from > until.as_str() => from.to_owned(),
        _ => until,
    }
}

fn never_tracked(table: &TableName) -> Result<Error> {
    let message = format!("the account does not track the changes of {table}");
    Ok(Error::config("change_tracking_off", message).with_remedy(tracking_remedy(table)?))
}

/// Refuses to go on from a position behind which the table's history is broken off.
fn refuse_gap(table: &TableName, committed: &Position, tracked: &Tracked) -> Result<()> {
    let reason = if committed.changes_until.is_none() {
        format!("{table} was not read by its changes so far")
    } else if committed.object.as_ref() != Some(&tracked.object) {
        format!("{table} was created anew since the last read")
    } else if !tracked.is_tracked {
        format!("change tracking of {table} is off")
    } else {
        return Ok(());
    };
    Err(lost(table, reason, tracked)?)
}

/// The error of changes that are not to be had, with what the customer has to do before there are changes again.
fn lost(table: &TableName, reason: String, tracked: &Tracked) -> Result<Error> {
    let lost = Error::new(ErrorKind::SchemaChanged, CHANGES_LOST, reason);
    Ok(if tracked.is_tracked { lost } else { lost.with_remedy(tracking_remedy(table)?) })
}

/// What a refused statement means: whether the changes are lost, and why, or anything else.
async fn refused(
    session: &Session,
    plan: &StreamPlan,
    table: &TableName,
    committed: &Position,
    error: snowflake::Error,
) -> Error {
    let is_too_old = error.code() == Some(TIME_TRAVEL_UNAVAILABLE);
    let is_untracked = error.message().to_lowercase().contains(TRACKING_MISSING);
    if !is_too_old && !is_untracked {
        return from_client(error);
    }
    if plan.since.is_none() {
        // The table was put in place while the read began; the next attempt meets it as it is.
        return Error::new(ErrorKind::Unavailable, "table_replaced", from_client(error).message());
    }
    let reason = if is_too_old {
        format!("the history of {table} does not reach back to the last read any more")
    } else {
        format!("the changes of {table} were not tracked all the time since the last read")
    };
    let gap = match Tracked::look(session, table).await {
        Ok(tracked) => refuse_gap(table, committed, &tracked).and_then(|()| lost(table, reason, &tracked)),
        Err(error) => Err(error),
    };
    match gap {
        Ok(error) | Err(error) => error,
    }
}

/// Reads all rows as of `until`, or one row for each key that changed after `from` and not after `until`.
///
/// A key may have been deleted and inserted again: what was inserted is what is there. Rows of which two were inserted with
/// the same key are both given, so that the destination sees that the key is none.
pub(super) fn changes_sql(plan: &StreamPlan, from: Option<&str>, until: &str) -> Result<String> {
    let table = stream_sql(&plan.stream)?;
    let until = moment_sql(until);
    let Some(from) = from else {
        return Ok(format!("SELECT {} FROM {table} AT(TIMESTAMP => {until})", selected_sql(plan, "FALSE")?));
    };
    let changes = format!(
        "{table} CHANGES(INFORMATION => DEFAULT) AT(TIMESTAMP => {}) END(TIMESTAMP => {until})",
        moment_sql(from)
    );
    let columns = selected_sql(plan, "METADATA$ACTION = 'DELETE'")?;
    let kept_only = if plan.carries_delete_flag() { "" } else { " WHERE METADATA$ACTION = 'INSERT'" };
    let key = key_sql(plan)?;
    let added: Vec<String> =
        plan.added().map(|name| Ok(format!("{} IS NOT NULL", quoted(name)?))).collect::<Result<_>>()?;
    if added.is_empty() {
        return Ok(format!(
            "SELECT {columns} FROM {changes}{kept_only} QUALIFY RANK() OVER (PARTITION BY {key} ORDER BY \
             IFF(METADATA$ACTION = 'INSERT', 0, 1)) = 1"
        ));
    }
    // Rows that did not change are read once where they have a value in a column that the target has only now.
    let names = plan.columns.iter().map(|column| quoted(&column.source)).collect::<Result<Vec<_>>>()?;
    let mut outer = names.join(", ");
    if plan.carries_delete_flag() {
        outer.push_str(&format!(", {}", quoted(model::DELETE_FLAG)?));
    }
    Ok(format!(
        "SELECT {outer} FROM (SELECT {columns}, IFF(METADATA$ACTION = 'INSERT', 0, 2) AS {RANK} FROM {changes}{kept_only} \
         UNION ALL SELECT {unchanged}, 1 AS {RANK} FROM {table} AT(TIMESTAMP => {until}) WHERE {filled}) AS source \
         QUALIFY RANK() OVER (PARTITION BY {key} ORDER BY {RANK}) = 1",
        unchanged = selected_sql(plan, "FALSE")?,
        filled = added.join(" OR "),
    ))
}

/// Orders rows of one key: inserted, not changed, deleted.
const RANK: &str = "\"_snowferry_rank\"";

/// The key's columns at the source.
fn key_sql(plan: &StreamPlan) -> Result<String> {
    let is_key = |target: &String| plan.key().contains(target);
    let key = plan.columns.iter().filter(|column| is_key(&column.target));
    let names: Vec<String> = key.map(|column| quoted(&column.source)).collect::<Result<_>>()?;
    Ok(names.join(", "))
}

/// A moment of the account's clock, whatever the session's time zone and formats are.
pub(super) fn moment_sql(at: &str) -> String {
    let text = string_literal(&format!("{at} +00:00"));
    format!("TO_TIMESTAMP_TZ({text}, 'YYYY-MM-DD HH24:MI:SS.FF3 TZH:TZM')")
}
