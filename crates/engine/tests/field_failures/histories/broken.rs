//! Four products that follow a cursor wrongly, each in the way of a report. The histories have to find every one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::StreamExt;
use model::{BatchStream, Cursor, EndOfRead, NullCursor, ReadEvent, ReadPlan, Result, Source, StreamPlan};
use serde_json::Value;

use super::cursor_type::CursorType;
use super::table::Table;
use crate::read_by::Reader;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Reads what lies above the watermark, and not what lies at it.
    StrictLowerBound,
    /// Keeps the watermark in a coarser type, rounded up.
    RoundedWatermark,
    /// Asks for the highest value when the read is over.
    SeparateMax,
    /// Forgets that comparing with NULL is never true.
    MissingNullPolicy,
}

/// Reads as such a product does.
pub(super) struct BrokenReader {
    pub(super) broken: Broken,
    pub(super) cursor_type: CursorType,
    pub(super) table: Arc<Mutex<Table>>,
}

impl BrokenReader {
    fn rewritten(&self, plan: &StreamPlan) -> StreamPlan {
        let mut plan = plan.clone();
        if let ReadPlan::ByCursor { null_cursor, .. } = &mut plan.read
            && self.broken == Broken::MissingNullPolicy
        {
            *null_cursor = NullCursor::Exclude;
        }
        if self.broken == Broken::StrictLowerBound {
            let (cursor_type, step) = (self.cursor_type, self.cursor_type.step());
            plan.since = plan.since.map(|since| with_watermark(&since, cursor_type, |ticks| ticks + step));
        }
        plan
    }
}

/// The same position with another watermark, where it has one.
fn with_watermark(cursor: &Cursor, cursor_type: CursorType, change: impl FnOnce(i128) -> i128) -> Cursor {
    let mut position: Value = cursor.position().unwrap();
    if let Some(watermark) = position.get_mut("watermark") {
        let ticks = cursor_type.ticks(watermark.as_str().unwrap());
        *watermark = Value::from(cursor_type.text(change(ticks)));
    }
    Cursor::from_position(&position).unwrap()
}

#[async_trait]
impl Reader for BrokenReader {
    async fn read(&self, inner: &dyn Source, plan: &StreamPlan) -> Result<BatchStream> {
        let mut read = inner.read(&self.rewritten(plan)).await?;
        let (broken, cursor_type, table) = (self.broken, self.cursor_type, Arc::clone(&self.table));
        read.events = read
            .events
            .map(move |event| match event {
                Ok(ReadEvent::End(end)) => Ok(ReadEvent::End(ended(end, broken, cursor_type, &table))),
                other => other,
            })
            .boxed();
        Ok(read)
    }
}

fn ended(end: EndOfRead, broken: Broken, cursor_type: CursorType, table: &Mutex<Table>) -> EndOfRead {
    let unit = cursor_type.coarse_unit();
    let cursor = match broken {
        Broken::RoundedWatermark => {
            with_watermark(&end.cursor, cursor_type, |ticks| -(-ticks).div_euclid(unit) * unit)
        }
        Broken::SeparateMax => {
            let highest = table.lock().unwrap().highest();
            with_watermark(&end.cursor, cursor_type, |ticks| highest.unwrap_or(ticks))
        }
        Broken::StrictLowerBound | Broken::MissingNullPolicy => end.cursor,
    };
    EndOfRead { cursor, ..end }
}
