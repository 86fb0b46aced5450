//! Snowflake's types: how they are written, and how DuckDB holds them.

use sqlparser::ast::{
    ArrayElemTypeDef, BinaryLength, CharacterLength, DataType, ExactNumberInfo, TimezoneInfo,
};

use super::error::{compilation, unsupported};
use super::parse;
use crate::outcome::{SnowType, SqlError, VectorElement};

pub(crate) const TEXT_LENGTH_MAX: u32 = 16_777_216;
pub(crate) const BINARY_LENGTH_MAX: u32 = 8_388_608;
/// Scales up to this are held in microseconds, which reach all of Snowflake's years; finer ones in nanoseconds.
const MICROSECOND_SCALE: u8 = 6;

pub(crate) const TEXT: SnowType = SnowType::Text { length: TEXT_LENGTH_MAX };
pub(crate) const INTEGER: SnowType = SnowType::Fixed { precision: 38, scale: 0 };

pub(crate) fn fixed(precision: u8, scale: i8) -> SnowType {
    SnowType::Fixed { precision, scale }
}

/// True where a timestamp of this scale is held in nanoseconds.
pub(crate) fn is_nanoseconds(scale: u8) -> bool {
    scale > MICROSECOND_SCALE
}

pub(crate) fn timestamp_type(scale: u8) -> &'static str {
    if is_nanoseconds(scale) { "TIMESTAMP_NS" } else { "TIMESTAMP" }
}

/// The DuckDB type that holds values of `ty`.
pub(crate) fn duckdb_type(ty: &SnowType) -> String {
    match ty {
        SnowType::Fixed { precision, scale } => format!("DECIMAL({},{})", (*precision).max(1), scale),
        SnowType::Real => "DOUBLE".to_owned(),
        SnowType::Text { .. } | SnowType::Decfloat | SnowType::Geography | SnowType::Geometry => {
            "VARCHAR".to_owned()
        }
        SnowType::Binary { .. } => "BLOB".to_owned(),
        SnowType::Boolean => "BOOLEAN".to_owned(),
        SnowType::Date => "DATE".to_owned(),
        // Nanoseconds since midnight, and months or nanoseconds of an interval.
        SnowType::Time { .. } | SnowType::IntervalYearMonth => "BIGINT".to_owned(),
        SnowType::IntervalDayTime => "DECIMAL(38,0)".to_owned(),
        SnowType::TimestampNtz { scale } | SnowType::TimestampLtz { scale } => {
            timestamp_type(*scale).to_owned()
        }
        SnowType::TimestampTz { scale } => format!("STRUCT(t {}, o SMALLINT)", timestamp_type(*scale)),
        SnowType::Variant | SnowType::Object | SnowType::Array | SnowType::Map => "JSON".to_owned(),
        SnowType::Vector { element, dimension } => match element {
            VectorElement::Int => format!("INTEGER[{dimension}]"),
            VectorElement::Float => format!("FLOAT[{dimension}]"),
        },
    }
}

/// The type as DESCRIBE TABLE writes it.
pub(crate) fn type_name(ty: &SnowType) -> String {
    match ty {
        SnowType::Fixed { precision, scale } => format!("NUMBER({precision},{scale})"),
        SnowType::Real => "FLOAT".to_owned(),
        SnowType::Decfloat => "DECFLOAT".to_owned(),
        SnowType::Text { length } => format!("VARCHAR({length})"),
        SnowType::Binary { length } => format!("BINARY({length})"),
        SnowType::Boolean => "BOOLEAN".to_owned(),
        SnowType::Date => "DATE".to_owned(),
        SnowType::Time { scale } => format!("TIME({scale})"),
        SnowType::TimestampNtz { scale } => format!("TIMESTAMP_NTZ({scale})"),
        SnowType::TimestampLtz { scale } => format!("TIMESTAMP_LTZ({scale})"),
        SnowType::TimestampTz { scale } => format!("TIMESTAMP_TZ({scale})"),
        SnowType::Vector { element, dimension } => {
            let element = if *element == VectorElement::Int { "INT" } else { "FLOAT" };
            format!("VECTOR({element}, {dimension})")
        }
        _ => family_name(ty).to_owned(),
    }
}

/// The type as INFORMATION_SCHEMA writes it, without length or scale.
pub(crate) fn family_name(ty: &SnowType) -> &'static str {
    match ty {
        SnowType::Fixed { .. } => "NUMBER",
        SnowType::Real => "FLOAT",
        SnowType::Decfloat => "DECFLOAT",
        SnowType::Text { .. } => "TEXT",
        SnowType::Binary { .. } => "BINARY",
        SnowType::Boolean => "BOOLEAN",
        SnowType::Date => "DATE",
        SnowType::Time { .. } => "TIME",
        SnowType::TimestampNtz { .. } => "TIMESTAMP_NTZ",
        SnowType::TimestampLtz { .. } => "TIMESTAMP_LTZ",
        SnowType::TimestampTz { .. } => "TIMESTAMP_TZ",
        SnowType::Variant => "VARIANT",
        SnowType::Object => "OBJECT",
        SnowType::Array => "ARRAY",
        SnowType::Map => "MAP",
        SnowType::Geography => "GEOGRAPHY",
        SnowType::Geometry => "GEOMETRY",
        SnowType::Vector { .. } => "VECTOR",
        SnowType::IntervalYearMonth => "INTERVAL YEAR TO MONTH",
        SnowType::IntervalDayTime => "INTERVAL DAY TO SECOND",
    }
}

/// Reads back what [`type_name`] wrote.
pub(crate) fn parse_type(text: &str) -> Result<SnowType, SqlError> {
    let mut parser = parse::parser(text)?;
    let parsed = parser.parse_data_type().map_err(|failure| parse::syntax_error(&failure, &parser))?;
    from_ast(&parsed, "TIMESTAMP_NTZ")
}

fn number(info: &ExactNumberInfo) -> Result<SnowType, SqlError> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => (38, 0),
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    number_of(precision, scale)
}

fn number_of(precision: u64, scale: i64) -> Result<SnowType, SqlError> {
    let fits = (1..=38).contains(&precision) && (0..=37).contains(&scale) && scale <= precision.cast_signed();
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision), Ok(scale)) if fits => Ok(SnowType::Fixed { precision, scale }),
        _ => Err(compilation(
            "002024",
            "42601",
            &format!("Invalid precision or scale: NUMBER({precision},{scale})"),
        )),
    }
}

fn text(length: Option<u64>) -> SnowType {
    let length = length.and_then(|length| u32::try_from(length).ok()).unwrap_or(TEXT_LENGTH_MAX);
    SnowType::Text { length }
}

fn character_length(length: Option<&CharacterLength>, unset: Option<u64>) -> SnowType {
    match length {
        Some(CharacterLength::IntegerLength { length, .. }) => text(Some(*length)),
        Some(CharacterLength::Max) => text(None),
        None => text(unset),
    }
}

fn binary(length: Option<u64>) -> SnowType {
    let length = length.and_then(|length| u32::try_from(length).ok()).unwrap_or(BINARY_LENGTH_MAX);
    SnowType::Binary { length }
}

fn fraction_scale(scale: Option<u64>) -> Result<u8, SqlError> {
    match scale.map(u8::try_from) {
        None => Ok(9),
        Some(Ok(scale)) if scale <= 9 => Ok(scale),
        _ => Err(compilation("002024", "42601", "Invalid scale of a time or timestamp: 0 to 9 are allowed")),
    }
}

/// The timestamp variant called `name` (`TIMESTAMP_NTZ`, …).
pub(crate) fn timestamp_variant(name: &str, scale: u8) -> Option<SnowType> {
    match name {
        "TIMESTAMP_NTZ" | "TIMESTAMPNTZ" | "DATETIME" => Some(SnowType::TimestampNtz { scale }),
        "TIMESTAMP_LTZ" | "TIMESTAMPLTZ" => Some(SnowType::TimestampLtz { scale }),
        "TIMESTAMP_TZ" | "TIMESTAMPTZ" => Some(SnowType::TimestampTz { scale }),
        _ => None,
    }
}

/// The Snowflake type for a parsed one. `mapping` is the session's TIMESTAMP_TYPE_MAPPING.
pub(crate) fn from_ast(ty: &DataType, mapping: &str) -> Result<SnowType, SqlError> {
    Ok(match ty {
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => number(info)?,
        DataType::TinyInt(_)
        | DataType::SmallInt(_)
        | DataType::Int(_)
        | DataType::Integer(_)
        | DataType::BigInt(_)
        | DataType::Int2(_)
        | DataType::Int4(_)
        | DataType::Int8(_)
        | DataType::MediumInt(_) => SnowType::Fixed { precision: 38, scale: 0 },
        DataType::Float(_)
        | DataType::Float4
        | DataType::Float8
        | DataType::Real
        | DataType::Double(_)
        | DataType::DoublePrecision => SnowType::Real,
        DataType::Varchar(length)
        | DataType::Nvarchar(length)
        | DataType::CharacterVarying(length)
        | DataType::CharVarying(length) => character_length(length.as_ref(), None),
        DataType::Char(length) | DataType::Character(length) => character_length(length.as_ref(), Some(1)),
        DataType::Text => text(None),
        DataType::String(length) => text(*length),
        DataType::Binary(length) => binary(*length),
        DataType::Varbinary(Some(BinaryLength::IntegerLength { length })) => binary(Some(*length)),
        DataType::Varbinary(_) => binary(None),
        DataType::Bool | DataType::Boolean => SnowType::Boolean,
        DataType::Date => SnowType::Date,
        DataType::Time(scale, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            SnowType::Time { scale: fraction_scale(*scale)? }
        }
        DataType::Datetime(scale) | DataType::TimestampNtz(scale) => {
            SnowType::TimestampNtz { scale: fraction_scale(*scale)? }
        }
        DataType::Timestamp(scale, zone) => timestamp(*scale, *zone, mapping)?,
        DataType::Array(ArrayElemTypeDef::None) => SnowType::Array,
        DataType::Custom(name, modifiers) => custom(&name.to_string().to_uppercase(), modifiers, mapping)?,
        other => return Err(unsupported(format!("the type {other}"))),
    })
}

fn timestamp(scale: Option<u64>, zone: TimezoneInfo, mapping: &str) -> Result<SnowType, SqlError> {
    let scale = fraction_scale(scale)?;
    Ok(match zone {
        TimezoneInfo::WithTimeZone | TimezoneInfo::Tz => SnowType::TimestampTz { scale },
        TimezoneInfo::WithoutTimeZone => SnowType::TimestampNtz { scale },
        TimezoneInfo::None => timestamp_variant(mapping, scale).unwrap_or(SnowType::TimestampNtz { scale }),
    })
}

fn custom(name: &str, modifiers: &[String], mapping: &str) -> Result<SnowType, SqlError> {
    let modifier = |index: usize| modifiers.get(index).and_then(|text| text.trim().parse::<u64>().ok());
    if timestamp_variant(name, 0).is_some() {
        let scale = fraction_scale(modifier(0))?;
        return timestamp_variant(name, scale).ok_or_else(|| unsupported(format!("the type {name}")));
    }
    Ok(match name {
        "NUMBER" => number_of(
            modifier(0).unwrap_or(38),
            modifiers.get(1).and_then(|text| text.trim().parse().ok()).unwrap_or(0),
        )?,
        "BYTEINT" => SnowType::Fixed { precision: 38, scale: 0 },
        "DECFLOAT" => SnowType::Decfloat,
        "STRING" | "NCHAR" => text(modifier(0)),
        "TIMESTAMP" => timestamp(modifier(0), TimezoneInfo::None, mapping)?,
        "VARIANT" => SnowType::Variant,
        "OBJECT" if modifiers.is_empty() => SnowType::Object,
        "ARRAY" => SnowType::Array,
        "GEOGRAPHY" => SnowType::Geography,
        "GEOMETRY" => SnowType::Geometry,
        "VECTOR" => {
            let element = match modifiers.first().map(|text| text.trim().to_uppercase()).as_deref() {
                Some("INT" | "INTEGER") => VectorElement::Int,
                Some("FLOAT") => VectorElement::Float,
                _ => return Err(compilation("002040", "42601", "Unsupported data type 'VECTOR'.")),
            };
            let dimension = modifier(1).and_then(|dimension| u32::try_from(dimension).ok()).unwrap_or(0);
            if !(1..=4096).contains(&dimension) {
                return Err(compilation("002040", "42601", "Unsupported dimension of a VECTOR: 1 to 4096."));
            }
            SnowType::Vector { element, dimension }
        }
        _ => return Err(compilation("002040", "42601", &format!("Unsupported data type '{name}'."))),
    })
}

/// Serialises a type as its name, for the stored catalog.
pub(crate) mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::outcome::SnowType;

    pub(crate) fn serialize<S: Serializer>(ty: &SnowType, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::type_name(ty))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SnowType, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_type(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{duckdb_type, parse_type, type_name};

    #[test]
    fn a_written_type_reads_back_the_same() {
        for name in [
            "NUMBER(38,0)",
            "NUMBER(12,2)",
            "FLOAT",
            "DECFLOAT",
            "VARCHAR(16777216)",
            "VARCHAR(3)",
            "BINARY(8388608)",
            "BOOLEAN",
            "DATE",
            "TIME(9)",
            "TIME(0)",
            "TIMESTAMP_NTZ(3)",
            "TIMESTAMP_LTZ(9)",
            "TIMESTAMP_TZ(6)",
            "VARIANT",
            "OBJECT",
            "ARRAY",
            "GEOGRAPHY",
            "GEOMETRY",
            "VECTOR(FLOAT, 3)",
            "VECTOR(INT, 256)",
        ] {
            assert_eq!(type_name(&parse_type(name).unwrap()), name);
        }
    }

    #[test]
    fn aliases_mean_their_types() {
        assert_eq!(type_name(&parse_type("bigint").unwrap()), "NUMBER(38,0)");
        assert_eq!(type_name(&parse_type("string").unwrap()), "VARCHAR(16777216)");
        assert_eq!(type_name(&parse_type("char").unwrap()), "VARCHAR(1)");
        assert_eq!(type_name(&parse_type("double precision").unwrap()), "FLOAT");
        assert_eq!(type_name(&parse_type("timestamp").unwrap()), "TIMESTAMP_NTZ(9)");
        assert_eq!(type_name(&parse_type("datetime").unwrap()), "TIMESTAMP_NTZ(9)");
    }

    #[test]
    fn fine_timestamps_are_held_in_nanoseconds_and_coarse_ones_in_microseconds() {
        assert_eq!(duckdb_type(&parse_type("TIMESTAMP_NTZ(9)").unwrap()), "TIMESTAMP_NS");
        assert_eq!(duckdb_type(&parse_type("TIMESTAMP_LTZ(6)").unwrap()), "TIMESTAMP");
    }

    #[test]
    fn a_precision_over_38_is_refused() {
        assert!(parse_type("NUMBER(39,0)").is_err());
        assert!(parse_type("NUMBER(5,6)").is_err());
    }
}
