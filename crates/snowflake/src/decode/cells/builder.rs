//! JSON cells into Arrow builders, one column each, by the rules of the wire's text forms.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeListBuilder, Float32Builder,
    Float64Builder, Int16Builder, Int32Builder, Int64Builder, StringBuilder,
};
use arrow_schema::DataType;

use crate::column::{ColumnType, VectorElement};
use crate::decode::cells::{instants, vector};
use crate::decode::decimal_float::format_text;
use crate::decode::layout::{ColumnLayout, vector_item};
use crate::decode::number::{largest_unscaled, parse_unscaled};
use crate::error::{Error, Result};

/// Builds the arrays of one column from its cells.
#[derive(Debug)]
pub(super) struct ColumnBuilder {
    layout: ColumnLayout,
    values: Values,
    /// Values that lost digits with the caller's leave.
    pub(super) lost: u64,
}

#[derive(Debug)]
enum Values {
    Boolean(BooleanBuilder),
    Int64(Int64Builder),
    Decimal(Decimal128Builder),
    Float(Float64Builder),
    Text(StringBuilder),
    Decfloat(StringBuilder),
    Binary(BinaryBuilder),
    Date(Date32Builder),
    Time(Int64Builder),
    Instant(Int64Builder),
    Zoned(Int64Builder, Int16Builder),
    Interval(Int64Builder),
    Ints(FixedSizeListBuilder<Int32Builder>),
    Floats(FixedSizeListBuilder<Float32Builder>),
}

impl ColumnBuilder {
    pub(super) fn new(layout: &ColumnLayout) -> Self {
        Self { layout: layout.clone(), values: Values::new(layout), lost: 0 }
    }

    pub(super) fn push(&mut self, cell: Option<&str>) -> Result<()> {
        let Some(text) = cell else {
            self.push_null();
            return Ok(());
        };
        let column = &self.layout.column;
        let unreadable = || column.wire_error("a cell does not have the text form of its type");
        match &mut self.values {
            Values::Boolean(builder) => builder.append_value(boolean(text).ok_or_else(unreadable)?),
            Values::Int64(builder) => {
                builder.append_value(fixed(&self.layout, text).and_then(narrow(&self.layout))?);
            }
            Values::Decimal(builder) => builder.append_value(fixed(&self.layout, text)?),
            Values::Float(builder) => builder.append_value(text.parse().map_err(|_| unreadable())?),
            Values::Text(builder) => builder.append_value(text),
            Values::Decfloat(builder) => builder.append_value(format_text(text).ok_or_else(unreadable)?),
            Values::Binary(builder) => append_hex(builder, text).ok_or_else(unreadable)?,
            Values::Date(builder) => builder.append_value(text.parse().map_err(|_| unreadable())?),
            Values::Time(builder) => builder.append_value(instants::time(&self.layout, text)?),
            Values::Instant(builder) => {
                builder.append_value(instants::instant(&self.layout, text, &mut self.lost)?);
            }
            Values::Zoned(builder, offsets) => {
                let (instant, offset) = instants::zoned(&self.layout, text, &mut self.lost)?;
                builder.append_value(instant);
                offsets.append_value(offset);
            }
            Values::Interval(builder) => builder.append_value(
                parse_unscaled(text, 0)
                    .ok_or_else(unreadable)
                    .and_then(|value| i64::try_from(value).map_err(|_| too_wide(&self.layout)))?,
            ),
            Values::Ints(builder) => vector::append_ints(&self.layout, builder, text)?,
            Values::Floats(builder) => vector::append_floats(&self.layout, builder, text)?,
        }
        Ok(())
    }

    fn push_null(&mut self) {
        match &mut self.values {
            Values::Boolean(builder) => builder.append_null(),
            Values::Int64(builder)
            | Values::Time(builder)
            | Values::Instant(builder)
            | Values::Interval(builder) => builder.append_null(),
            Values::Zoned(builder, offsets) => {
                builder.append_null();
                offsets.append_null();
            }
            Values::Decimal(builder) => builder.append_null(),
            Values::Float(builder) => builder.append_null(),
            Values::Text(builder) | Values::Decfloat(builder) => builder.append_null(),
            Values::Binary(builder) => builder.append_null(),
            Values::Date(builder) => builder.append_null(),
            Values::Ints(builder) => vector::append_null(builder, Int32Builder::append_null),
            Values::Floats(builder) => vector::append_null(builder, Float32Builder::append_null),
        }
    }

    /// The arrays of this column so far; the builder starts anew.
    pub(super) fn finish(&mut self, arrays: &mut Vec<ArrayRef>) {
        match &mut self.values {
            Values::Boolean(builder) => arrays.push(Arc::new(builder.finish())),
            Values::Int64(builder) | Values::Interval(builder) => arrays.push(Arc::new(builder.finish())),
            Values::Decimal(builder) => arrays.push(Arc::new(builder.finish())),
            Values::Float(builder) => arrays.push(Arc::new(builder.finish())),
            Values::Text(builder) | Values::Decfloat(builder) => arrays.push(Arc::new(builder.finish())),
            Values::Binary(builder) => arrays.push(Arc::new(builder.finish())),
            Values::Date(builder) => arrays.push(Arc::new(builder.finish())),
            Values::Time(builder) | Values::Instant(builder) => {
                arrays.push(instants::relabelled(&self.layout.data_type(), &builder.finish()));
            }
            Values::Zoned(builder, offsets) => {
                arrays.push(instants::relabelled(&self.layout.data_type(), &builder.finish()));
                arrays.push(Arc::new(offsets.finish()));
            }
            Values::Ints(builder) => arrays.push(Arc::new(builder.finish())),
            Values::Floats(builder) => arrays.push(Arc::new(builder.finish())),
        }
    }
}

impl Values {
    fn new(layout: &ColumnLayout) -> Self {
        match layout.column.ty {
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnType::Fixed { .. } => match layout.data_type() {
                DataType::Int64 => Self::Int64(Int64Builder::new()),
                decimal => Self::Decimal(Decimal128Builder::new().with_data_type(decimal)),
            },
            ColumnType::Float => Self::Float(Float64Builder::new()),
            ColumnType::Decfloat => Self::Decfloat(StringBuilder::new()),
            ColumnType::Text { .. }
            | ColumnType::Variant
            | ColumnType::Object
            | ColumnType::Array
            | ColumnType::Map
            | ColumnType::Geography
            | ColumnType::Geometry => Self::Text(StringBuilder::new()),
            ColumnType::Binary { .. } => Self::Binary(BinaryBuilder::new()),
            ColumnType::Date => Self::Date(Date32Builder::new()),
            ColumnType::Time { .. } => Self::Time(Int64Builder::new()),
            ColumnType::TimestampNtz { .. } | ColumnType::TimestampLtz { .. } => {
                Self::Instant(Int64Builder::new())
            }
            ColumnType::TimestampTz { .. } => Self::Zoned(Int64Builder::new(), Int16Builder::new()),
            ColumnType::IntervalYearMonth | ColumnType::IntervalDayTime => {
                Self::Interval(Int64Builder::new())
            }
            ColumnType::Vector { element, dimension } => {
                let dimension = i32::from(dimension.cast_signed());
                let item = vector_item(element);
                match element {
                    VectorElement::Int => {
                        Self::Ints(FixedSizeListBuilder::new(Int32Builder::new(), dimension).with_field(item))
                    }
                    VectorElement::Float => Self::Floats(
                        FixedSizeListBuilder::new(Float32Builder::new(), dimension).with_field(item),
                    ),
                }
            }
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "true" | "TRUE" => Some(true),
        "0" | "false" | "FALSE" => Some(false),
        _ => None,
    }
}

fn fixed(layout: &ColumnLayout, text: &str) -> Result<i128> {
    let ColumnType::Fixed { precision, scale } = layout.column.ty else {
        unreachable!("numbers are built for number columns only");
    };
    let value = parse_unscaled(text, scale)
        .ok_or_else(|| layout.column.wire_error("a cell does not have the text form of its type"))?;
    if value.unsigned_abs() > largest_unscaled(precision).unsigned_abs() {
        return Err(layout.column.value_error("a value has more digits than the type allows"));
    }
    Ok(value)
}

fn narrow(layout: &ColumnLayout) -> impl Fn(i128) -> Result<i64> {
    |value| i64::try_from(value).map_err(|_| too_wide(layout))
}

fn too_wide(layout: &ColumnLayout) -> Error {
    layout.column.value_error("a value does not fit 64 bits")
}

fn append_hex(builder: &mut BinaryBuilder, text: &str) -> Option<()> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
    }
    builder.append_value(bytes);
    Some(())
}
