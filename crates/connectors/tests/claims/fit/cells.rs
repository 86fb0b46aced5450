//! Every cell of the table in `docs/type-fit.md`, with values at the edges.

use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow_select::nullif::nullif;
use connectors::snowflake::fit::{Mapping, Rule, TargetColumn, Verdict};
use model::LogicalType;
use snowflake::ColumnType;
use std::sync::Arc;

use super::account::{Account, plan, target};
use super::comparable::{comparable, nanoseconds};
use super::samples::{column_types, samples};

/// Rules that are stricter than the emulator: Snowflake's manual does not promise that such values are kept.
const CAUTIOUS: &[Rule] = &[
    Rule::NulByte,
    Rule::JsonEmptyKey,
    Rule::JsonTooDeep,
    Rule::JsonNumberInexact,
    Rule::InvalidGeojson,
    Rule::ShapeNotVerifiable,
    Rule::DateOutOfRange,
    Rule::TimestampOutOfRange,
    Rule::OffsetOutOfRange,
];

/// One of our types in a table that has a column of each of some types.
pub(super) struct Table {
    pub targets: Vec<TargetColumn>,
    pub mapping: Mapping,
    pub rows: RecordBatch,
    widths: Vec<usize>,
}

impl Table {
    /// Numbers the rows in the first column and puts these arrays into all others.
    pub(super) fn new(columns: &[(LogicalType, ColumnType, Vec<ArrayRef>)], is_lossy: bool) -> Self {
        let row_count = columns[0].2[0].len();
        let mut planned = vec![("N".to_owned(), LogicalType::Int64)];
        let mut targets = vec![target("N", ColumnType::Fixed { precision: 38, scale: 0 })];
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_iter_values(0..row_count as i64))];
        let mut widths = vec![1];
        for (index, (logical_type, column_type, values)) in columns.iter().enumerate() {
            planned.push((format!("C{index}"), logical_type.clone()));
            targets.push(target(&format!("C{index}"), *column_type));
            arrays.extend(values.iter().cloned());
            widths.push(values.len());
        }
        let plan = plan(&planned, is_lossy);
        let mapping = Mapping::build(&plan, &targets);
        mapping.refuse_misfits().unwrap();
        let fields = plan.arrow_schema();
        let arrays = arrays.iter().zip(fields.fields()).map(|(array, field)| {
            // The timestamps of a lossy column come as microseconds.
            arrow_cast::cast(array, field.data_type()).unwrap()
        });
        let rows = RecordBatch::try_new(Arc::clone(&fields), arrays.collect()).unwrap();
        Self { targets, mapping, rows, widths }
    }

    /// The arrays of a column in a batch of this table's shape.
    fn arrays<'a>(&self, rows: &'a RecordBatch, column: usize) -> &'a [ArrayRef] {
        let start: usize = self.widths[..column].iter().sum();
        &rows.columns()[start..start + self.widths[column]]
    }

    /// The rows with NULL for every value that does not fit, or that the emulated account cannot hold.
    pub(super) fn fitting(&self) -> RecordBatch {
        let misfits = self.mapping.check(&self.rows).unwrap();
        let mut arrays = Vec::new();
        for (column, target) in self.targets.iter().enumerate() {
            let values = self.arrays(&self.rows, column);
            let is_left_out = |row| {
                misfits.iter().any(|misfit| misfit.row == row && misfit.column == target.name)
                    || is_beyond_the_emulator(&values[0], row, target.column_type)
            };
            let is_left_out: BooleanArray =
                (0..self.rows.num_rows()).map(|row| Some(is_left_out(row))).collect();
            arrays.extend(values.iter().map(|array| nullif(array, &is_left_out).unwrap()));
        }
        let fitting = RecordBatch::try_new(self.rows.schema(), arrays).unwrap();
        assert_eq!(self.mapping.check(&fitting).unwrap(), [], "what fits still fits");
        fitting
    }

    /// The cells, by column and row, that do not come back as they were sent.
    pub(super) fn differences(&self, sent: &RecordBatch, read: &RecordBatch) -> Vec<String> {
        let mut differences = Vec::new();
        let mut start = 0;
        for (column, target) in self.targets.iter().enumerate() {
            let is_zoned = matches!(target.column_type, ColumnType::TimestampTz { .. });
            let read_arrays = &read.columns()[start..=start + usize::from(is_zoned)];
            start += read_arrays.len();
            for row in 0..sent.num_rows() {
                let before = comparable(self.arrays(sent, column), row, target.column_type);
                let after = comparable(read_arrays, row, target.column_type);
                if before != after {
                    let planned = self.mapping.columns[column].planned.as_ref().unwrap();
                    differences.push(format!(
                        "{} into {}: {before:?} came back as {after:?}",
                        planned.logical_type, target.column_type
                    ));
                }
            }
        }
        differences
    }
}

/// Snowflake's timestamps have every year at any scale; the emulator's of scale 7 to 9 have those from 1677 to 2262.
fn is_beyond_the_emulator(values: &ArrayRef, row: usize, column_type: ColumnType) -> bool {
    match column_type {
        ColumnType::TimestampNtz { scale: 7.. }
        | ColumnType::TimestampLtz { scale: 7.. }
        | ColumnType::TimestampTz { scale: 7.. } => {
            values.is_valid(row) && i64::try_from(nanoseconds(values, row)).is_err()
        }
        _ => false,
    }
}

/// What becomes of a pair of types.
pub(super) fn verdict(logical_type: &LogicalType, column_type: ColumnType, is_lossy: bool) -> Verdict {
    let plan = plan(&[("C".to_owned(), logical_type.clone())], is_lossy);
    Mapping::build(&plan, &[target("C", column_type)]).columns[0].verdict
}

fn accepted(is_lossy: bool) -> Vec<Vec<(LogicalType, ColumnType, Vec<ArrayRef>)>> {
    let columns = |(logical_type, arrays): &(LogicalType, Vec<ArrayRef>)| {
        column_types()
            .into_iter()
            .filter(|column_type| verdict(logical_type, *column_type, is_lossy) != Verdict::Refused)
            .map(|column_type| (logical_type.clone(), column_type, arrays.clone()))
            .collect::<Vec<_>>()
    };
    samples().iter().map(columns).filter(|columns| !columns.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fits_loads_and_reads_back_equal() {
    let account = Account::start().await;
    let mut failures = Vec::new();
    let mut cells = 0;
    for columns in accepted(false) {
        let table = Table::new(&columns, false);
        let sent = table.fitting();
        match account.round_trip(&table.targets, &table.mapping, &sent).await {
            Ok(read) => failures.extend(table.differences(&sent, &read)),
            Err(error) => failures.push(format!("{}: {error}", columns[0].0)),
        }
        cells += columns.len();
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cells > 100, "{cells} cells were tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_does_not_fit_is_refused_or_changed_by_the_account() {
    let account = Account::start().await;
    let mut failures = Vec::new();
    let mut tried = 0;
    for (logical_type, column_type, arrays) in accepted(false).into_iter().flatten() {
        let table = Table::new(&[(logical_type.clone(), column_type, arrays)], false);
        let mut misfits = table.mapping.check(&table.rows).unwrap();
        misfits.retain(|misfit| CAUTIOUS.iter().all(|rule| rule.as_str() != misfit.rule));
        misfits.sort_by_key(|misfit| misfit.rule);
        misfits.dedup_by_key(|misfit| misfit.rule);
        for misfit in misfits {
            tried += 1;
            let sent = table.rows.slice(misfit.row, 1);
            if let Ok(read) = account.round_trip(&table.targets, &table.mapping, &sent).await
                && table.differences(&sent, &read).is_empty()
            {
                let value = comparable(table.arrays(&sent, 1), 0, column_type);
                failures
                    .push(format!("{logical_type} into {column_type}: {} held by {value:?}", misfit.rule));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(tried > 40, "{tried} misfits were tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lossy_column_changes_no_more_values_than_it_counts() {
    let account = Account::start().await;
    let mut failures = Vec::new();
    for columns in accepted(true) {
        let columns: Vec<_> = columns
            .into_iter()
            .filter(|(logical_type, column_type, _)| {
                verdict(logical_type, *column_type, true) == Verdict::Lossy
            })
            .collect();
        for (logical_type, column_type, arrays) in columns {
            let name = format!("{logical_type} into {column_type}");
            let table = Table::new(&[(logical_type, column_type, arrays)], true);
            let sent = table.fitting();
            let counted = table.mapping.changed_values(&sent).unwrap();
            let counted = counted.first().map_or(0, |changed| changed.row_count);
            match account.round_trip(&table.targets, &table.mapping, &sent).await {
                Ok(read) => {
                    let changed = table.differences(&sent, &read);
                    if changed.len() as u64 > counted {
                        failures.push(format!("{name}: {counted} counted, but {}", changed.join("; ")));
                    }
                }
                Err(error) => failures.push(format!("{name}: {error}")),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
