//! Numbers: unscaled integers of any width into the one type that the row description asks for.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, Int64Array, PrimitiveArray};
use arrow_schema::DataType;

use super::range::any_outside;
use crate::column::Column;
use crate::decode::number::largest_unscaled;
use crate::error::{Error, Result};

/// `NUMBER(precision, scale)` as `target`, which is `Int64` or `Decimal128(precision, scale)`. Integers are relabelled,
/// never scaled: the wire says the scale beside them.
pub(super) fn fixed(column: &Column, precision: u8, target: &DataType, array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Int8 => widen::<Int8Type>(column, precision, target, array),
        DataType::Int16 => widen::<Int16Type>(column, precision, target, array),
        DataType::Int32 => widen::<Int32Type>(column, precision, target, array),
        DataType::Int64 if *target == DataType::Int64 => {
            check_precision::<Int64Type>(column, precision, array.as_primitive())?;
            Ok(Arc::clone(array))
        }
        DataType::Int64 => widen::<Int64Type>(column, precision, target, array),
        DataType::Decimal128(_, _) => decimal(column, precision, target, array),
        other => Err(super::unexpected(column, other)),
    }
}

/// An integer that is not a `NUMBER`, such as an interval, as `i64`.
pub(super) fn int64(column: &Column, array: &ArrayRef) -> Result<Int64Array> {
    match array.data_type() {
        DataType::Int8 => Ok(array.as_primitive::<Int8Type>().unary(i64::from)),
        DataType::Int16 => Ok(array.as_primitive::<Int16Type>().unary(i64::from)),
        DataType::Int32 => Ok(array.as_primitive::<Int32Type>().unary(i64::from)),
        DataType::Int64 => Ok(array.as_primitive::<Int64Type>().clone()),
        DataType::Decimal128(_, _) => {
            let values = array.as_primitive::<Decimal128Type>();
            if any_outside(values.values(), values.nulls(), i128::from(i64::MIN), i128::from(i64::MAX)) {
                return Err(column.value_error("a value does not fit 64 bits"));
            }
            Ok(values.unary(low_bits))
        }
        other => Err(super::unexpected(column, other)),
    }
}

fn widen<T>(column: &Column, precision: u8, target: &DataType, array: &ArrayRef) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: TryFrom<i128> + Into<i64> + Into<i128> + PartialOrd,
{
    let values = array.as_primitive::<T>();
    check_precision::<T>(column, precision, values)?;
    match *target {
        DataType::Int64 => Ok(Arc::new(values.unary::<_, Int64Type>(Into::into))),
        DataType::Decimal128(precision, scale) => {
            let wide = values.unary::<_, Decimal128Type>(Into::into);
            Ok(Arc::new(wide.with_precision_and_scale(precision, scale).map_err(internal)?))
        }
        _ => Err(super::unexpected(column, target)),
    }
}

fn decimal(column: &Column, precision: u8, target: &DataType, array: &ArrayRef) -> Result<ArrayRef> {
    let values = array.as_primitive::<Decimal128Type>();
    check_precision::<Decimal128Type>(column, precision, values)?;
    match *target {
        DataType::Int64 => Ok(Arc::new(values.unary::<_, Int64Type>(low_bits))),
        DataType::Decimal128(precision, scale) => {
            let values = values.clone().with_precision_and_scale(precision, scale).map_err(internal)?;
            Ok(Arc::new(values))
        }
        _ => Err(super::unexpected(column, target)),
    }
}

fn check_precision<T>(column: &Column, precision: u8, values: &PrimitiveArray<T>) -> Result<()>
where
    T: ArrowPrimitiveType,
    T::Native: TryFrom<i128> + PartialOrd,
{
    let limit = largest_unscaled(precision);
    // A limit that the wire's own type cannot reach needs no look at the values.
    let (Ok(low), Ok(high)) = (T::Native::try_from(-limit), T::Native::try_from(limit)) else {
        return Ok(());
    };
    if any_outside(values.values(), values.nulls(), low, high) {
        return Err(column.value_error("a value has more digits than the type allows"));
    }
    Ok(())
}

/// The low half of a number that is known to fit, or of a null slot, whose content does not matter.
#[expect(clippy::cast_possible_truncation, reason = "checked by the caller for every value that counts")]
fn low_bits(value: i128) -> i64 {
    value as i64
}

fn internal(error: arrow_schema::ArrowError) -> Error {
    Error::new(crate::error::ErrorKind::Internal, "a decimal type is out of range").with_source(error)
}
