//! The highest cursor value among the rows that were read, kept as exact text from end to end.
//!
//! A watermark is never rounded and never asked for by a second statement: what was not read cannot be passed.

use std::cmp::Ordering;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};
use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Span};
use model::{Error, LogicalType, Result};

/// A cursor value that can be compared exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CursorValue {
    Number {
        unscaled: i128,
        scale: i8,
    },
    Text(String),
    Date(Date),
    /// UTC, or without a zone.
    Timestamp(DateTime),
}

impl CursorValue {
    /// Reads the text of a watermark back.
    pub(crate) fn parse(logical_type: &LogicalType, text: &str) -> Result<Self> {
        parse(logical_type, text)
    }

    /// The order of two values of one column.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        compare(self, other)
    }
}

/// The lowest (`Less`) or highest (`Greater`) value of a cursor column, with all rows that have it.
pub(crate) fn rows_at(column: &ArrayRef, extreme: Ordering) -> Result<Option<(CursorValue, Vec<usize>)>> {
    let rows = match column.data_type() {
        DataType::Int64 => extreme_rows(column.as_primitive::<Int64Type>().iter(), extreme),
        DataType::Decimal128(_, _) => extreme_rows(column.as_primitive::<Decimal128Type>().iter(), extreme),
        DataType::Utf8 => extreme_rows(column.as_string::<i32>().iter(), extreme),
        DataType::Date32 => extreme_rows(column.as_primitive::<Date32Type>().iter(), extreme),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            extreme_rows(column.as_primitive::<TimestampMicrosecondType>().iter(), extreme)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            extreme_rows(column.as_primitive::<TimestampNanosecondType>().iter(), extreme)
        }
        other => return Err(not_a_cursor(other)),
    };
    let Some(first) = rows.first() else { return Ok(None) };
    Ok(highest_value(&column.slice(*first, 1))?.map(|value| (value, rows)))
}

fn extreme_rows<V: Ord>(values: impl Iterator<Item = Option<V>>, extreme: Ordering) -> Vec<usize> {
    let mut best = None;
    let mut rows = Vec::new();
    for (row, value) in values.enumerate() {
        let Some(value) = value else { continue };
        let order = best.as_ref().map_or(extreme, |best| value.cmp(best));
        if order == extreme {
            rows.clear();
            best = Some(value);
        }
        if order == extreme || order == Ordering::Equal {
            rows.push(row);
        }
    }
    rows
}

/// Follows the cursor column of one read.
#[derive(Clone, Debug)]
pub(crate) struct Watermark {
    highest: Option<CursorValue>,
    null_count: u64,
}

impl Watermark {
    /// Starts at `text`, the watermark of an earlier read, or below everything.
    pub(crate) fn starting_at(
        logical_type: &LogicalType,
        text: Option<&str>,
        null_count: u64,
    ) -> Result<Self> {
        let highest = text.map(|text| parse(logical_type, text)).transpose()?;
        Ok(Self { highest, null_count })
    }

    /// Takes the rows of one batch into account.
    pub(crate) fn observe(&mut self, column: &ArrayRef) -> Result<()> {
        self.null_count += column.null_count() as u64;
        let highest = highest_value(column)?;
        if let Some(value) = highest
            && self.highest.as_ref().is_none_or(|highest| compare(&value, highest) == Ordering::Greater)
        {
            self.highest = Some(value);
        }
        Ok(())
    }

    /// The highest value so far, as text that the source casts back without loss.
    pub(crate) fn text(&self) -> Option<String> {
        self.highest.as_ref().map(render)
    }

    /// Rows without a cursor value so far.
    pub(crate) fn null_count(&self) -> u64 {
        self.null_count
    }
}

/// The lower bound, inclusive, of a read that goes on from `watermark` and looks back by `lookback`.
pub(crate) fn lower_bound(logical_type: &LogicalType, watermark: &str, lookback: Duration) -> Result<String> {
    if lookback.is_zero() {
        return Ok(watermark.to_owned());
    }
    let lookback = SignedDuration::try_from(lookback).unwrap_or(SignedDuration::MAX);
    let value = match parse(logical_type, watermark)? {
        // A part of a day looks back a whole day: a date cannot say less.
        CursorValue::Date(date) => {
            let days = lookback.as_secs().div_euclid(86_400) + i64::from(lookback.as_secs() % 86_400 != 0);
            CursorValue::Date(date.saturating_sub(Span::new().try_days(days).unwrap_or_default()))
        }
        CursorValue::Timestamp(at) => CursorValue::Timestamp(at.saturating_sub(lookback)),
        other => other,
    };
    Ok(render(&value))
}

fn compare(left: &CursorValue, right: &CursorValue) -> Ordering {
    match (left, right) {
        (CursorValue::Number { unscaled: a, .. }, CursorValue::Number { unscaled: b, .. }) => a.cmp(b),
        (CursorValue::Text(a), CursorValue::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (CursorValue::Date(a), CursorValue::Date(b)) => a.cmp(b),
        (CursorValue::Timestamp(a), CursorValue::Timestamp(b)) => a.cmp(b),
        // Both sides come from one column, so they are of one kind.
        _ => Ordering::Equal,
    }
}

fn highest_value(column: &ArrayRef) -> Result<Option<CursorValue>> {
    let highest = match column.data_type() {
        DataType::Int64 => highest_primitive::<Int64Type>(column)
            .map(|v| CursorValue::Number { unscaled: v.into(), scale: 0 }),
        DataType::Decimal128(_, scale) => highest_primitive::<Decimal128Type>(column)
            .map(|v| CursorValue::Number { unscaled: v, scale: *scale }),
        DataType::Utf8 => {
            column.as_string::<i32>().iter().flatten().max().map(|text| CursorValue::Text(text.to_owned()))
        }
        DataType::Date32 => match highest_primitive::<Date32Type>(column) {
            Some(days) => Some(CursorValue::Date(date_from_days(days)?)),
            None => None,
        },
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            match highest_primitive::<TimestampMicrosecondType>(column) {
                Some(micros) => Some(timestamp(i128::from(micros) * 1_000)?),
                None => None,
            }
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            match highest_primitive::<TimestampNanosecondType>(column) {
                Some(nanos) => Some(timestamp(i128::from(nanos))?),
                None => None,
            }
        }
        other => return Err(not_a_cursor(other)),
    };
    Ok(highest)
}

fn not_a_cursor(data_type: &DataType) -> Error {
    Error::internal(format!("a cursor column cannot be of type {data_type}"))
}

fn highest_primitive<T: ArrowPrimitiveType>(column: &ArrayRef) -> Option<T::Native>
where
    T::Native: Ord,
{
    let values: &PrimitiveArray<T> = column.as_primitive::<T>();
    if values.null_count() == 0 {
        return values.values().iter().copied().max();
    }
    values.iter().flatten().max()
}

const EPOCH: Date = Date::constant(1970, 1, 1);

fn date_from_days(days: i32) -> Result<Date> {
    EPOCH.checked_add(Span::new().days(days)).map_err(|_| out_of_calendar())
}

fn timestamp(nanoseconds: i128) -> Result<CursorValue> {
    let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).map_err(|_| out_of_calendar())?;
    let fraction = nanoseconds.rem_euclid(1_000_000_000) as i32;
    let at = EPOCH
        .at(0, 0, 0, 0)
        .checked_add(SignedDuration::new(seconds, fraction))
        .map_err(|_| out_of_calendar())?;
    Ok(CursorValue::Timestamp(at))
}

fn out_of_calendar() -> Error {
    Error::data("cursor_out_of_range", "the cursor column holds a date outside the years -9999 to 9999")
}

fn render(value: &CursorValue) -> String {
    match value {
        CursorValue::Number { unscaled, scale } => decimal_text(*unscaled, *scale),
        CursorValue::Text(text) => text.clone(),
        CursorValue::Date(date) => date.to_string(),
        CursorValue::Timestamp(at) => {
            format!(
                "{} {:02}:{:02}:{:02}.{:09}",
                at.date(),
                at.hour(),
                at.minute(),
                at.second(),
                at.subsec_nanosecond()
            )
        }
    }
}

fn decimal_text(unscaled: i128, scale: i8) -> String {
    let Ok(scale) = usize::try_from(scale) else {
        return format!("{unscaled}{}", "0".repeat(usize::from(scale.unsigned_abs())));
    };
    if scale == 0 {
        return unscaled.to_string();
    }
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

fn parse(logical_type: &LogicalType, text: &str) -> Result<CursorValue> {
    let unreadable =
        || Error::config("cursor_unreadable", "the stored watermark does not fit the cursor column's type");
    match logical_type {
        LogicalType::Int64 | LogicalType::Decimal { .. } => {
            let scale = if let LogicalType::Decimal { scale, .. } = logical_type { *scale } else { 0 };
            let digits: String = text.chars().filter(|c| *c != '.').collect();
            let unscaled: i128 = digits.parse().map_err(|_| unreadable())?;
            let factor = 10_i128.pow(u32::from(scale.min(0).unsigned_abs()));
            Ok(CursorValue::Number { unscaled: unscaled / factor, scale })
        }
        LogicalType::Text => Ok(CursorValue::Text(text.to_owned())),
        LogicalType::Date => text.parse().map(CursorValue::Date).map_err(|_| unreadable()),
        LogicalType::Timestamp { .. }
        | LogicalType::TimestampUtc { .. }
        | LogicalType::TimestampOffset { .. } => {
            text.parse().map(CursorValue::Timestamp).map_err(|_| unreadable())
        }
        _ => Err(unreadable()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Date32Array, Decimal128Array, Int64Array, StringArray, TimestampNanosecondArray};
    use proptest::prelude::*;

    use super::*;

    const NANOSECONDS: LogicalType = LogicalType::Timestamp { scale: 9, is_wide: false };

    fn observed(logical_type: &LogicalType, column: ArrayRef) -> Watermark {
        let mut watermark = Watermark::starting_at(logical_type, None, 0).unwrap();
        watermark.observe(&column).unwrap();
        watermark
    }

    #[test]
    fn a_timestamp_keeps_its_last_nanosecond() {
        let column: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![Some(1), None, Some(-1)]));
        let watermark = observed(&NANOSECONDS, column);
        assert_eq!(watermark.text().as_deref(), Some("1970-01-01 00:00:00.000000001"));
        assert_eq!(watermark.null_count(), 1);
    }

    #[test]
    fn a_lookback_is_taken_off_exactly() {
        let bound =
            lower_bound(&NANOSECONDS, "2026-01-01 00:00:00.123456789", Duration::from_secs(7200)).unwrap();
        assert_eq!(bound, "2025-12-31 22:00:00.123456789");
        let bound = lower_bound(&LogicalType::Date, "2026-03-01", Duration::from_secs(3600)).unwrap();
        assert_eq!(bound, "2026-02-28");
        let bound = lower_bound(&LogicalType::Date, "2026-03-01", Duration::from_secs(86_400)).unwrap();
        assert_eq!(bound, "2026-02-28");
    }

    #[test]
    fn decimals_and_dates_are_written_as_the_source_reads_them() {
        let decimals = Decimal128Array::from(vec![-5, 1250]).with_precision_and_scale(10, 3).unwrap();
        let logical_type = LogicalType::Decimal { precision: 10, scale: 3 };
        assert_eq!(observed(&logical_type, Arc::new(decimals)).text().as_deref(), Some("1.250"));
        assert_eq!(decimal_text(-5, 3), "-0.005");
        let dates: ArrayRef = Arc::new(Date32Array::from(vec![-1, -2]));
        assert_eq!(observed(&LogicalType::Date, dates).text().as_deref(), Some("1969-12-31"));
    }

    #[test]
    fn the_rows_at_an_extreme_are_all_found() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(2), None, Some(1), Some(2), Some(1)]));
        let (lowest, rows) = rows_at(&column, Ordering::Less).unwrap().unwrap();
        assert_eq!((lowest, rows), (CursorValue::parse(&LogicalType::Int64, "1").unwrap(), vec![2, 4]));
        let (_, rows) = rows_at(&column, Ordering::Greater).unwrap().unwrap();
        assert_eq!(rows, [0, 3]);
        assert!(rows_at(&column.slice(1, 1), Ordering::Less).unwrap().is_none());
    }

    #[test]
    fn a_watermark_never_falls_back() {
        let mut watermark = Watermark::starting_at(&LogicalType::Int64, Some("7"), 2).unwrap();
        watermark.observe(&(Arc::new(Int64Array::from(vec![Some(3), None])) as ArrayRef)).unwrap();
        assert_eq!((watermark.text().as_deref(), watermark.null_count()), (Some("7"), 3));
    }

    proptest! {
        #[test]
        fn any_watermark_reads_back_as_what_it_was(values in prop::collection::vec(any::<i64>(), 1..20)) {
            let highest = *values.iter().max().unwrap();
            let text = observed(&NANOSECONDS, Arc::new(TimestampNanosecondArray::from(values))).text().unwrap();
            let again = Watermark::starting_at(&NANOSECONDS, Some(&text), 0).unwrap();
            prop_assert_eq!(&again.highest, &Some(timestamp(i128::from(highest)).unwrap()));
            prop_assert_eq!(again.text(), Some(text));
        }

        #[test]
        fn any_text_stays_as_it_is(text in ".*") {
            let column: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));
            prop_assert_eq!(observed(&LogicalType::Text, column).text(), Some(text));
        }
    }
}
