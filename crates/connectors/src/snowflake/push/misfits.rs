//! Rows with a value that does not fit: counted by column and rule, with a few keys, and kept where that is asked for.

use std::collections::BTreeMap;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use model::{Error, QuarantinedRow, Rejected, Result, TableName};

use super::row_text::{RowText, key_json, row_json};
use super::settings::MisfitPolicy;
use crate::snowflake::fit::Misfit;

/// Sample keys of one column and rule.
const SAMPLE_KEYS_MAX: usize = 10;
/// Quarantined rows wait in memory for the moment at which the delivery is noted. A run with more of them has another
/// problem than a few odd rows.
const QUARANTINE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Columns and rules in one error line; the others are counted.
const NAMED_MAX: usize = 5;

/// Rows that were left out so far.
#[derive(Debug, Default)]
pub(super) struct Rejects {
    found: BTreeMap<(String, &'static str), Rejected>,
    quarantine: Vec<QuarantinedRow>,
    quarantine_bytes: usize,
    pub(super) row_count: u64,
}

/// Where rows come from, as far as rejects have to say so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) attempt: &'a str,
    pub(super) key: &'a [String],
    /// The number of the first row within the run, from 1.
    pub(super) first_row: u64,
}

impl Rejects {
    /// Notes what does not fit, and gives the rows that do.
    pub(super) fn sort_out(
        &mut self,
        rows: &RecordBatch,
        misfits: &[Misfit],
        origin: Origin<'_>,
        policy: MisfitPolicy,
    ) -> Result<RecordBatch> {
        let text = RowText::new(rows)?;
        let mut fits = vec![true; rows.num_rows()];
        for misfit in misfits {
            let is_first_of_row = std::mem::replace(&mut fits[misfit.row], false);
            self.count(misfit, &text, origin);
            if is_first_of_row {
                self.row_count += 1;
                if policy == MisfitPolicy::Quarantine {
                    self.keep(misfit, &text, origin)?;
                }
            }
        }
        filter_record_batch(rows, &BooleanArray::from(fits))
            .map_err(|error| Error::internal("rows could not be left out").with_source(error))
    }

    fn count(&mut self, misfit: &Misfit, text: &RowText, origin: Origin<'_>) {
        let found = self.found.entry((misfit.column.clone(), misfit.rule)).or_insert_with(|| Rejected {
            column: misfit.column.clone(),
            rule: misfit.rule.to_owned(),
            row_count: 0,
            sample_keys: Vec::new(),
        });
        found.row_count += 1;
        if found.sample_keys.len() < SAMPLE_KEYS_MAX {
            let number = origin.first_row + misfit.row as u64;
            found
                .sample_keys
                .push(text.key(origin.key, misfit.row).unwrap_or_else(|| format!("row {number}")));
        }
    }

    fn keep(&mut self, misfit: &Misfit, text: &RowText, origin: Origin<'_>) -> Result<()> {
        let row = row_json(text, misfit.row);
        self.quarantine_bytes += row.len();
        if self.quarantine_bytes > QUARANTINE_BYTES_MAX {
            return Err(Error::data(
                "quarantine_full",
                format!("the rows that do not fit take more than {} MiB", QUARANTINE_BYTES_MAX >> 20),
            )
            .with_remedy("mend the source or the target's columns; or choose `on_misfit: reject_rows`"));
        }
        self.quarantine.push(QuarantinedRow {
            attempt: origin.attempt.to_owned(),
            column: misfit.column.clone(),
            rule: misfit.rule.to_owned(),
            key: key_json(text, origin.key, misfit.row),
            row,
        });
        Ok(())
    }

    /// What was found, by column and rule.
    pub(super) fn report(&self) -> Vec<Rejected> {
        self.found.values().cloned().collect()
    }

    /// The rows to be kept.
    pub(super) fn take_quarantine(&mut self) -> Vec<QuarantinedRow> {
        self.quarantine_bytes = 0;
        std::mem::take(&mut self.quarantine)
    }

    /// Fails the run where anything was found.
    pub(super) fn refuse(&self, target: &TableName) -> Result<()> {
        if self.found.is_empty() {
            return Ok(());
        }
        let found = self.found.values().take(NAMED_MAX).map(|found| {
            let keys = found.sample_keys.join(", ");
            let rows = if found.row_count == 1 { "row" } else { "rows" };
            format!("column {}: {} {rows} break {} (keys: {keys})", found.column, found.row_count, found.rule)
        });
        let mut message = format!("values do not fit {target}: {}", found.collect::<Vec<_>>().join("; "));
        if self.found.len() > NAMED_MAX {
            message.push_str(&format!("; and {} more", self.found.len() - NAMED_MAX));
        }
        Err(Error::data("rows_rejected", message).with_remedy(
            "mend these rows or widen the column; or let them be left out with `on_misfit: reject_rows` or `quarantine`",
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, StringArray};
    use arrow_schema::{DataType, Field, Schema};

    use super::*;

    fn rows() -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("name", DataType::Utf8, true),
        ]);
        let ids = Int64Array::from_iter_values(1..=20);
        let names = StringArray::from_iter_values((1..=20).map(|number| format!("secret {number}")));
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(ids), Arc::new(names)]).unwrap()
    }

    fn misfit(row: usize, column: &str) -> Misfit {
        Misfit { row, column: column.into(), rule: "too_long" }
    }

    fn origin(key: &[String]) -> Origin<'_> {
        Origin { attempt: "1", key, first_row: 101 }
    }

    #[test]
    fn the_error_names_column_rule_count_and_keys_and_no_value() {
        let key = ["id".to_owned()];
        let mut rejects = Rejects::default();
        let misfits: Vec<Misfit> = (0..15).map(|row| misfit(row, "NAME")).collect();
        let left = rejects.sort_out(&rows(), &misfits, origin(&key), MisfitPolicy::RejectRun).unwrap();
        assert_eq!(left.num_rows(), 5);
        let error = rejects.refuse(&TableName::in_snowflake("D", "S", "T")).unwrap_err();
        assert_eq!(
            error.message(),
            "values do not fit D.S.T: column NAME: 15 rows break too_long (keys: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)"
        );
    }

    #[test]
    fn rows_without_a_key_are_told_by_their_number() {
        let mut rejects = Rejects::default();
        rejects.sort_out(&rows(), &[misfit(2, "NAME")], origin(&[]), MisfitPolicy::RejectRows).unwrap();
        assert_eq!(rejects.report()[0].sample_keys, ["row 103"]);
        assert!(rejects.take_quarantine().is_empty());
    }

    #[test]
    fn a_row_is_kept_once_however_many_of_its_values_do_not_fit() {
        let key = ["id".to_owned()];
        let mut rejects = Rejects::default();
        let misfits = [misfit(0, "NAME"), misfit(0, "OTHER")];
        rejects.sort_out(&rows(), &misfits, origin(&key), MisfitPolicy::Quarantine).unwrap();
        assert_eq!(rejects.row_count, 1);
        assert_eq!(rejects.report().len(), 2);
        let kept = rejects.take_quarantine();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].key.as_deref(), Some(r#"{"id":1}"#));
        assert_eq!(kept[0].row, r#"{"id":1,"name":"secret 1"}"#);
    }
}
