//! The `rowtype` of a reply: each column as Snowflake describes it.

use serde_json::{Value, json};

use crate::outcome::{Column, SnowType, VectorElement};

/// Characters of a VARCHAR declared without a length.
pub(super) const TEXT_LENGTH_DEFAULT: u32 = 16_777_216;
/// Bytes that one character can take.
const CHARACTER_BYTES_MAX: u32 = 4;

/// One entry of `rowtype` for each column.
pub(crate) fn rowtype(columns: &[Column]) -> Value {
    columns.iter().map(entry).collect()
}

fn entry(column: &Column) -> Value {
    let [database, schema, table] = column.origin.clone().unwrap_or_default();
    let mut entry = json!({
        "name": column.name,
        "database": database,
        "schema": schema,
        "table": table,
        "type": type_name(&column.ty),
        "nullable": column.nullable,
        "length": null,
        "byteLength": null,
        "precision": null,
        "scale": null,
        "collation": null,
    });
    let (precision, scale) = match column.ty {
        SnowType::Fixed { precision, scale } => (json!(precision), json!(scale)),
        SnowType::Time { scale }
        | SnowType::TimestampNtz { scale }
        | SnowType::TimestampLtz { scale }
        | SnowType::TimestampTz { scale } => (json!(0), json!(scale)),
        SnowType::Decfloat => (json!(38), Value::Null),
        _ => (Value::Null, Value::Null),
    };
    entry["precision"] = precision;
    entry["scale"] = scale;
    match &column.ty {
        SnowType::Text { length } => {
            entry["length"] = json!(length);
            entry["byteLength"] = json!(text_bytes(*length));
        }
        SnowType::Binary { length } => {
            entry["length"] = json!(length);
            entry["byteLength"] = json!(length);
        }
        SnowType::Geography => entry["extTypeName"] = json!("GEOGRAPHY"),
        SnowType::Geometry => entry["extTypeName"] = json!("GEOMETRY"),
        SnowType::Vector { element, dimension } => {
            entry["vectorDimension"] = json!(dimension);
            entry["fields"] = json!([vector_element(*element)]);
        }
        _ => {}
    }
    entry
}

fn vector_element(element: VectorElement) -> Value {
    let (name, precision, scale) = match element {
        VectorElement::Int => ("fixed", json!(38), json!(0)),
        VectorElement::Float => ("real", Value::Null, Value::Null),
    };
    json!({
        "name": null,
        "type": name,
        "nullable": false,
        "length": null,
        "byteLength": null,
        "precision": precision,
        "scale": scale,
        "fields": null,
    })
}

/// The most bytes that a text of this many characters can take, as Snowflake states it.
pub(super) fn text_bytes(length: u32) -> u32 {
    length.saturating_mul(CHARACTER_BYTES_MAX).min(length.max(TEXT_LENGTH_DEFAULT))
}

/// The type's name in `rowtype`; Arrow's `logicalType` is the same in upper case.
pub(super) fn type_name(ty: &SnowType) -> &'static str {
    match ty {
        SnowType::Fixed { .. } => "fixed",
        SnowType::Real => "real",
        SnowType::Decfloat => "decfloat",
        SnowType::Text { .. } => "text",
        SnowType::Binary { .. } => "binary",
        SnowType::Boolean => "boolean",
        SnowType::Date => "date",
        SnowType::Time { .. } => "time",
        SnowType::TimestampNtz { .. } => "timestamp_ntz",
        SnowType::TimestampLtz { .. } => "timestamp_ltz",
        SnowType::TimestampTz { .. } => "timestamp_tz",
        SnowType::Variant => "variant",
        SnowType::Object | SnowType::Geography | SnowType::Geometry => "object",
        SnowType::Array => "array",
        SnowType::Map => "map",
        SnowType::Vector { .. } => "vector",
        SnowType::IntervalYearMonth => "interval_year_month",
        SnowType::IntervalDayTime => "interval_day_time",
    }
}
