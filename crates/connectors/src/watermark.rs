//! The highest cursor value among the rows that were read, kept as exact text from end to end.
//!
//! A watermark is never rounded and never asked for by a second statement: what was not read cannot be passed.

use std::cmp::Ordering;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};
use arrow_select::filter::filter;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use model::{Error, LogicalType, Result};

/// A cursor value that can be compared exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CursorValue {
    Number {
        unscaled: i128,
        scale: i8,
    },
    Text(String),
    Bytes(Vec<u8>),
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
        DataType::Binary => extreme_rows(column.as_binary::<i32>().iter(), extreme),
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

/// The values of a cursor column that are there, as text that the source casts back without loss.
pub(crate) fn texts(column: &ArrayRef) -> Result<Vec<String>> {
    let values = (0..column.len()).map(|row| highest_value(&column.slice(row, 1)));
    values.filter_map(Result::transpose).map(|value| value.map(|value| render(&value))).collect()
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
    /// Values beyond it are counted and otherwise left alone.
    ceiling: Option<CursorValue>,
    null_count: u64,
    future_count: u64,
}

impl Watermark {
    /// Starts at `text`, the watermark of an earlier read, or below everything.
    pub(crate) fn starting_at(
        logical_type: &LogicalType,
        text: Option<&str>,
        null_count: u64,
    ) -> Result<Self> {
        let highest = text.map(|text| parse(logical_type, text)).transpose()?;
        Ok(Self { highest, ceiling: None, null_count, future_count: 0 })
    }

    /// Never passes `clock`, the time in UTC at which the read began, where the cursor column holds times: what a row
    /// claims of the future says nothing about the rows that are written until then.
    pub(crate) fn never_beyond(
        mut self,
        logical_type: &LogicalType,
        clock: &str,
        future_count: u64,
    ) -> Result<Self> {
        self.ceiling = match (logical_type, CursorValue::parse(&CLOCK, clock)?) {
            (LogicalType::Date, CursorValue::Timestamp(at)) => Some(CursorValue::Date(at.date())),
            (logical_type, at) if logical_type.is_time() => Some(at),
            _ => None,
        };
        self.future_count = future_count;
        Ok(self)
    }

    /// Takes the rows of one batch into account.
    pub(crate) fn observe(&mut self, column: &ArrayRef) -> Result<()> {
        self.null_count += column.null_count() as u64;
        let mut highest = highest_value(column)?;
        if let (Some(value), Some(ceiling)) = (&highest, &self.ceiling)
            && compare(value, ceiling) == Ordering::Greater
        {
            let present = rows_up_to(column, ceiling)?;
            self.future_count += (column.len() - column.null_count() - present.len()) as u64;
            highest = highest_value(&present)?;
        }
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

    /// Rows beyond the clock so far.
    pub(crate) fn future_count(&self) -> u64 {
        self.future_count
    }

    /// Rows without a cursor value so far.
    pub(crate) fn null_count(&self) -> u64 {
        self.null_count
    }
}

/// The lower bound, inclusive, of a read that goes on from `watermark` and looks back by `lookback`, and to `from` where that
/// is earlier. A moment without a zone counts as one in UTC.
pub(crate) fn lower_bound(
    logical_type: &LogicalType,
    watermark: &str,
    lookback: Duration,
    from: Option<Timestamp>,
) -> Result<String> {
    if lookback.is_zero() && from.is_none() {
        return Ok(watermark.to_owned());
    }
    let from = from.map(|from| TimeZone::UTC.to_datetime(from));
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
    Ok(render(&match (value, from) {
        (CursorValue::Date(date), Some(from)) => CursorValue::Date(date.min(from.date())),
        (CursorValue::Timestamp(at), Some(from)) => CursorValue::Timestamp(at.min(from)),
        (value, _) => value,
    }))
}

fn compare(left: &CursorValue, right: &CursorValue) -> Ordering {
    match (left, right) {
        (CursorValue::Number { unscaled: a, .. }, CursorValue::Number { unscaled: b, .. }) => a.cmp(b),
        (CursorValue::Text(a), CursorValue::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (CursorValue::Bytes(a), CursorValue::Bytes(b)) => a.cmp(b),
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
        DataType::Binary => {
            column.as_binary::<i32>().iter().flatten().max().map(|bytes| CursorValue::Bytes(bytes.to_vec()))
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

/// The values of a column of dates or times that are there and not beyond `ceiling`.
fn rows_up_to(column: &ArrayRef, ceiling: &CursorValue) -> Result<ArrayRef> {
    let nanoseconds = match ceiling {
        CursorValue::Timestamp(at) => at.duration_since(EPOCH.at(0, 0, 0, 0)).as_nanos(),
        CursorValue::Date(date) => date.duration_since(EPOCH).as_nanos(),
        _ => return Err(Error::internal("only dates and times have a ceiling")),
    };
    let nanoseconds_per_unit = match column.data_type() {
        DataType::Date32 => 86_400 * 1_000_000_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => 1,
        other => return Err(not_a_cursor(other)),
    };
    let failed =
        |error| Error::internal("a cursor column could not be compared with the clock").with_source(error);
    let numbers = match column.data_type() {
        DataType::Date32 => cast(&cast(column, &DataType::Int32).map_err(failed)?, &DataType::Int64),
        _ => cast(column, &DataType::Int64),
    }
    .map_err(failed)?;
    let highest = i64::try_from(nanoseconds.div_euclid(nanoseconds_per_unit)).unwrap_or(i64::MAX);
    let keep: BooleanArray = numbers
        .as_primitive::<Int64Type>()
        .iter()
        .map(|value| Some(value.is_some_and(|value| value <= highest)))
        .collect();
    filter(column, &keep).map_err(failed)
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

/// The type in which a clock is told.
const CLOCK: LogicalType = LogicalType::Timestamp { scale: 9, is_wide: false };
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
        CursorValue::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
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
            let unscaled = unscaled(text, scale).ok_or_else(unreadable)?;
            Ok(CursorValue::Number { unscaled, scale })
        }
        LogicalType::Text => Ok(CursorValue::Text(text.to_owned())),
        LogicalType::Binary => bytes_of_hex(text).map(CursorValue::Bytes).ok_or_else(unreadable),
        LogicalType::Date => text.parse().map(CursorValue::Date).map_err(|_| unreadable()),
        LogicalType::Timestamp { .. }
        | LogicalType::TimestampUtc { .. }
        | LogicalType::TimestampOffset { .. } => {
            text.parse().map(CursorValue::Timestamp).map_err(|_| unreadable())
        }
        _ => Err(unreadable()),
    }
}

/// A number's digits at `scale`. The column may have been given more digits behind the point since the text was written.
fn unscaled(text: &str, scale: i8) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let missing = i32::from(scale) - i32::try_from(fraction.len()).ok()?;
    let factor = 10_i128.checked_pow(missing.unsigned_abs())?;
    if missing >= 0 { digits.checked_mul(factor) } else { (digits % factor == 0).then_some(digits / factor) }
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        BinaryArray, Date32Array, Decimal128Array, Int64Array, StringArray, TimestampNanosecondArray,
    };
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
            lower_bound(&NANOSECONDS, "2026-01-01 00:00:00.123456789", Duration::from_secs(7200), None)
                .unwrap();
        assert_eq!(bound, "2025-12-31 22:00:00.123456789");
        let bound = lower_bound(&LogicalType::Date, "2026-03-01", Duration::from_secs(3600), None).unwrap();
        assert_eq!(bound, "2026-02-28");
        let bound = lower_bound(&LogicalType::Date, "2026-03-01", Duration::from_secs(86_400), None).unwrap();
        assert_eq!(bound, "2026-02-28");
    }

    #[test]
    fn a_read_goes_back_to_a_moment_and_not_by_how_long_ago_that_was() {
        // The stream has been idle for a week: what lies between is no reason to read more.
        let watermark = "2026-03-10 06:00:00.000000000";
        let bound = |lookback, from: &str| {
            lower_bound(&NANOSECONDS, watermark, lookback, Some(from.parse().unwrap())).unwrap()
        };
        assert_eq!(bound(Duration::ZERO, "2026-03-09T00:00:00Z"), "2026-03-09 00:00:00.000000000");
        assert_eq!(bound(Duration::ZERO, "2026-03-09T00:00:00+02:00"), "2026-03-08 22:00:00.000000000");
        assert_eq!(bound(Duration::ZERO, "2026-03-17T00:00:00Z"), watermark);
        assert_eq!(
            bound(Duration::from_secs(48 * 3_600), "2026-03-09T00:00:00Z"),
            "2026-03-08 06:00:00.000000000"
        );
        let from = Some("2026-03-09T12:00:00Z".parse().unwrap());
        assert_eq!(
            lower_bound(&LogicalType::Date, "2026-03-10", Duration::ZERO, from).unwrap(),
            "2026-03-09"
        );
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
    fn a_row_of_the_future_is_counted_and_not_followed() {
        let values = vec![Some(1), Some(5_000), Some(5_001), None, Some(i64::MAX)];
        let column: ArrayRef = Arc::new(TimestampNanosecondArray::from(values));
        let mut watermark = Watermark::starting_at(&NANOSECONDS, None, 0)
            .unwrap()
            .never_beyond(&NANOSECONDS, "1970-01-01 00:00:00.000005000", 1)
            .unwrap();
        watermark.observe(&column).unwrap();
        assert_eq!(watermark.text().as_deref(), Some("1970-01-01 00:00:00.000005000"));
        assert_eq!((watermark.future_count(), watermark.null_count()), (3, 1));
    }

    #[test]
    fn a_day_that_has_begun_is_not_of_the_future() {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![0, 1, 2]));
        let mut watermark = Watermark::starting_at(&LogicalType::Date, None, 0)
            .unwrap()
            .never_beyond(&LogicalType::Date, "1970-01-02 00:00:00.000000000", 0)
            .unwrap();
        watermark.observe(&days).unwrap();
        assert_eq!((watermark.text().as_deref(), watermark.future_count()), (Some("1970-01-02"), 1));
    }

    #[test]
    fn a_number_has_no_future() {
        let mut watermark = Watermark::starting_at(&LogicalType::Int64, None, 0)
            .unwrap()
            .never_beyond(&LogicalType::Int64, "1970-01-02 00:00:00.000000000", 0)
            .unwrap();
        watermark.observe(&(Arc::new(Int64Array::from(vec![i64::MAX])) as ArrayRef)).unwrap();
        assert_eq!(watermark.text(), Some(i64::MAX.to_string()));
    }

    #[test]
    fn bytes_are_kept_as_hexadecimal_digits() {
        let column: ArrayRef = Arc::new(BinaryArray::from(vec![&b"\x01"[..], b"\x00\xff", b""]));
        assert_eq!(observed(&LogicalType::Binary, Arc::clone(&column)).text().as_deref(), Some("01"));
        assert_eq!(rows_at(&column, Ordering::Less).unwrap().unwrap().1, [2]);
        let value = CursorValue::parse(&LogicalType::Binary, "00FF").unwrap();
        assert_eq!(value, CursorValue::Bytes(vec![0, 255]));
    }

    #[test]
    fn a_number_keeps_its_value_when_its_column_gets_more_digits() {
        let finer = LogicalType::Decimal { precision: 20, scale: 4 };
        let value = CursorValue::parse(&finer, "-1.25").unwrap();
        assert_eq!(value, CursorValue::Number { unscaled: -12_500, scale: 4 });
        assert!(CursorValue::parse(&LogicalType::Int64, "1.5").is_err());
        assert_eq!(unscaled("-0.005", 3), Some(-5));
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
