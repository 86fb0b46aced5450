//! The rows of a batch that cannot be taken, each with the first reason that was found.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, StringArray, new_null_array};
use arrow_schema::DataType;
use arrow_select::nullif::nullif;
use model::{Error, Result};
use serde::Serialize;

use super::Reason;
use crate::expression::Failures;

/// How many rows were rejected for one reason and field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RejectCount {
    pub reason: Reason,
    pub column: String,
    pub row_count: u64,
}

#[derive(Debug)]
pub(crate) struct Rejects<'a> {
    row_count: usize,
    /// By row; empty as long as there is none.
    rows: Vec<Option<(Reason, &'a str)>>,
}

impl<'a> Rejects<'a> {
    pub(crate) fn new(row_count: usize) -> Self {
        Self { row_count, rows: Vec::new() }
    }

    /// Rejects a row, unless there was a reason before.
    pub(crate) fn add(&mut self, row: usize, reason: Reason, column: &'a str) {
        if self.rows.is_empty() {
            self.rows = vec![None; self.row_count];
        }
        self.rows[row].get_or_insert((reason, column));
    }

    /// Rejects the rows in which a value cannot be read.
    pub(crate) fn add_failures(&mut self, failures: &Failures, column: &'a str) {
        for (row, reason) in failures.iter() {
            self.add(row, reason, column);
        }
    }

    /// Rejects the rows without a value.
    pub(crate) fn add_missing(&mut self, values: &ArrayRef, column: &'a str) {
        if values.logical_null_count() > 0 {
            for row in (0..self.row_count).filter(|row| values.is_null(*row)) {
                self.add(row, Reason::ValueMissing, column);
            }
        }
        if let Some(texts) = values.as_any().downcast_ref::<StringArray>() {
            let is_empty = |text: &str| {
                // The common case ends here.
                !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
            };
            for row in (0..self.row_count).filter(|row| is_empty(texts.value(*row))) {
                self.add(row, Reason::ValueMissing, column);
            }
        }
    }

    pub(crate) fn at(&self, row: usize) -> Option<(Reason, &'a str)> {
        self.rows.get(row).copied().flatten()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Takes rows out that are deleted at the source: nothing is asked of them.
    pub(crate) fn forgive(&mut self, is_deleted: &BooleanArray) {
        for (row, reject) in self.rows.iter_mut().enumerate() {
            if is_deleted.is_valid(row) && is_deleted.value(row) {
                *reject = None;
            }
        }
    }

    /// The columns `_reject_reason` and `_reject_column`.
    pub(crate) fn columns(&self) -> [ArrayRef; 2] {
        if self.is_empty() {
            let none = || new_null_array(&DataType::Utf8, self.row_count);
            return [none(), none()];
        }
        let rows = || (0..self.row_count).map(|row| self.at(row));
        let reasons: StringArray = rows().map(|reject| reject.map(|(reason, _)| reason.code())).collect();
        let columns: StringArray = rows().map(|reject| reject.map(|(_, column)| column)).collect();
        [Arc::new(reasons), Arc::new(columns)]
    }

    /// The values without those of rejected rows.
    pub(crate) fn without(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let mask: BooleanArray = (0..self.row_count).map(|row| Some(self.at(row).is_some())).collect();
        nullif(values, &mask)
            .map_err(|error| Error::internal("rejected rows could not be emptied").with_source(error))
    }

    pub(crate) fn counts(&self) -> Vec<RejectCount> {
        let mut counts: BTreeMap<(Reason, &str), u64> = BTreeMap::new();
        for reject in self.rows.iter().flatten() {
            *counts.entry(*reject).or_default() += 1;
        }
        let count = |((reason, column), row_count): ((Reason, &str), u64)| RejectCount {
            reason,
            column: column.to_owned(),
            row_count,
        };
        counts.into_iter().map(count).collect()
    }
}
