//! What the statements answer, read back from text.

use model::{BucketSummary, ColumnSummary, Error, Result, RowMark};

/// The columns of a summary before those of the first column.
const LEADING: usize = 3;
/// The columns of a summary for each column: how many values, lowest, highest, sum.
const EACH: usize = 4;

/// Reads the rows of a summary.
pub(crate) fn summaries(rows: Vec<Vec<Option<String>>>) -> Result<Vec<BucketSummary>> {
    rows.into_iter().map(|row| summary(&row)).collect()
}

fn summary(row: &[Option<String>]) -> Result<BucketSummary> {
    let (leading, columns) = row.split_at_checked(LEADING).ok_or_else(unreadable)?;
    let columns = columns.chunks(EACH).map(|column| {
        let [value_count, lowest, highest, sum] = column else { return Err(unreadable()) };
        Ok(ColumnSummary {
            value_count: number(value_count)?,
            lowest: lowest.is_some().then(|| number(lowest)).transpose()?,
            highest: highest.is_some().then(|| number(highest)).transpose()?,
            sum: sum.clone(),
        })
    });
    Ok(BucketSummary {
        bucket: number(&leading[0])?,
        row_count: number(&leading[1])?,
        checksum: number(&leading[2])?,
        columns: columns.collect::<Result<_>>()?,
    })
}

/// Reads the rows of a list of marks.
pub(crate) fn marks(rows: Vec<Vec<Option<String>>>) -> Result<Vec<RowMark>> {
    let mark = |row: Vec<Option<String>>| {
        let [bucket, Some(key), hash] = row.as_slice() else { return Err(unreadable()) };
        let key = u128::from_str_radix(key, 16).map_err(|_| unreadable())?;
        Ok(RowMark { bucket: number(bucket)?, key, row: number(hash)? })
    };
    rows.into_iter().map(mark).collect()
}

fn number<N: std::str::FromStr>(text: &Option<String>) -> Result<N> {
    text.as_deref().and_then(|text| text.parse().ok()).ok_or_else(unreadable)
}

fn unreadable() -> Error {
    Error::internal("the answer to a comparison does not look as it was asked for")
}
