//! A first read divided into ranges of a column: the rows of each, how far it got, and the statements that read it.

use model::{LogicalType, Result, StagedRange, StreamPlan};
use serde::{Deserialize, Serialize};

use super::object::Object;
use super::sql::{bound_sql, quoted, range_sql, stream_sql};

/// Rows that bounds are chosen from, for each range. Then the ranges differ by a few per cent in size.
const SAMPLED_ROWS_PER_RANGE: u64 = 2_000;

/// The column of the statement that finds bounds.
pub(super) const BOUND_COLUMN: &str = "BOUND";

/// A read in ranges, as its position keeps it. Together they cover every value once: each reaches from one bound,
/// inclusive, to the next, exclusive, the first and the last are open, and rows without a value are a range of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ranges {
    /// By its name at the source.
    pub(super) column: String,
    #[serde(rename = "type")]
    pub(super) logical_type: LogicalType,
    /// The account's clock in UTC before the first range's statement, to the millisecond.
    pub(super) at: String,
    /// Whether all ranges are read as they were then.
    pub(super) is_snapshot: bool,
    /// Exact texts, in order.
    pub(super) bounds: Vec<String>,
    /// Whether the last range is that of the rows without a value.
    pub(super) has_nulls: bool,
    /// The digest of the statement that would read all ranges at once: others have other rows.
    pub(super) statement: String,
    /// Rows of all ranges, as far as the account knew beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) row_count: Option<u64>,
    pub(super) parts: Vec<Part>,
}

/// How far one range got. Nothing of it is there where it was not started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) query_id: Option<String>,
    /// The part of its result to go on with: 0 came with the reply, n is the nth chunk.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) next_chunk: u64,
    /// Rows before that chunk.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) row_count: u64,
    /// Those of them without a cursor value, and with one beyond the account's clock.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) null_count: u64,
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) future_count: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_done: bool,
}

impl Ranges {
    /// The ranges between these lowest values of as many equal shares of the rows; absent where there is but one.
    pub(super) fn between(mut lowest: Vec<String>, shape: Self) -> Option<Self> {
        lowest.dedup();
        let bounds = lowest.get(1..).filter(|bounds| !bounds.is_empty())?.to_vec();
        let count = bounds.len() + 1 + usize::from(shape.has_nulls);
        Some(Self { bounds, parts: vec![Part::default(); count], ..shape })
    }

    /// The statement that reads one range.
    pub(super) fn read_sql(&self, plan: &StreamPlan, number: usize) -> Result<String> {
        let at = self.is_snapshot.then_some(self.at.as_str());
        range_sql(plan, at, &self.condition_sql(number)?)
    }

    fn condition_sql(&self, number: usize) -> Result<String> {
        let column = quoted(&self.column)?;
        if self.is_of_nulls(number) {
            return Ok(format!("{column} IS NULL"));
        }
        let (from, until) = self.bounds_of(number);
        let bound = |bound: &str| bound_sql(&self.logical_type, bound);
        Ok(match (from, until) {
            (None, None) => format!("{column} IS NOT NULL"),
            (None, Some(until)) => format!("{column} < {}", bound(until)?),
            (Some(from), None) => format!("{column} >= {}", bound(from)?),
            (Some(from), Some(until)) => {
                format!("{column} >= {} AND {column} < {}", bound(from)?, bound(until)?)
            }
        })
    }

    /// The rows of a range that are staged, for the destination to find again.
    pub(super) fn staged(&self, plan: &StreamPlan, number: usize) -> StagedRange {
        let (from, until) = self.bounds_of(number);
        StagedRange {
            column: plan.column(&self.column).map(|column| column.target.clone()).unwrap_or_default(),
            logical_type: self.logical_type.clone(),
            from: from.map(str::to_owned),
            until: until.map(str::to_owned),
            is_of_nulls: self.is_of_nulls(number),
            row_count: self.parts[number].row_count,
        }
    }

    fn is_of_nulls(&self, number: usize) -> bool {
        self.has_nulls && number == self.bounds.len() + 1
    }

    fn bounds_of(&self, number: usize) -> (Option<&str>, Option<&str>) {
        let bound = |number: usize| self.bounds.get(number).map(String::as_str);
        if self.is_of_nulls(number) {
            (None, None)
        } else {
            (number.checked_sub(1).and_then(bound), bound(number))
        }
    }
}

/// Finds the lowest value of each of `count` equal shares of a column's values, among a sample where the table is large.
/// Every type that has an order can be divided so, and each bound is a value that there is.
pub(super) fn bounds_sql(plan: &StreamPlan, object: &Object, column: &str, count: u8) -> Result<String> {
    let (column, stream) = (quoted(column)?, stream_sql(&plan.stream)?);
    let wanted = SAMPLED_ROWS_PER_RANGE * u64::from(count);
    let sample = match object.row_count {
        Some(rows) if rows > wanted => format!(" SAMPLE ({:.6})", 100.0 * wanted as f64 / rows as f64),
        _ => String::new(),
    };
    Ok(format!(
        "SELECT MIN(VALUE) AS {BOUND_COLUMN} FROM (SELECT {column} AS VALUE, NTILE({count}) OVER (ORDER BY {column}) AS SHARE \
         FROM {stream}{sample} WHERE {column} IS NOT NULL) GROUP BY SHARE ORDER BY SHARE"
    ))
}

/// The clock to the millisecond, which is the finest moment that the past is kept by.
pub(super) fn to_milliseconds(clock: &str) -> String {
    let digits = clock.find('.').map_or(clock.len(), |point| point + 4);
    format!("{:0<29}", clock.get(..digits).unwrap_or(clock))
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(lowest: &[&str], has_nulls: bool) -> Option<Ranges> {
        let shape = Ranges {
            column: "ID".into(),
            logical_type: LogicalType::Int64,
            at: String::new(),
            is_snapshot: true,
            bounds: Vec::new(),
            has_nulls,
            statement: String::new(),
            row_count: None,
            parts: Vec::new(),
        };
        Ranges::between(lowest.iter().map(|text| (*text).to_owned()).collect(), shape)
    }

    #[test]
    fn ranges_touch_and_do_not_overlap() {
        let ranges = ranges(&["1", "5", "5", "9"], true).unwrap();
        let conditions: Vec<String> =
            (0..ranges.parts.len()).map(|number| ranges.condition_sql(number).unwrap()).collect();
        assert_eq!(
            conditions,
            [
                r#""ID" < 5::NUMBER(38,0)"#,
                r#""ID" >= 5::NUMBER(38,0) AND "ID" < 9::NUMBER(38,0)"#,
                r#""ID" >= 9::NUMBER(38,0)"#,
                r#""ID" IS NULL"#,
            ]
        );
    }

    #[test]
    fn what_has_no_second_value_is_not_divided() {
        assert_eq!(ranges(&[], true), None);
        assert_eq!(ranges(&["7"], false), None);
        assert_eq!(ranges(&["7", "7", "7"], false), None);
    }

    #[test]
    fn a_range_that_was_not_started_takes_no_room_in_the_position() {
        let parts = ranges(&["1", "5"], false).unwrap().parts;
        assert_eq!(serde_json::to_string(&parts).unwrap(), "[{},{}]");
    }

    #[test]
    fn a_moment_of_the_past_is_told_to_the_millisecond() {
        assert_eq!(to_milliseconds("2026-01-01 00:00:00.123456789"), "2026-01-01 00:00:00.123000000");
    }
}
