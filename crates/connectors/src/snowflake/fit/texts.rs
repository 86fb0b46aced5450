//! Texts and bytes into columns of texts, bytes and whatever Snowflake reads from text.

use model::LogicalType;
use snowflake::ColumnType;

use super::decision::Decision;
use super::form::Form;
use super::route::Load;
use super::scan::{JsonKind, Scan};

/// The most characters of a `VARCHAR` whose length is not shown: Snowflake's default.
pub(super) const TEXT_CHARACTERS_DEFAULT: u64 = 16_777_216;
/// The most bytes of a `BINARY` whose length is not shown: Snowflake's default.
pub(super) const BINARY_BYTES_DEFAULT: u64 = 8_388_608;

/// Everything that travels as text. A vendor database has no type for JSON, shapes and decimal floats, so plain text
/// may become them as well: what the column is decides how the text is read.
pub(super) fn text(logical_type: &LogicalType, column_type: ColumnType, is_lossy: bool) -> Decision {
    let is_plain = matches!(logical_type, LogicalType::Text);
    let is_json = is_plain || matches!(logical_type, LogicalType::Json | LogicalType::Geo);
    let is_shape = is_plain || matches!(logical_type, LogicalType::Json | LogicalType::Geo);
    let is_decfloat = is_plain || matches!(logical_type, LogicalType::Decfloat);
    match column_type {
        ColumnType::Text { length } => {
            let characters_max = length.unwrap_or(TEXT_CHARACTERS_DEFAULT);
            Decision::checked(Scan::Text { characters_max }, Form::AsIs, Load::cast("VARCHAR"))
        }
        ColumnType::Variant if is_json => json(JsonKind::Any, "PARSE_JSON(", "::VARCHAR)", is_lossy),
        ColumnType::Object if is_json => {
            json(JsonKind::Object, "TO_OBJECT(PARSE_JSON(", "::VARCHAR))", is_lossy)
        }
        ColumnType::Array if is_json => {
            json(JsonKind::Array, "TO_ARRAY(PARSE_JSON(", "::VARCHAR))", is_lossy)
        }
        // Snowflake reads GeoJSON text by itself when the column is a shape; its conversion functions are not among
        // those that a COPY may use.
        ColumnType::Geography if is_shape => shape(true, is_lossy),
        ColumnType::Geometry if is_shape => shape(false, is_lossy),
        ColumnType::Decfloat if is_decfloat => {
            Decision::checked(Scan::Decfloat, Form::AsIs, Load::around("TO_DECFLOAT(", "::VARCHAR)"))
        }
        ColumnType::Map => Decision::refused(
            "the types of a MAP's keys and values are not known, so load it into a VARIANT or OBJECT column",
        ),
        _ => Decision::different(&logical_type.to_string(), column_type),
    }
}

fn json(kind: JsonKind, before: &str, after: &str, is_lossy: bool) -> Decision {
    Decision::checked_or_lossy(Scan::Json(kind), Form::AsIs, Load::around(before, after), is_lossy)
}

fn shape(is_globe: bool, is_lossy: bool) -> Decision {
    Decision::checked_or_lossy(Scan::Geo { is_globe }, Form::AsIs, Load::cast("VARCHAR"), is_lossy)
}

/// Bytes.
pub(super) fn binary(column_type: ColumnType) -> Decision {
    match column_type {
        ColumnType::Binary { length } => Decision::checked(
            Scan::Binary { bytes_max: length.unwrap_or(BINARY_BYTES_DEFAULT) },
            Form::AsIs,
            Load::around("TO_BINARY(", ")"),
        ),
        _ => Decision::different("binary", column_type),
    }
}
