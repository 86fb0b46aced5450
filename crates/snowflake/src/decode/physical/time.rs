//! Times of day and timestamps: scaled integers or structs into microseconds or nanoseconds, without losing a digit.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int32Type, Int64Type, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, Int16Array, Int64Array, PrimitiveArray, StructArray};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, TimeUnit};

use super::number::int64;
use super::range::{any_outside, count};
use crate::column::{Column, ColumnType};
use crate::decode::instant::{self, NANOSECONDS_PER_SECOND, SECONDS_PER_DAY};
use crate::decode::layout::{ColumnLayout, Resolution};
use crate::decode::number::power_of_ten;
use crate::error::Result;

/// `TIME(scale)`: the time of day times 10^scale.
pub(super) fn time(layout: &ColumnLayout, scale: u8, array: &ArrayRef) -> Result<ArrayRef> {
    let column = &layout.column;
    let values = int64(column, array)?;
    if any_outside(values.values(), values.nulls(), 0, SECONDS_PER_DAY * power_of_ten(scale) - 1) {
        return Err(column.wire_error("a time of day is not within a day"));
    }
    let factor = power_of_ten(layout.resolution.digits() - scale);
    Ok(match layout.resolution.time_unit() {
        TimeUnit::Nanosecond => {
            Arc::new(values.unary::<_, Time64NanosecondType>(|value| value.wrapping_mul(factor)))
        }
        _ => Arc::new(values.unary::<_, Time64MicrosecondType>(|value| value.wrapping_mul(factor))),
    })
}

/// A timestamp of any kind: its instants and, for `TIMESTAMP_TZ`, its offsets. `lost` grows by the values that lost
/// digits with the caller's leave.
pub(super) fn timestamp(
    layout: &ColumnLayout,
    scale: u8,
    array: &ArrayRef,
    lost: &mut u64,
) -> Result<Vec<ArrayRef>> {
    let column = &layout.column;
    let is_zoned = matches!(column.ty, ColumnType::TimestampTz { .. });
    let DataType::Struct(fields) = array.data_type() else {
        if is_zoned {
            return Err(super::unexpected(column, array.data_type()));
        }
        let values = int64(column, array)?;
        let nulls = values.nulls().cloned();
        return Ok(vec![from_scaled(layout, scale, values.values(), nulls, lost)?]);
    };
    let parts = array.as_struct();
    match (is_zoned, fields.len()) {
        (false, 2) => {
            let nulls = all_nulls(parts);
            Ok(vec![from_parts(
                layout,
                int_part(column, parts, 0)?,
                &int_part(column, parts, 1)?,
                nulls,
                lost,
            )?])
        }
        (true, 2) => {
            let nulls = all_nulls(parts);
            let epoch = int_part(column, parts, 0)?;
            let instants = from_scaled(layout, scale, epoch.values(), nulls.clone(), lost)?;
            Ok(vec![instants, offsets(column, &int_part(column, parts, 1)?, nulls)?])
        }
        (true, 3) => {
            let nulls = all_nulls(parts);
            let (epoch, fraction) = (int_part(column, parts, 0)?, int_part(column, parts, 1)?);
            let instants = from_parts(layout, epoch, &fraction, nulls.clone(), lost)?;
            Ok(vec![instants, offsets(column, &int_part(column, parts, 2)?, nulls)?])
        }
        _ => Err(super::unexpected(column, array.data_type())),
    }
}

/// The rows that are null, whether the struct says so or one of its children.
fn all_nulls(parts: &StructArray) -> Option<NullBuffer> {
    parts
        .columns()
        .iter()
        .fold(parts.nulls().cloned(), |nulls, child| NullBuffer::union(nulls.as_ref(), child.nulls()))
}

fn int_part(column: &Column, parts: &StructArray, index: usize) -> Result<Int64Array> {
    let part = parts.column(index);
    match part.data_type() {
        DataType::Int32 => Ok(part.as_primitive::<Int32Type>().unary(i64::from)),
        DataType::Int64 => Ok(part.as_primitive::<Int64Type>().clone()),
        other => Err(super::unexpected(column, other)),
    }
}

/// Instants sent as one integer: seconds times 10^scale.
fn from_scaled(
    layout: &ColumnLayout,
    scale: u8,
    values: &ScalarBuffer<i64>,
    nulls: Option<NullBuffer>,
    lost: &mut u64,
) -> Result<ArrayRef> {
    let digits = layout.resolution.digits();
    if let Some(spare) = scale.checked_sub(digits).filter(|spare| *spare > 0) {
        let divisor = power_of_ten(spare);
        *lost += count(values, nulls.as_ref(), |value| value % divisor != 0);
        let counted = values.iter().map(|value| value.div_euclid(divisor)).collect();
        return Ok(instants(layout, counted, nulls));
    }
    let factor = power_of_ten(digits - scale);
    if any_outside(values, nulls.as_ref(), i64::MIN / factor, i64::MAX / factor) {
        return Err(instant::out_of_range(&layout.column, layout.resolution));
    }
    let counted = if factor == 1 {
        values.clone()
    } else {
        values.iter().map(|value| value.wrapping_mul(factor)).collect()
    };
    Ok(instants(layout, counted, nulls))
}

/// Instants sent as whole seconds (rounded down) and nanoseconds.
fn from_parts(
    layout: &ColumnLayout,
    epoch: Int64Array,
    fraction: &Int64Array,
    nulls: Option<NullBuffer>,
    lost: &mut u64,
) -> Result<ArrayRef> {
    let (epoch, fraction) = (epoch.values(), fraction.values());
    if any_outside(fraction, nulls.as_ref(), 0, NANOSECONDS_PER_SECOND - 1) {
        return Err(layout.column.wire_error("the fraction of a second is not within a second"));
    }
    let per_second = power_of_ten(layout.resolution.digits());
    let divisor = NANOSECONDS_PER_SECOND / per_second;
    let inexact =
        if divisor == 1 { 0 } else { count(fraction, nulls.as_ref(), |value| value % divisor != 0) };
    if layout.resolution == Resolution::LossyMicroseconds {
        *lost += inexact;
    } else if inexact > 0 {
        return Err(layout.column.wire_error("a value has more digits than the scale of its type"));
    }
    // One second inside the exact bounds, so that no sum can overflow; what lies between is added with care.
    let reach = i64::MAX / per_second - 1;
    let counted = if any_outside(epoch, nulls.as_ref(), -reach, reach) {
        careful_sums(layout, epoch, fraction, nulls.as_ref())?
    } else {
        let sum = |(seconds, nanoseconds): (&i64, &i64)| {
            seconds.wrapping_mul(per_second).wrapping_add(nanoseconds / divisor)
        };
        epoch.iter().zip(fraction).map(sum).collect()
    };
    Ok(instants(layout, counted, nulls))
}

fn careful_sums(
    layout: &ColumnLayout,
    epoch: &[i64],
    fraction: &[i64],
    nulls: Option<&NullBuffer>,
) -> Result<ScalarBuffer<i64>> {
    let sum = |(row, (seconds, nanoseconds)): (usize, (&i64, &i64))| {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(0);
        }
        let total = i128::from(*seconds) * i128::from(NANOSECONDS_PER_SECOND) + i128::from(*nanoseconds);
        instant::count(total, layout.resolution)
            .map(|counted| counted.value)
            .ok_or_else(|| instant::out_of_range(&layout.column, layout.resolution))
    };
    epoch.iter().zip(fraction).enumerate().map(sum).collect()
}

fn offsets(column: &Column, zone: &Int64Array, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    if any_outside(zone.values(), nulls.as_ref(), 0, 2 * instant::OFFSET_BIAS) {
        return Err(column.wire_error("an offset is more than a day"));
    }
    let minutes = zone.values().iter().map(|zone| instant::offset_minutes(*zone).unwrap_or(0)).collect();
    Ok(Arc::new(Int16Array::new(minutes, nulls)))
}

fn instants(layout: &ColumnLayout, counted: ScalarBuffer<i64>, nulls: Option<NullBuffer>) -> ArrayRef {
    match layout.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            let array = PrimitiveArray::<TimestampNanosecondType>::new(counted, nulls);
            Arc::new(array.with_timezone_opt(zone))
        }
        DataType::Timestamp(_, zone) => {
            let array = PrimitiveArray::<TimestampMicrosecondType>::new(counted, nulls);
            Arc::new(array.with_timezone_opt(zone))
        }
        other => unreachable!("timestamps are decoded for timestamp columns only, not {other}"),
    }
}
