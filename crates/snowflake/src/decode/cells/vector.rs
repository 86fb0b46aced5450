//! Vectors in text: JSON arrays of a fixed length.

use std::str::FromStr;

use arrow_array::builder::{ArrayBuilder, FixedSizeListBuilder, Float32Builder, Int32Builder};

use crate::decode::layout::ColumnLayout;
use crate::error::Result;

pub(super) fn append_ints(
    layout: &ColumnLayout,
    builder: &mut FixedSizeListBuilder<Int32Builder>,
    text: &str,
) -> Result<()> {
    let elements = elements(layout, builder.value_length(), text)?;
    elements.into_iter().for_each(|element| builder.values().append_option(element));
    builder.append(true);
    Ok(())
}

pub(super) fn append_floats(
    layout: &ColumnLayout,
    builder: &mut FixedSizeListBuilder<Float32Builder>,
    text: &str,
) -> Result<()> {
    let elements = elements(layout, builder.value_length(), text)?;
    elements.into_iter().for_each(|element| builder.values().append_option(element));
    builder.append(true);
    Ok(())
}

/// A null vector still takes the room of its elements.
pub(super) fn append_null<B: ArrayBuilder>(builder: &mut FixedSizeListBuilder<B>, append: fn(&mut B)) {
    for _ in 0..builder.value_length() {
        append(builder.values());
    }
    builder.append(false);
}

/// The elements, each parsed as what it is: a float never goes through a wider one, which would round it twice.
fn elements<T: FromStr>(layout: &ColumnLayout, dimension: i32, text: &str) -> Result<Vec<Option<T>>> {
    let malformed = || layout.column.wire_error("a cell is not an array of the vector's length");
    let inner =
        text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or_else(malformed)?;
    let elements = inner
        .split(',')
        .map(|element| match element.trim() {
            "null" => Ok(None),
            number => number.parse().map(Some).map_err(|_| malformed()),
        })
        .collect::<Result<Vec<_>>>()?;
    if i32::try_from(elements.len()).ok() == Some(dimension) { Ok(elements) } else { Err(malformed()) }
}
