//! Times and timestamps in text: signed decimal seconds, and for `TIMESTAMP_TZ` an offset behind a space.

use std::sync::Arc;

use arrow_array::types::{
    Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{ArrayRef, Int64Array};
use arrow_schema::{DataType, TimeUnit};

use crate::decode::instant::{self, NANOSECONDS_PER_SECOND, SECONDS_PER_DAY};
use crate::decode::layout::{ColumnLayout, Resolution};
use crate::decode::number::parse_unscaled;
use crate::error::Result;

/// Digits of a second's fraction that the wire can carry.
const NANOSECOND_DIGITS: u8 = 9;

pub(super) fn time(layout: &ColumnLayout, text: &str) -> Result<i64> {
    let day = i128::from(SECONDS_PER_DAY) * i128::from(NANOSECONDS_PER_SECOND);
    let nanoseconds = parse_unscaled(text, NANOSECOND_DIGITS)
        .filter(|value| (0..day).contains(value))
        .ok_or_else(|| layout.column.wire_error("a time of day is not within a day"))?;
    counted(layout, nanoseconds, &mut 0)
}

pub(super) fn instant(layout: &ColumnLayout, text: &str, lost: &mut u64) -> Result<i64> {
    let nanoseconds = parse_unscaled(text, NANOSECOND_DIGITS)
        .ok_or_else(|| layout.column.wire_error("a cell does not have the text form of its type"))?;
    counted(layout, nanoseconds, lost)
}

pub(super) fn zoned(layout: &ColumnLayout, text: &str, lost: &mut u64) -> Result<(i64, i16)> {
    let (seconds, zone) = text
        .split_once(' ')
        .ok_or_else(|| layout.column.wire_error("a cell does not have the text form of its type"))?;
    let offset = zone
        .parse()
        .ok()
        .and_then(instant::offset_minutes)
        .ok_or_else(|| layout.column.wire_error("an offset is more than a day"))?;
    Ok((instant(layout, seconds, lost)?, offset))
}

/// Counts as the values that they stand for.
pub(super) fn relabelled(data_type: &DataType, counts: &Int64Array) -> ArrayRef {
    match data_type {
        DataType::Time64(TimeUnit::Nanosecond) => Arc::new(counts.reinterpret_cast::<Time64NanosecondType>()),
        DataType::Time64(_) => Arc::new(counts.reinterpret_cast::<Time64MicrosecondType>()),
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            let array = counts.reinterpret_cast::<TimestampNanosecondType>();
            Arc::new(array.with_timezone_opt(zone.clone()))
        }
        DataType::Timestamp(_, zone) => {
            let array = counts.reinterpret_cast::<TimestampMicrosecondType>();
            Arc::new(array.with_timezone_opt(zone.clone()))
        }
        other => unreachable!("counts are times or timestamps, not {other}"),
    }
}

fn counted(layout: &ColumnLayout, nanoseconds: i128, lost: &mut u64) -> Result<i64> {
    let counted = instant::count(nanoseconds, layout.resolution)
        .ok_or_else(|| instant::out_of_range(&layout.column, layout.resolution))?;
    if counted.is_inexact {
        if layout.resolution != Resolution::LossyMicroseconds {
            return Err(layout.column.wire_error("a value has more digits than the scale of its type"));
        }
        *lost += 1;
    }
    Ok(counted.value)
}
