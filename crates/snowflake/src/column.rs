//! The columns of a result: their names and Snowflake types, as the service describes them.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::result::WireColumn;

/// One column of a result. Names may repeat and may be empty: a column is known by its position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// The name as the service reports it, unquoted.
    pub name: String,
    /// What the column holds.
    pub ty: ColumnType,
    /// Whether the service says that NULL can occur.
    pub nullable: bool,
    /// The collation, where the column has one.
    pub collation: Option<String>,
    /// The table the column was read from, where it is a plain column of one.
    pub origin: Option<ColumnOrigin>,
}

/// The table that a column was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnOrigin {
    /// Name of the database.
    pub database: String,
    /// Name of the schema.
    pub schema: String,
    /// Name of the table or view.
    pub table: String,
}

/// A Snowflake column type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnType {
    /// `NUMBER(precision, scale)`.
    Fixed {
        /// Decimal digits in all, 1 to 38.
        precision: u8,
        /// Decimal digits after the point.
        scale: u8,
    },
    /// `FLOAT`: an IEEE double.
    Float,
    /// `DECFLOAT`: 38 decimal digits with a decimal exponent.
    Decfloat,
    /// `VARCHAR`.
    Text {
        /// Characters at most, where the service says so.
        length: Option<u64>,
    },
    /// `BINARY`.
    Binary {
        /// Bytes at most, where the service says so.
        length: Option<u64>,
    },
    /// `BOOLEAN`.
    Boolean,
    /// `DATE`.
    Date,
    /// `TIME(scale)`.
    Time {
        /// Digits of a second's fraction, 0 to 9.
        scale: u8,
    },
    /// `TIMESTAMP_NTZ(scale)`: a date and time of day without a zone.
    TimestampNtz {
        /// Digits of a second's fraction, 0 to 9.
        scale: u8,
    },
    /// `TIMESTAMP_LTZ(scale)`: an instant.
    TimestampLtz {
        /// Digits of a second's fraction, 0 to 9.
        scale: u8,
    },
    /// `TIMESTAMP_TZ(scale)`: an instant with the offset it was written with.
    TimestampTz {
        /// Digits of a second's fraction, 0 to 9.
        scale: u8,
    },
    /// `VARIANT`.
    Variant,
    /// `OBJECT`, structured or not.
    Object,
    /// `ARRAY`, structured or not.
    Array,
    /// `MAP`.
    Map,
    /// `GEOGRAPHY`.
    Geography,
    /// `GEOMETRY`.
    Geometry,
    /// `VECTOR(element, dimension)`.
    Vector {
        /// What each element is.
        element: VectorElement,
        /// Elements in every value.
        dimension: u16,
    },
    /// `INTERVAL YEAR TO MONTH` and its parts.
    IntervalYearMonth,
    /// `INTERVAL DAY TO SECOND` and its parts.
    IntervalDayTime,
}

/// The element type of a `VECTOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VectorElement {
    /// A 32-bit integer.
    Int,
    /// A 32-bit float.
    Float,
}

/// Snowflake's widest `NUMBER`.
const PRECISION_MAX: u8 = 38;
/// Snowflake counts time to the nanosecond.
const FRACTION_DIGITS_MAX: u8 = 9;
/// Snowflake's longest `VECTOR`.
const DIMENSION_MAX: u16 = 4096;

impl Column {
    /// A nullable column, as a connector would describe one that it is going to write.
    pub fn new(name: impl Into<String>, ty: ColumnType) -> Self {
        Self { name: name.into(), ty, nullable: true, collation: None, origin: None }
    }

    pub(crate) fn from_wire(wire: &WireColumn) -> Result<Self> {
        let filled = |part: &Option<String>| part.clone().filter(|part| !part.is_empty());
        let origin = match (filled(&wire.database), filled(&wire.schema), filled(&wire.table)) {
            (Some(database), Some(schema), Some(table)) => Some(ColumnOrigin { database, schema, table }),
            _ => None,
        };
        Ok(Self {
            name: wire.name.clone(),
            ty: column_type(wire)?,
            nullable: wire.nullable.unwrap_or(true),
            collation: filled(&wire.collation),
            origin,
        })
    }

    /// An error about a value in this column. The column is named, the value never is.
    pub(crate) fn value_error(&self, what: &str) -> Error {
        Error::new(ErrorKind::Data, format!("column \"{}\", {}: {what}", self.name, self.ty))
    }

    /// An error about the way this column was sent.
    pub(crate) fn wire_error(&self, what: &str) -> Error {
        Error::new(ErrorKind::Protocol, format!("column \"{}\", {}: {what}", self.name, self.ty))
    }
}

fn column_type(wire: &WireColumn) -> Result<ColumnType> {
    // The service sends these under the name of the type it encodes them as, and the real one beside it.
    match wire.ext_type_name.as_deref().map(str::to_ascii_uppercase).as_deref() {
        Some("GEOGRAPHY") => return Ok(ColumnType::Geography),
        Some("GEOMETRY") => return Ok(ColumnType::Geometry),
        _ => {}
    }
    let ty = match wire.type_name.to_ascii_lowercase().as_str() {
        "fixed" | "number" => fixed(wire)?,
        "real" | "float" | "double" => ColumnType::Float,
        "decfloat" => ColumnType::Decfloat,
        "text" | "varchar" | "char" | "string" | "any" => ColumnType::Text { length: wire.length },
        "binary" => ColumnType::Binary { length: wire.byte_length.or(wire.length) },
        "boolean" => ColumnType::Boolean,
        "date" => ColumnType::Date,
        "time" => ColumnType::Time { scale: fraction_digits(wire)? },
        "timestamp_ntz" | "timestamp" => ColumnType::TimestampNtz { scale: fraction_digits(wire)? },
        "timestamp_ltz" => ColumnType::TimestampLtz { scale: fraction_digits(wire)? },
        "timestamp_tz" => ColumnType::TimestampTz { scale: fraction_digits(wire)? },
        "variant" => ColumnType::Variant,
        "object" => ColumnType::Object,
        "array" => ColumnType::Array,
        "map" => ColumnType::Map,
        "geography" => ColumnType::Geography,
        "geometry" => ColumnType::Geometry,
        "vector" => vector(wire)?,
        "interval_year_month" => ColumnType::IntervalYearMonth,
        "interval_day_time" => ColumnType::IntervalDayTime,
        _ => {
            let message = format!("column \"{}\": the type {:?} is not known", wire.name, wire.type_name);
            return Err(Error::new(ErrorKind::Data, message));
        }
    };
    Ok(ty)
}

fn fixed(wire: &WireColumn) -> Result<ColumnType> {
    let precision = u8::try_from(wire.precision.unwrap_or(i64::from(PRECISION_MAX))).ok();
    let scale = u8::try_from(wire.scale.unwrap_or(0)).ok();
    match (precision, scale) {
        (Some(precision @ 1..=PRECISION_MAX), Some(scale)) if scale <= precision => {
            Ok(ColumnType::Fixed { precision, scale })
        }
        _ => Err(malformed(wire, "a precision of 1 to 38 and a scale up to it were expected")),
    }
}

fn fraction_digits(wire: &WireColumn) -> Result<u8> {
    u8::try_from(wire.scale.unwrap_or(i64::from(FRACTION_DIGITS_MAX)))
        .ok()
        .filter(|scale| *scale <= FRACTION_DIGITS_MAX)
        .ok_or_else(|| malformed(wire, "a scale of 0 to 9 was expected"))
}

fn vector(wire: &WireColumn) -> Result<ColumnType> {
    let element = wire.fields.as_deref().and_then(<[WireColumn]>::first);
    let element = match element.map(|element| element.type_name.to_ascii_lowercase()).as_deref() {
        Some("fixed") => VectorElement::Int,
        Some("real") => VectorElement::Float,
        _ => return Err(malformed(wire, "a vector of integers or floats was expected")),
    };
    let dimension = wire.vector_dimension.and_then(|dimension| u16::try_from(dimension).ok());
    match dimension {
        Some(dimension @ 1..=DIMENSION_MAX) => Ok(ColumnType::Vector { element, dimension }),
        _ => Err(malformed(wire, "a vector dimension of 1 to 4096 was expected")),
    }
}

fn malformed(wire: &WireColumn, what: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("column \"{}\" of type {:?}: {what}", wire.name, wire.type_name))
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed { precision, scale } => write!(f, "NUMBER({precision},{scale})"),
            Self::Float => f.write_str("FLOAT"),
            Self::Decfloat => f.write_str("DECFLOAT"),
            Self::Text { length: Some(length) } => write!(f, "VARCHAR({length})"),
            Self::Text { length: None } => f.write_str("VARCHAR"),
            Self::Binary { length: Some(length) } => write!(f, "BINARY({length})"),
            Self::Binary { length: None } => f.write_str("BINARY"),
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::Date => f.write_str("DATE"),
            Self::Time { scale } => write!(f, "TIME({scale})"),
            Self::TimestampNtz { scale } => write!(f, "TIMESTAMP_NTZ({scale})"),
            Self::TimestampLtz { scale } => write!(f, "TIMESTAMP_LTZ({scale})"),
            Self::TimestampTz { scale } => write!(f, "TIMESTAMP_TZ({scale})"),
            Self::Variant => f.write_str("VARIANT"),
            Self::Object => f.write_str("OBJECT"),
            Self::Array => f.write_str("ARRAY"),
            Self::Map => f.write_str("MAP"),
            Self::Geography => f.write_str("GEOGRAPHY"),
            Self::Geometry => f.write_str("GEOMETRY"),
            Self::Vector { element: VectorElement::Int, dimension } => write!(f, "VECTOR(INT, {dimension})"),
            Self::Vector { element: VectorElement::Float, dimension } => {
                write!(f, "VECTOR(FLOAT, {dimension})")
            }
            Self::IntervalYearMonth => f.write_str("INTERVAL YEAR TO MONTH"),
            Self::IntervalDayTime => f.write_str("INTERVAL DAY TO SECOND"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(json: &str) -> WireColumn {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_extended_type_name_overrides_the_type() {
        let column =
            Column::from_wire(&wire(r#"{"name":"G","type":"object","extTypeName":"GEOGRAPHY"}"#)).unwrap();
        assert_eq!(column.ty, ColumnType::Geography);
    }

    #[test]
    fn a_vector_takes_its_element_from_its_field() {
        let json = r#"{"name":"V","type":"vector","vectorDimension":3,"fields":[{"type":"real"}]}"#;
        let column = Column::from_wire(&wire(json)).unwrap();
        assert_eq!(column.ty, ColumnType::Vector { element: VectorElement::Float, dimension: 3 });
    }

    #[test]
    fn an_unknown_type_is_refused_by_name() {
        let error = Column::from_wire(&wire(r#"{"name":"X","type":"hologram"}"#)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert_eq!(error.message(), "column \"X\": the type \"hologram\" is not known");
    }

    #[test]
    fn a_scale_beyond_the_precision_is_refused() {
        let error =
            Column::from_wire(&wire(r#"{"name":"N","type":"fixed","precision":2,"scale":5}"#)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}
