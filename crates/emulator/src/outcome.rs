//! What running a statement gives: the seam between the SQL side and the protocol side of the emulator.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::stage::Transfer;

/// A Snowflake column type, with what the wire says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnowType {
    Fixed {
        precision: u8,
        scale: i8,
    },
    Real,
    Decfloat,
    /// `length` counts characters.
    Text {
        length: u32,
    },
    Binary {
        length: u32,
    },
    Boolean,
    Date,
    Time {
        scale: u8,
    },
    TimestampNtz {
        scale: u8,
    },
    TimestampLtz {
        scale: u8,
    },
    TimestampTz {
        scale: u8,
    },
    Variant,
    Object,
    Array,
    Map,
    Geography,
    Geometry,
    Vector {
        element: VectorElement,
        dimension: u32,
    },
    IntervalYearMonth,
    IntervalDayTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorElement {
    Int,
    Float,
}

/// One column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub ty: SnowType,
    pub nullable: bool,
    /// Database, schema and table that the column was read from, where it is a plain column of a table.
    pub origin: Option<[String; 3]>,
}

impl Column {
    pub fn new(name: impl Into<String>, ty: SnowType) -> Self {
        Self { name: name.into(), ty, nullable: true, origin: None }
    }
}

impl SnowType {
    /// The Arrow type in which both sides of the emulator hold values of this type, whatever goes over the wire.
    /// It can hold every value Snowflake can: timestamps are whole seconds (rounded down) and nanoseconds.
    pub fn canonical(&self) -> DataType {
        match self {
            SnowType::Fixed { precision, scale } => DataType::Decimal128((*precision).max(1), *scale),
            SnowType::Real => DataType::Float64,
            SnowType::Text { .. }
            | SnowType::Decfloat
            | SnowType::Variant
            | SnowType::Object
            | SnowType::Array
            | SnowType::Map
            | SnowType::Geography
            | SnowType::Geometry => DataType::Utf8,
            SnowType::Binary { .. } => DataType::Binary,
            SnowType::Boolean => DataType::Boolean,
            SnowType::Date => DataType::Date32,
            SnowType::Time { .. } => DataType::Time64(TimeUnit::Nanosecond),
            SnowType::TimestampNtz { .. } | SnowType::TimestampLtz { .. } => {
                DataType::Struct(Fields::from(vec![
                    Field::new("epoch", DataType::Int64, false),
                    Field::new("fraction", DataType::Int32, false),
                ]))
            }
            SnowType::TimestampTz { .. } => DataType::Struct(Fields::from(vec![
                Field::new("epoch", DataType::Int64, false),
                Field::new("fraction", DataType::Int32, false),
                Field::new("offset_minutes", DataType::Int32, false),
            ])),
            SnowType::Vector { element, dimension } => {
                let element = match element {
                    VectorElement::Int => DataType::Int32,
                    VectorElement::Float => DataType::Float32,
                };
                let item = Arc::new(Field::new("element", element, true));
                DataType::FixedSizeList(item, i32::try_from(*dimension).unwrap_or(i32::MAX))
            }
            SnowType::IntervalYearMonth => DataType::Int64,
            SnowType::IntervalDayTime => DataType::Decimal128(38, 0),
        }
    }
}

/// Rows in canonical types, produced batch by batch so that a large result never stands in memory as a whole.
pub struct Rows {
    pub columns: Vec<Column>,
    pub batches: Box<dyn Iterator<Item = Result<RecordBatch, SqlError>> + Send>,
}

impl Rows {
    /// The Arrow schema of every batch.
    pub fn schema(columns: &[Column]) -> SchemaRef {
        let fields: Vec<Field> =
            columns.iter().map(|column| Field::new(&column.name, column.ty.canonical(), true)).collect();
        Arc::new(Schema::new(fields))
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// Rows changed by a DML statement, as the reply's `stats` names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DmlStats {
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    pub duplicates: u64,
}

/// What a statement did.
#[derive(Debug)]
pub struct Outcome {
    /// Snowflake's `statementTypeId`.
    pub statement_type_id: u64,
    /// True where Snowflake answers in JSON whatever the client asked for (SHOW, DESCRIBE, DML, DDL).
    pub is_json_forced: bool,
    pub rows: Rows,
    pub stats: Option<DmlStats>,
    /// Session parameters that this statement changed, as name and new value.
    pub changed_parameters: Vec<(String, String)>,
    /// What a PUT or GET lets the client do; it has no rows.
    pub transfer: Option<Box<Transfer>>,
}

/// A statement that Snowflake would refuse, or that the emulator does not know.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// Snowflake's code, six digits, such as `002003`.
    pub code: &'static str,
    pub sql_state: &'static str,
    pub message: String,
    /// Line (from 1) and column (from 0), where the parser knows them.
    pub position: Option<(u64, u64)>,
}
