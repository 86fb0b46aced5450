//! Reading the columns of a row.

use std::time::Duration;

use jiff::Timestamp;
use model::{Error, Result, Usage};
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::clock::timestamp;
use crate::error::failed;
use crate::id::Id;

/// Columns by name, as the types that our tables hold.
pub(crate) trait Columns {
    fn text(&self, name: &str) -> Result<String>;
    fn optional_text(&self, name: &str) -> Result<Option<String>>;
    fn number(&self, name: &str) -> Result<i64>;
    fn optional_number(&self, name: &str) -> Result<Option<i64>>;

    fn id<T>(&self, name: &str) -> Result<Id<T>> {
        self.text(name).map(Id::from)
    }

    fn moment(&self, name: &str) -> Result<Timestamp> {
        self.number(name).and_then(timestamp)
    }

    fn optional_moment(&self, name: &str) -> Result<Option<Timestamp>> {
        self.optional_number(name)?.map(timestamp).transpose()
    }

    /// A number that is never negative.
    fn count(&self, name: &str) -> Result<u64> {
        u64::try_from(self.number(name)?).map_err(|_| damaged(name))
    }

    /// A duration that is stored in milliseconds.
    fn optional_duration(&self, name: &str) -> Result<Option<Duration>> {
        let milliseconds = self.optional_number(name)?.map(u64::try_from).transpose();
        Ok(milliseconds.map_err(|_| damaged(name))?.map(Duration::from_millis))
    }

    /// What a run took; nothing where that was never noted.
    fn usage(&self) -> Result<Usage> {
        let Some(text) = self.optional_text("usage")? else { return Ok(Usage::default()) };
        serde_json::from_str(&text).map_err(|_| damaged("usage"))
    }

    fn document(&self, name: &str) -> Result<Value> {
        serde_json::from_str(&self.text(name)?).map_err(|_| damaged(name))
    }
}

impl Columns for AnyRow {
    fn text(&self, name: &str) -> Result<String> {
        self.try_get(name).map_err(failed)
    }

    fn optional_text(&self, name: &str) -> Result<Option<String>> {
        self.try_get(name).map_err(failed)
    }

    fn number(&self, name: &str) -> Result<i64> {
        self.try_get(name).map_err(failed)
    }

    fn optional_number(&self, name: &str) -> Result<Option<i64>> {
        self.try_get(name).map_err(failed)
    }
}

/// A column holds what we never write.
pub(crate) fn damaged(column: &str) -> Error {
    Error::internal(format!("the column {column} of the state database holds what was never written"))
}
