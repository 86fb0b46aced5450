//! From the Arrow that DuckDB gives to the Arrow of a plan, with every value that has no equal there refused by name.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int64Type, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, Int64Array, PrimitiveArray, RecordBatch, make_array};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};
use model::{Error, Result, offset_column_name};

/// The rows of one batch, in the plan's schema.
pub(super) struct Converted {
    pub(super) rows: RecordBatch,
    /// Values that were cut to microseconds, by column index.
    pub(super) changed: Vec<(usize, u64)>,
}

/// Converts what the columns of one read gave; `columns` are their names at the source and their DuckDB types.
pub(super) fn converted(
    raw: &RecordBatch,
    schema: &SchemaRef,
    columns: &[(String, String)],
) -> Result<Converted> {
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    let mut changed = Vec::new();
    for (index, ((name, data_type), field)) in columns.iter().zip(schema.fields()).enumerate() {
        let (array, changed_count) = column(raw.column(index), field, name, data_type)?;
        if changed_count > 0 {
            changed.push((index, changed_count));
        }
        arrays.push(array);
    }
    refuse_missing_offsets(&arrays, columns)?;
    let rows = RecordBatch::try_new(SchemaRef::clone(schema), arrays)
        .map_err(|error| Error::internal("rows do not have the planned types").with_source(error))?;
    Ok(Converted { rows, changed })
}

fn column(raw: &ArrayRef, field: &Field, name: &str, data_type: &str) -> Result<(ArrayRef, u64)> {
    let array = match field.data_type() {
        DataType::Decimal128(38, 0) if data_type.ends_with("HUGEINT") => {
            refuse(
                raw.as_primitive::<Decimal128Type>(),
                |value| value.unsigned_abs() >= DIGITS_38,
                || misfit(name, data_type, "of more than 38 digits", &format!("{}::VARCHAR", quote(name))),
            )?;
            Arc::clone(raw)
        }
        DataType::Date32 => {
            // DuckDB keeps infinite days as the largest number and its negative.
            refuse(
                raw.as_primitive::<Date32Type>(),
                |days| days.unsigned_abs() == i32::MAX.unsigned_abs(),
                || infinite(name, data_type),
            )?;
            Arc::clone(raw)
        }
        DataType::Time64(unit) => {
            refuse_midnight_after(raw, *unit, name, data_type)?;
            Arc::clone(raw)
        }
        DataType::Timestamp(unit, _) => return timestamps(raw, *unit, field, name, data_type),
        _ => Arc::clone(raw),
    };
    Ok((relabelled(&array, field)?, 0))
}

/// The first number of more than 38 digits.
const DIGITS_38: u128 = 100_000_000_000_000_000_000_000_000_000_000_000_000;

fn refuse<T: ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    is_refused: impl Fn(T::Native) -> bool,
    error: impl FnOnce() -> Error,
) -> Result<()> {
    if values.iter().flatten().any(is_refused) { Err(error()) } else { Ok(()) }
}

/// DuckDB has a moment 24:00:00, which is no time of day elsewhere.
fn refuse_midnight_after(raw: &ArrayRef, unit: TimeUnit, name: &str, data_type: &str) -> Result<()> {
    let error = || {
        let cast = format!("CASE WHEN {0} < '24:00:00' THEN {0} END", quote(name));
        misfit(name, data_type, "of 24:00:00", &cast)
    };
    match unit {
        TimeUnit::Nanosecond => {
            refuse(raw.as_primitive::<Time64NanosecondType>(), |time| time >= 86_400_000_000_000, error)
        }
        _ => refuse(raw.as_primitive::<Time64MicrosecondType>(), |time| time >= 86_400_000_000, error),
    }
}

/// Timestamps in the planned unit. Only nanoseconds may be cut, where the sync allows that; the plan says so by its unit.
fn timestamps(
    raw: &ArrayRef,
    planned: TimeUnit,
    field: &Field,
    name: &str,
    data_type: &str,
) -> Result<(ArrayRef, u64)> {
    let DataType::Timestamp(unit, _) = raw.data_type() else {
        return Err(not_as_planned(name, raw.data_type()));
    };
    let numbers = cast(raw, &DataType::Int64)
        .map_err(|error| Error::internal("a timestamp could not be read").with_source(error))?;
    let numbers = numbers.as_primitive::<Int64Type>();
    // DuckDB keeps infinite moments as the largest number and its negative, in every unit.
    refuse(numbers, |number| number.unsigned_abs() == i64::MAX.unsigned_abs(), || infinite(name, data_type))?;
    let mut changed = 0;
    let numbers: Int64Array = match (unit, planned) {
        (TimeUnit::Nanosecond, TimeUnit::Microsecond) => {
            changed = numbers.iter().flatten().filter(|number| number.rem_euclid(1_000) != 0).count() as u64;
            numbers.unary(|number| number.div_euclid(1_000))
        }
        (unit, planned) => {
            let factor = per_second(planned) / per_second(*unit);
            let scaled = numbers.try_unary(|number| number.checked_mul(factor).ok_or(OutOfRange));
            scaled.map_err(|OutOfRange| {
                misfit(
                    name,
                    data_type,
                    "beyond the years that can be moved",
                    &format!("{}::VARCHAR", quote(name)),
                )
            })?
        }
    };
    let array: ArrayRef = match planned {
        TimeUnit::Nanosecond => Arc::new(numbers.reinterpret_cast::<TimestampNanosecondType>()),
        _ => Arc::new(numbers.reinterpret_cast::<TimestampMicrosecondType>()),
    };
    Ok((relabelled(&array, field)?, changed))
}

struct OutOfRange;

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// An instant that remembers its offset has one.
fn refuse_missing_offsets(arrays: &[ArrayRef], columns: &[(String, String)]) -> Result<()> {
    for (index, (name, _)) in columns.iter().enumerate() {
        let has_offset = columns.get(index + 1).is_some_and(|(next, _)| *next == offset_column_name(name));
        if !has_offset || !matches!(arrays[index].data_type(), DataType::Timestamp(_, Some(_))) {
            continue;
        }
        let (instants, offsets) = (&arrays[index], &arrays[index + 1]);
        if (0..instants.len()).any(|row| instants.is_valid(row) && offsets.is_null(row)) {
            let message =
                format!("column {name} has a value without its offset in {}", offset_column_name(name));
            return Err(Error::data("offset_missing", message)
                .with_remedy("fill the offset, or read a query in which that column has another name"));
        }
    }
    Ok(())
}

/// The same values under the plan's type: names of fields inside, and the name of the zone, may differ.
fn relabelled(array: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    if array.data_type() == field.data_type() {
        return Ok(Arc::clone(array));
    }
    let is_same_but_for_names = match (array.data_type(), field.data_type()) {
        (DataType::Timestamp(unit, _), DataType::Timestamp(planned, _)) => unit == planned,
        (DataType::FixedSizeList(item, size), DataType::FixedSizeList(planned, planned_size)) => {
            item.data_type() == planned.data_type() && size == planned_size
        }
        _ => false,
    };
    if !is_same_but_for_names {
        return Err(not_as_planned(field.name(), array.data_type()));
    }
    let renamed = array.to_data().into_builder().data_type(field.data_type().clone()).build();
    renamed.map(make_array).map_err(|_| not_as_planned(field.name(), array.data_type()))
}

fn not_as_planned(name: &str, arrived: &DataType) -> Error {
    Error::internal(format!("column {name} arrived as {arrived}, not as planned"))
}

fn infinite(name: &str, data_type: &str) -> Error {
    let cast = format!("CASE WHEN isfinite({0}) THEN {0} END", quote(name));
    misfit(name, data_type, "that is infinite", &cast)
}

fn misfit(name: &str, data_type: &str, what: &str, cast: &str) -> Error {
    Error::data("value_not_representable", format!("column {name} has a {data_type} {what}"))
        .with_remedy(format!("cast it in a query: {cast}"))
}

fn quote(name: &str) -> String {
    super::sql::quoted(name)
}
