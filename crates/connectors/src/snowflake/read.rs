//! One read: a statement, or the rest of a kept result, as batches that each know where to go on.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, make_array};
use arrow_cast::display::array_value_to_string;
use arrow_schema::SchemaRef;
use futures_util::StreamExt;
use futures_util::stream;
use model::{Batch, BatchStream, Cursor, EndOfRead, Error, ReadEvent, ReadPlan, Result, StreamPlan};
use sha2::{Digest, Sha256};
use snowflake::{DecodeOptions, QueryResult, ResultStream, Session, Statement, WideTimestamps};

use super::error::from_client;
use super::moment::Moment;
use super::object::Object;
use super::position::{Position, Reading, Snapshot};
use super::side_by_side::{self, Divided};
use super::sql::{excluded_count_sql, read_sql};
use crate::followed::Followed;
use crate::watermark::Watermark;

/// Starts the read of `plan`: goes on with what an interrupted read has left where the same statement's result is still
/// kept, and otherwise runs the statement.
pub(super) async fn start(
    session: &Session,
    plan: &StreamPlan,
    committed: Position,
    statement: String,
) -> Result<BatchStream> {
    let (object, started_over) = match side_by_side::start(session, plan, &statement).await? {
        Divided::Ranges(read) => return Ok(read),
        Divided::OneStatement { object, started_over } => (object, started_over),
    };
    match kept(session, plan, &statement).await? {
        Some((result, position)) => batches_of(plan, result, position, true),
        None => {
            let (result, position) = anew(session, plan, object, committed, statement).await?;
            Ok(BatchStream { started_over, ..batches_of(plan, result, position, false)? })
        }
    }
}

/// The batches of a result, from the position in it on.
pub(super) fn batches_of(
    plan: &StreamPlan,
    result: QueryResult,
    position: Position,
    is_continued: bool,
) -> Result<BatchStream> {
    let read = Read::new(plan, &result, position)?;
    Ok(BatchStream {
        row_count: Some(result.total_rows()),
        is_continued,
        withdrawn: None,
        started_over: None,
        query_id: Some(result.query_id().to_owned()),
        events: stream::unfold(Some(read), Read::step).boxed(),
    })
}

/// Runs the statement. What the account says of itself is asked first, so that it never passes what the rows show.
async fn anew(
    session: &Session,
    plan: &StreamPlan,
    object: Option<Object>,
    committed: Position,
    statement: String,
) -> Result<(QueryResult, Position)> {
    let moment = Moment::before(session, plan, object).await?;
    let null_count = excluded_count(session, plan).await?;
    let query = Statement::new(statement.as_str()).repeatable();
    let result = session.query(query).await.map_err(from_client)?;
    let query_id = result.query_id().to_owned();
    let position = Position {
        watermark: committed.watermark,
        followed: Followed::by(plan),
        null_count,
        change_token: moment.change_token,
        snapshot: Some(Snapshot { query_id: Some(query_id.clone()), at: moment.at }),
        reading: Some(Reading { query_id, next_chunk: 0, statement }),
        ..Position::default()
    };
    Ok((result, position))
}

pub(super) async fn excluded_count(session: &Session, plan: &StreamPlan) -> Result<u64> {
    let Some(sql) = excluded_count_sql(plan)? else { return Ok(0) };
    let result = session.query(Statement::new(sql.as_str()).repeatable()).await.map_err(from_client)?;
    let rows = result.collect().await.map_err(from_client)?;
    let first = rows.iter().find(|batch| batch.num_rows() > 0);
    let count = first.and_then(|batch| array_value_to_string(batch.column(0), 0).ok()?.parse().ok());
    count.ok_or_else(|| Error::internal("a count came without a number"))
}

/// The kept result that the staged rows came from, unless it is gone or belongs to another statement.
pub(super) async fn kept(
    session: &Session,
    plan: &StreamPlan,
    statement: &str,
) -> Result<Option<(QueryResult, Position)>> {
    let Some(staged) = &plan.staged else { return Ok(None) };
    let position: Position = staged.position()?;
    let Some(reading) = position.reading.as_ref().filter(|reading| reading.statement == statement) else {
        return Ok(None);
    };
    match session.result(&reading.query_id).await {
        Ok(result) => Ok(Some((result, position))),
        Err(error) if is_gone(error.kind()) => {
            tracing::info!(query.id = reading.query_id, "the kept result is gone; the stream is read again");
            Ok(None)
        }
        Err(error) => Err(from_client(error)),
    }
}

/// Whatever the service says about a result that it does not give, the way on is to read again. Only what a retry or a
/// person would mend first is reported.
pub(super) fn is_gone(kind: snowflake::ErrorKind) -> bool {
    use snowflake::ErrorKind;
    !matches!(
        kind,
        ErrorKind::Unavailable
            | ErrorKind::Throttled
            | ErrorKind::SessionExpired
            | ErrorKind::Auth
            | ErrorKind::Internal
    )
}

struct Read {
    plan: StreamPlan,
    batches: ResultStream,
    schema: SchemaRef,
    position: Position,
    reading: Reading,
    /// The cursor column's index among the Arrow columns, and what was seen of it.
    watermark: Option<(usize, Watermark)>,
    lossy_columns: Vec<(usize, String)>,
}

impl Read {
    fn new(plan: &StreamPlan, result: &QueryResult, position: Position) -> Result<Self> {
        let reading = position
            .reading
            .clone()
            .ok_or_else(|| Error::internal("a read was started without a result to read"))?;
        let batches = result.batches_from(reading.next_chunk, decode_options(plan)).map_err(from_client)?;
        Ok(Self {
            plan: plan.clone(),
            batches,
            schema: plan.arrow_schema(),
            watermark: cursor_watermark(plan, &position)?,
            position,
            reading,
            lossy_columns: lossy_columns(plan),
        })
    }

    async fn step(read: Option<Self>) -> Option<(Result<ReadEvent>, Option<Self>)> {
        let mut read = read?;
        match read.batches.next().await {
            Some(Ok(batch)) => match read.batch(batch) {
                Ok(event) => Some((Ok(event), Some(read))),
                Err(error) => Some((Err(error), None)),
            },
            Some(Err(error)) => Some((Err(from_client(error)), None)),
            None => Some((read.end(), None)),
        }
    }

    fn batch(&mut self, result: snowflake::ResultBatch) -> Result<ReadEvent> {
        if let Some((index, watermark)) = &mut self.watermark {
            watermark.observe(result.batch.column(*index))?;
        }
        let resume = if result.is_last_of_chunk {
            self.reading.next_chunk = result.chunk + 1;
            if let Some((_, watermark)) = &self.watermark {
                self.position.watermark = watermark.text();
                self.position.null_count = watermark.null_count();
                self.position.future_count = watermark.future_count();
            }
            self.position.reading = Some(self.reading.clone());
            Some(Cursor::from_position(&self.position)?)
        } else {
            None
        };
        let rows = relabelled(&result.batch, &self.schema)?;
        // The rows count against the memory budget until the destination drops them.
        Ok(ReadEvent::Batch(Batch { rows, resume, held: Some(Box::new(result)) }))
    }

    fn end(&self) -> Result<ReadEvent> {
        let watermark = self.watermark.as_ref().map(|(_, watermark)| watermark);
        let mut position = Position {
            watermark: watermark.and_then(Watermark::text),
            null_count: 0,
            future_count: 0,
            reading: None,
            ..self.position.clone()
        };
        position.next_statement = Some(next_statement(&self.plan, &position)?);
        let truncated = self.batches.summary().truncated_values;
        let changed = self.lossy_columns.iter().filter_map(|(index, name)| {
            let count = truncated.get(*index).copied().filter(|count| *count > 0)?;
            Some((name.clone(), count))
        });
        Ok(ReadEvent::End(EndOfRead {
            cursor: Cursor::from_position(&position)?,
            null_cursor_count: watermark.map(Watermark::null_count),
            future_cursor_count: watermark.map(Watermark::future_count),
            changed_values: changed.collect(),
        }))
    }
}

fn cursor_watermark(plan: &StreamPlan, position: &Position) -> Result<Option<(usize, Watermark)>> {
    let ReadPlan::ByCursor { cursor_type, .. } = &plan.read else { return Ok(None) };
    let index = cursor_index(plan)?;
    let watermark = Watermark::starting_at(cursor_type, position.watermark.as_deref(), position.null_count)?;
    let watermark = match &position.snapshot {
        Some(snapshot) => watermark.never_beyond(cursor_type, &snapshot.at, position.future_count)?,
        None => watermark,
    };
    Ok(Some((index, watermark)))
}

/// The digest of the statement that reads on from `position`. What has changed of the columns is changed by then, and the
/// first read is over.
pub(super) fn next_statement(plan: &StreamPlan, position: &Position) -> Result<String> {
    let since = Some(Cursor::from_position(position)?);
    let next = StreamPlan { changes: Vec::new(), since, ..plan.clone() };
    Ok(digest(&read_sql(&next, position)?))
}

/// The cursor column's index among the Arrow columns.
pub(super) fn cursor_index(plan: &StreamPlan) -> Result<usize> {
    let missing = || Error::internal("the cursor column is missing from the plan");
    let ReadPlan::ByCursor { cursor_column, .. } = &plan.read else { return Err(missing()) };
    let target = plan.column(cursor_column).map(|column| column.target.as_str()).unwrap_or_default();
    plan.arrow_schema().index_of(target).map_err(|_| missing())
}

/// Columns of which a loss was allowed, with their places in the statement.
pub(super) fn lossy_columns(plan: &StreamPlan) -> Vec<(usize, String)> {
    let lossy = plan.columns.iter().enumerate().filter(|(_, column)| column.is_lossy);
    lossy.map(|(index, column)| (index, column.target.clone())).collect()
}

pub(super) fn decode_options(plan: &StreamPlan) -> DecodeOptions {
    let wide = plan.columns.iter().filter(|column| column.is_lossy).map(|column| column.source.clone());
    DecodeOptions { wide_timestamps: WideTimestamps::MicrosecondsFor(wide.collect()) }
}

/// Tells one statement from another, without keeping its text.
pub(super) fn digest(statement: &str) -> String {
    Sha256::digest(statement.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The same values under the plan's names. Types that differ in their field names alone are renamed with them.
pub(super) fn relabelled(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = rows
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            if column.data_type() == field.data_type() {
                return Ok(Arc::clone(column));
            }
            let renamed = column.to_data().into_builder().data_type(field.data_type().clone()).build();
            renamed.map(make_array).map_err(|_| {
                Error::internal(format!(
                    "column {} arrived as {}, not as planned",
                    field.name(),
                    column.data_type()
                ))
            })
        })
        .collect::<Result<_>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|error| Error::internal("rows do not have the planned types").with_source(error))
}
