//! The queries that were run, for QUERY_HISTORY.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::QueryRecord;
use super::listing::{Cell, Listing};

/// Queries kept; Snowflake keeps seven days of them, an emulator only what a test or a demo looks back at.
const KEPT_MAX: usize = 10_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    records: Arc<Mutex<VecDeque<QueryRecord>>>,
}

const COLUMNS: [&str; 24] = [
    "QUERY_ID",
    "QUERY_TEXT",
    "DATABASE_NAME",
    "SCHEMA_NAME",
    "QUERY_TYPE",
    "number:SESSION_ID",
    "USER_NAME",
    "ROLE_NAME",
    "WAREHOUSE_NAME",
    "WAREHOUSE_SIZE",
    "WAREHOUSE_TYPE",
    "QUERY_TAG",
    "EXECUTION_STATUS",
    "ERROR_CODE",
    "ERROR_MESSAGE",
    "moment:START_TIME",
    "moment:END_TIME",
    "number:TOTAL_ELAPSED_TIME",
    "number:COMPILATION_TIME",
    "number:EXECUTION_TIME",
    "number:ROWS_PRODUCED",
    "number:BYTES_SCANNED",
    "number:QUEUED_OVERLOAD_TIME",
    "number:CREDITS_USED_CLOUD_SERVICES",
];

impl History {
    /// Adds a statement that begins, or tells how it ended.
    pub(crate) fn add(&self, record: QueryRecord) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        // What begins is not looked for: every statement would be compared with thousands.
        if record.ended_at.is_some()
            && let Some(begun) = records.iter_mut().rev().find(|known| known.query_id == record.query_id)
        {
            *begun = record;
            return;
        }
        if records.len() >= KEPT_MAX {
            records.pop_front();
        }
        records.push_back(record);
    }

    /// The newest `limit` queries but the one that asks, of one session or of all, newest first.
    pub(crate) fn table(&self, session: Option<i64>, limit: usize, asking: Option<&str>) -> Listing {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = records
            .iter()
            .rev()
            .filter(|record| session.is_none_or(|id| record.session_id == id))
            .filter(|record| Some(record.query_id.as_str()) != asking);
        let mut listing = Listing::new(&COLUMNS);
        for record in wanted.take(limit) {
            listing.push(row(record));
        }
        listing
    }
}

fn row(record: &QueryRecord) -> Vec<Cell> {
    let at =
        |moment: jiff::Timestamp| Cell::Moment(i64::try_from(moment.as_nanosecond()).unwrap_or(i64::MAX));
    let ended_at = record.ended_at.unwrap_or_else(jiff::Timestamp::now);
    let elapsed_ms = ended_at.as_millisecond() - record.started_at.as_millisecond();
    let kind = record.text.split_whitespace().next().unwrap_or("").to_uppercase();
    let error = record.error.as_ref();
    let warehouse = record.warehouse.as_ref();
    vec![
        Cell::from(record.query_id.as_str()),
        Cell::from(record.text.as_str()),
        Cell::from(record.database.as_deref()),
        Cell::from(record.schema.as_deref()),
        Cell::from(kind),
        Cell::Number(record.session_id),
        Cell::from(record.user.as_str()),
        Cell::from(record.role.as_deref()),
        Cell::from(warehouse.map(|used| used.name.as_str())),
        Cell::from(warehouse.map(|used| used.size.as_str())),
        Cell::from(warehouse.map(|_| "STANDARD")),
        Cell::from(record.tag.as_str()),
        Cell::from(record.status),
        Cell::from(error.map(|error| error.code)),
        Cell::from(error.map(|error| error.message.as_str())),
        at(record.started_at),
        record.ended_at.map_or(Cell::Null, at),
        Cell::Number(elapsed_ms),
        Cell::Number(0),
        Cell::Number(elapsed_ms),
        Cell::from(record.rows),
        Cell::Number(0),
        Cell::Number(0),
        Cell::Number(0),
    ]
}
