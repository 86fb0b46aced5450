//! Values that travel as they are: booleans, floats, dates, text, bytes, vectors, and decimal floats.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float32Type, Int16Type, Int32Type};
use arrow_array::{Array, ArrayRef, FixedSizeListArray, Float64Array};
use arrow_schema::DataType;

use crate::column::{Column, ColumnType, VectorElement};
use crate::decode::decimal_float::format_significand;
use crate::decode::layout::vector_item;
use crate::error::{Error, ErrorKind, Result};

pub(super) fn boolean(column: &Column, array: &ArrayRef) -> Result<ArrayRef> {
    as_sent(column, array, &DataType::Boolean)
}

pub(super) fn float(column: &Column, array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Float32 => {
            let wide: Float64Array = array.as_primitive::<Float32Type>().unary(f64::from);
            Ok(Arc::new(wide))
        }
        _ => as_sent(column, array, &DataType::Float64),
    }
}

pub(super) fn date(column: &Column, array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Int32 => {
            let days = array.as_primitive::<Int32Type>();
            Ok(Arc::new(days.reinterpret_cast::<Date32Type>()))
        }
        _ => as_sent(column, array, &DataType::Date32),
    }
}

pub(super) fn binary(column: &Column, array: &ArrayRef) -> Result<ArrayRef> {
    as_sent(column, array, &DataType::Binary)
}

/// Text, and everything that travels as text.
pub(super) fn text(column: &Column, array: &ArrayRef) -> Result<ArrayRef> {
    match (array.data_type(), column.ty) {
        (DataType::Binary, ColumnType::Geography | ColumnType::Geometry) => {
            let what = "the values are sent as WKB; set the session's output format for it to GeoJSON";
            Err(Error::new(ErrorKind::Config, format!("column \"{}\", {}: {what}", column.name, column.ty)))
        }
        (DataType::Struct(_) | DataType::List(_) | DataType::Map(_, _), _) => {
            let what = "the values are sent as native Arrow; switch structured types in native Arrow off";
            Err(Error::new(ErrorKind::Config, format!("column \"{}\", {}: {what}", column.name, column.ty)))
        }
        _ => as_sent(column, array, &DataType::Utf8),
    }
}

pub(super) fn vector(
    column: &Column,
    element: VectorElement,
    dimension: u16,
    array: &ArrayRef,
) -> Result<ArrayRef> {
    let item = vector_item(element);
    let dimension = i32::from(dimension.cast_signed());
    match array.data_type() {
        DataType::FixedSizeList(field, length)
            if *length == dimension && field.data_type() == item.data_type() =>
        {
            let list = array.as_fixed_size_list();
            let (_, _, values, nulls) = list.clone().into_parts();
            let list = FixedSizeListArray::try_new(Arc::new(item), dimension, values, nulls)
                .map_err(|error| column.wire_error("a vector is malformed").with_source(error))?;
            Ok(Arc::new(list))
        }
        other => Err(super::unexpected(column, other)),
    }
}

/// A decimal float: a struct of an exponent and a significand.
pub(super) fn decfloat(column: &Column, array: &ArrayRef) -> Result<ArrayRef> {
    let DataType::Struct(fields) = array.data_type() else {
        return text(column, array);
    };
    let parts = array.as_struct();
    let types: Vec<_> = fields.iter().map(|field| field.data_type()).collect();
    if types != [&DataType::Int16, &DataType::Binary] {
        return Err(super::unexpected(column, array.data_type()));
    }
    let exponents = parts.column(0).as_primitive::<Int16Type>();
    let significands = parts.column(1).as_binary::<i32>();
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 8);
    for row in 0..array.len() {
        if parts.is_null(row) || exponents.is_null(row) || significands.is_null(row) {
            texts.append_null();
            continue;
        }
        let number = format_significand(significands.value(row), i64::from(exponents.value(row)))
            .ok_or_else(|| column.wire_error("a significand has more than 128 bits"))?;
        texts.append_value(number);
    }
    Ok(Arc::new(texts.finish()))
}

fn as_sent(column: &Column, array: &ArrayRef, expected: &DataType) -> Result<ArrayRef> {
    if array.data_type() == expected {
        Ok(Arc::clone(array))
    } else {
        Err(super::unexpected(column, array.data_type()))
    }
}
