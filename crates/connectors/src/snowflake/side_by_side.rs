//! A first read in ranges: a few statements run side by side at the customer's, and their results are fetched one after
//! the other, each with its chunks in parallel. So the memory is that of one result, however many ranges there are.

use std::collections::{BTreeMap, VecDeque};

use arrow_schema::SchemaRef;
use futures_util::{StreamExt, stream};
use model::{
    Batch, BatchStream, Cursor, EndOfRead, Error, ErrorKind, ReadEvent, ReadPlan, Result, StreamPlan,
    Withdrawn,
};
use snowflake::{DecodeOptions, QueryResult, ResultBatch, ResultStream, Session, Statement, WideTimestamps};
use tokio_util::task::AbortOnDropHandle;

use super::error::from_client;
use super::moment::clock;
use super::object::Object;
use super::position::{Position, Snapshot};
use super::ranges::{BOUND_COLUMN, Part, Ranges, bounds_sql, to_milliseconds};
use super::read::{self, decode_options, digest, lossy_columns, relabelled};
use super::strategy::{Statements, Strategy};
use crate::followed::Followed;
use crate::watermark::{Watermark, texts};

/// Statements of one read that run at once. The smallest virtual warehouse runs eight, and others want to work as well.
const STATEMENTS_AT_ONCE: usize = 4;
/// What an error says when the rows of the ranges' moment are not kept any more.
const SNAPSHOT_LOST: &str = "snapshot_lost";

/// What became of a read that was to be done in ranges.
pub(super) enum Divided {
    Ranges(BatchStream),
    /// One statement reads it all.
    OneStatement {
        /// What the stream is, where that was asked.
        object: Option<Object>,
        /// Why what is staged, a part of ranges, is lost; absent where it is not.
        started_over: Option<String>,
    },
}

/// Starts the read of `plan` in ranges: goes on with those that an interrupted read has left, and otherwise divides the
/// stream where that is possible and worth it.
pub(super) async fn start(session: &Session, plan: &StreamPlan, statement: &str) -> Result<Divided> {
    if !plan.is_backfill() {
        return Ok(Divided::OneStatement { object: None, started_over: None });
    }
    let mut started_over = None;
    if let Some(position) = staged(plan, statement)? {
        match resumed(session, plan, position).await {
            Err(error) if error.code() == SNAPSHOT_LOST => started_over = Some(error.message().to_owned()),
            other => return other.map(Divided::Ranges),
        }
    }
    let (object, position) = divided(session, plan, statement).await?;
    if let Some(position) = position {
        let mut read = SideBySide::new(session, plan, position)?;
        match read.open_next().await {
            Ok(_) => return Ok(Divided::Ranges(read.stream(false, None, started_over))),
            // A table that is younger than a moment ago, or whose past is not kept as its settings say.
            Err(error) if error.code() == SNAPSHOT_LOST => {
                tracing::warn!(error = %error, "the ranges cannot be read at one moment; one statement reads all");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Divided::OneStatement { object: Some(object), started_over })
}

/// The position that an interrupted read in ranges has staged, unless it was of another statement.
fn staged(plan: &StreamPlan, statement: &str) -> Result<Option<Position>> {
    let Some(staged) = &plan.staged else { return Ok(None) };
    let position: Position = staged.position()?;
    let is_same = position.ranges.as_ref().is_some_and(|ranges| ranges.statement == digest(statement));
    Ok(is_same.then_some(position))
}

/// Goes on with ranges: with results that are kept where they are, and with the ranges' statements where they are not.
async fn resumed(session: &Session, plan: &StreamPlan, position: Position) -> Result<BatchStream> {
    let mut read = SideBySide::new(session, plan, position)?;
    let mut lost = Vec::new();
    for number in 0..read.ranges.parts.len() {
        let part = &read.ranges.parts[number];
        let Some(query_id) = part.query_id.as_ref().filter(|_| !part.is_done) else { continue };
        match session.result(query_id).await {
            Ok(result) => {
                read.results.insert(number, result);
            }
            Err(error) if read::is_gone(error.kind()) => {
                tracing::info!(
                    query.id = query_id,
                    "the kept result of a range is gone; the range is read again"
                );
                if part.row_count > 0 {
                    lost.push(read.ranges.staged(plan, number));
                }
                read.ranges.parts[number] = Part::default();
            }
            Err(error) => return Err(from_client(error)),
        }
    }
    // Whether the ranges' moment is still kept is found out before anything is given.
    if read.results.is_empty() {
        read.open_next().await?;
    } else {
        read.probe().await?;
    }
    let withdrawn = match lost.is_empty() {
        true => None,
        false => Some(Withdrawn { ranges: lost, resume: Cursor::from_position(&read.position())? }),
    };
    Ok(read.stream(true, withdrawn, None))
}

/// What the stream is, and a position before the first range where it is to be divided and its values allow it.
async fn divided(
    session: &Session,
    plan: &StreamPlan,
    statement: &str,
) -> Result<(Object, Option<Position>)> {
    let mut object = Object::listed(session, &plan.stream).await?;
    let mut statements = Strategy::of(&object, plan).statements;
    if matches!(statements, Statements::Ranges { .. }) {
        object = object.with_origin(session, &plan.stream).await?;
        statements = Strategy::of(&object, plan).statements;
    }
    let Statements::Ranges { count, by, why_no_snapshot } = statements else { return Ok((object, None)) };
    let column =
        plan.column(&by).ok_or_else(|| Error::internal("the column of the ranges is not planned"))?;
    let lowest = lowest_values(session, bounds_sql(plan, &object, &by, count)?).await?;
    let is_required = plan.read.required_column() == Some(by.as_str());
    let null_count = read::excluded_count(session, plan).await?;
    let shape = Ranges {
        column: by,
        logical_type: column.logical_type.clone(),
        at: to_milliseconds(&clock(session).await?),
        is_snapshot: why_no_snapshot.is_none(),
        bounds: Vec::new(),
        has_nulls: column.is_nullable && !is_required,
        statement: digest(statement),
        row_count: object.row_count,
        parts: Vec::new(),
    };
    let position = Ranges::between(lowest, shape).map(|ranges| Position {
        followed: Followed::by(plan),
        null_count,
        ranges: Some(ranges),
        ..Position::default()
    });
    Ok((object, position))
}

async fn lowest_values(session: &Session, sql: String) -> Result<Vec<String>> {
    let result = session.query(Statement::new(sql).repeatable()).await.map_err(from_client)?;
    let exact = bounds_of(&result, DecodeOptions::default()).await;
    match exact {
        // A year that nanoseconds do not reach. What a bound loses below the microsecond moves it for both ranges that it
        // divides.
        Err(error) if error.kind() == ErrorKind::Data => {
            let wide = WideTimestamps::MicrosecondsFor([BOUND_COLUMN.to_owned()].into_iter().collect());
            bounds_of(&result, DecodeOptions { wide_timestamps: wide }).await
        }
        exact => exact,
    }
}

async fn bounds_of(result: &QueryResult, options: DecodeOptions) -> Result<Vec<String>> {
    let mut batches = result.batches(options).map_err(from_client)?;
    let mut lowest = Vec::new();
    while let Some(batch) = batches.next().await {
        lowest.extend(texts(batch.map_err(from_client)?.batch.column(0))?);
    }
    Ok(lowest)
}

/// A read in ranges on its way.
struct SideBySide {
    session: Session,
    plan: StreamPlan,
    schema: SchemaRef,
    /// What holds of the read beside its ranges.
    base: Position,
    ranges: Ranges,
    /// Statements that run, in the order in which they were sent.
    running: VecDeque<(usize, AbortOnDropHandle<snowflake::Result<QueryResult>>)>,
    /// Results that wait for their turn.
    results: BTreeMap<usize, QueryResult>,
    /// The range that is fetched, with the number of its last chunk.
    current: Option<(usize, usize, ResultStream)>,
    /// The cursor column's index among the Arrow columns, and what was seen of it.
    watermark: Option<(usize, Watermark)>,
    /// Values that were changed to fit, by column.
    changed: Vec<u64>,
    /// The first query that this read has to do with, for people who look there.
    query_id: Option<String>,
}

impl SideBySide {
    fn new(session: &Session, plan: &StreamPlan, mut position: Position) -> Result<Self> {
        let ranges = position
            .ranges
            .take()
            .ok_or_else(|| Error::internal("a read in ranges was started without any"))?;
        Ok(Self {
            session: session.clone(),
            plan: plan.clone(),
            schema: plan.arrow_schema(),
            watermark: watermark(plan, &position, &ranges)?,
            changed: vec![0; plan.columns.len()],
            query_id: ranges.parts.iter().find_map(|part| part.query_id.clone()),
            base: position,
            ranges,
            running: VecDeque::new(),
            results: BTreeMap::new(),
            current: None,
        })
    }

    fn stream(
        self,
        is_continued: bool,
        withdrawn: Option<Withdrawn>,
        started_over: Option<String>,
    ) -> BatchStream {
        BatchStream {
            row_count: self.ranges.row_count,
            is_continued,
            withdrawn,
            started_over,
            query_id: self.query_id.clone(),
            events: stream::unfold(Some(self), Self::step).boxed(),
        }
    }

    async fn step(read: Option<Self>) -> Option<(Result<ReadEvent>, Option<Self>)> {
        let mut read = read?;
        match read.next().await {
            Ok(Some(batch)) => Some((Ok(ReadEvent::Batch(batch)), Some(read))),
            Ok(None) => Some((read.end().map(ReadEvent::End), None)),
            Err(error) => Some((Err(error), None)),
        }
    }

    /// The next rows, of whichever range; nothing after the last.
    async fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            self.send_statements()?;
            if let Some((number, last_chunk, batches)) = &mut self.current {
                let (number, last_chunk) = (*number, *last_chunk);
                match batches.next().await {
                    Some(batch) => {
                        return self.batch(number, last_chunk, batch.map_err(from_client)?).map(Some);
                    }
                    None => self.finish(number),
                }
            } else if let Some((number, result)) = self.results.pop_first() {
                self.fetch(number, &result)?;
            } else if !self.open_next().await? {
                return Ok(None);
            }
        }
    }

    /// Sends the statements of the ranges that were not started, as many at once as may run.
    fn send_statements(&mut self) -> Result<()> {
        let is_running =
            |number: usize, read: &Self| read.running.iter().any(|(running, _)| *running == number);
        for number in 0..self.ranges.parts.len() {
            if self.ranges.parts[number].query_id.is_some() || is_running(number, self) {
                continue;
            }
            if self.running.len() + self.results.len() >= STATEMENTS_AT_ONCE {
                break;
            }
            let statement = Statement::new(self.ranges.read_sql(&self.plan, number)?).repeatable();
            let session = self.session.clone();
            let running = tokio::spawn(async move { session.query(statement).await });
            self.running.push_back((number, AbortOnDropHandle::new(running)));
        }
        Ok(())
    }

    /// Waits for the statement that was sent first; nothing where all were.
    async fn open_next(&mut self) -> Result<bool> {
        self.send_statements()?;
        let Some((number, running)) = self.running.pop_front() else { return Ok(false) };
        let result = running.await.map_err(|error| {
            Error::internal("the statement of a range was not waited for").with_source(error)
        })?;
        let result = result.map_err(|error| self.refused(error))?;
        self.started(number, result);
        Ok(true)
    }

    /// Finds out whether the rows of the ranges' moment are still there, where a range is left that needs them.
    async fn probe(&mut self) -> Result<()> {
        let Some(number) = self.ranges.parts.iter().position(|part| part.query_id.is_none()) else {
            return Ok(());
        };
        let statement = Statement::new(self.ranges.read_sql(&self.plan, number)?).repeatable();
        let result = self.session.query(statement).await.map_err(|error| self.refused(error))?;
        self.started(number, result);
        Ok(())
    }

    fn started(&mut self, number: usize, result: QueryResult) {
        let query_id = result.query_id().to_owned();
        self.query_id.get_or_insert_with(|| query_id.clone());
        self.ranges.parts[number].query_id = Some(query_id);
        self.results.insert(number, result);
    }

    /// A statement that looks back to a moment and is refused has nothing to look at any more.
    fn refused(&self, error: snowflake::Error) -> Error {
        use snowflake::ErrorKind::{Data, NotFound, Statement};
        if !self.ranges.is_snapshot || !matches!(error.kind(), Statement | NotFound | Data) {
            return from_client(error);
        }
        let message = format!(
            "{} cannot be read as it was at {} any more: {}",
            self.plan.stream,
            self.ranges.at,
            error.message()
        );
        Error::new(ErrorKind::Unavailable, SNAPSHOT_LOST, message)
            .with_remedy("the run begins the first read anew")
    }

    fn fetch(&mut self, number: usize, result: &QueryResult) -> Result<()> {
        let next_chunk = usize::try_from(self.ranges.parts[number].next_chunk)
            .map_err(|_| Error::internal("a chunk has no such number"))?;
        let batches = result.batches_from(next_chunk, decode_options(&self.plan)).map_err(from_client)?;
        self.current = Some((number, result.chunk_count(), batches));
        Ok(())
    }

    fn finish(&mut self, number: usize) {
        self.ranges.parts[number].is_done = true;
        if let Some((_, _, batches)) = self.current.take() {
            let truncated = batches.summary().truncated_values;
            self.changed.iter_mut().zip(truncated).for_each(|(changed, more)| *changed += more);
        }
    }

    fn batch(&mut self, number: usize, last_chunk: usize, result: ResultBatch) -> Result<Batch> {
        let part = &mut self.ranges.parts[number];
        part.row_count += result.batch.num_rows() as u64;
        if let Some((index, watermark)) = &mut self.watermark {
            let (nulls, future) = (watermark.null_count(), watermark.future_count());
            watermark.observe(result.batch.column(*index))?;
            part.null_count += watermark.null_count() - nulls;
            part.future_count += watermark.future_count() - future;
        }
        let resume = if result.is_last_of_chunk {
            part.next_chunk = result.chunk as u64 + 1;
            part.is_done = result.chunk == last_chunk;
            Some(Cursor::from_position(&self.position())?)
        } else {
            None
        };
        let rows = relabelled(&result.batch, &self.schema)?;
        // The rows count against the memory budget until the destination drops them.
        Ok(Batch { rows, resume, held: Some(Box::new(result)) })
    }

    /// The position after the rows that were given so far.
    fn position(&self) -> Position {
        let watermark = self.watermark.as_ref().and_then(|(_, watermark)| watermark.text());
        Position { watermark, ranges: Some(self.ranges.clone()), ..self.base.clone() }
    }

    fn end(&self) -> Result<EndOfRead> {
        let snapshot = self.ranges.is_snapshot;
        let mut position = Position {
            null_count: 0,
            ranges: None,
            snapshot: snapshot.then(|| Snapshot { query_id: None, at: self.ranges.at.clone() }),
            ..self.position()
        };
        position.next_statement = Some(read::next_statement(&self.plan, &position)?);
        let sum = |count: fn(&Part) -> u64| self.ranges.parts.iter().map(count).sum::<u64>();
        let follows = self.watermark.is_some();
        let changed = lossy_columns(&self.plan).into_iter().filter_map(|(index, name)| {
            self.changed.get(index).copied().filter(|count| *count > 0).map(|count| (name, count))
        });
        Ok(EndOfRead {
            cursor: Cursor::from_position(&position)?,
            null_cursor_count: follows.then(|| self.base.null_count + sum(|part| part.null_count)),
            future_cursor_count: follows.then(|| sum(|part| part.future_count)),
            changed_values: changed.collect(),
        })
    }
}

/// The watermark never passes the moment before the first range: what is written while the ranges are read, one after
/// the other, is for the next run.
fn watermark(plan: &StreamPlan, position: &Position, ranges: &Ranges) -> Result<Option<(usize, Watermark)>> {
    let ReadPlan::ByCursor { cursor_type, .. } = &plan.read else { return Ok(None) };
    let index = read::cursor_index(plan)?;
    let watermark = Watermark::starting_at(cursor_type, position.watermark.as_deref(), 0)?;
    Ok(Some((index, watermark.never_beyond(cursor_type, &ranges.at, 0)?)))
}
