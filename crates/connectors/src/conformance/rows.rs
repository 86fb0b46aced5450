//! Rows and streams that the claims are made with.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeListArray, Float32Array,
    Float64Array, Int16Array, Int64Array, RecordBatch, StringArray, Time64MicrosecondArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{DataType, Field};
use model::{
    Column, LogicalType, NullCursor, ReadSpec, StreamKind, StreamName, StreamSchema, StreamSpec, TableName,
    VectorElement,
};

const UPDATED_AT: LogicalType = LogicalType::Timestamp { scale: 9, is_wide: false };

/// People with an id, a name that may be NULL, and the time of their last change in nanoseconds.
pub fn people_schema() -> StreamSchema {
    schema_of(
        "PEOPLE",
        &[("ID", LogicalType::Int64), ("NAME", LogicalType::Text), ("UPDATED_AT", UPDATED_AT)],
    )
}

/// A sync of the people, full or incremental.
pub fn people_spec(is_incremental: bool) -> StreamSpec {
    let read = if is_incremental {
        ReadSpec::Incremental {
            cursor_column: "UPDATED_AT".into(),
            lookback: std::time::Duration::ZERO,
            null_cursor: NullCursor::Include,
        }
    } else {
        ReadSpec::FullRefresh
    };
    spec_of("PEOPLE", read, &["ID"])
}

/// Rows of people.
pub fn people(rows: &[(Option<i64>, Option<&str>, Option<i64>)]) -> RecordBatch {
    let ids = Int64Array::from_iter(rows.iter().map(|(id, _, _)| *id));
    let names = StringArray::from_iter(rows.iter().map(|(_, name, _)| *name));
    let updated = TimestampNanosecondArray::from_iter(rows.iter().map(|(_, _, updated_at)| *updated_at));
    rows_of(&people_schema(), vec![Arc::new(ids), Arc::new(names), Arc::new(updated)])
}

/// A stream with a column of every logical type, and rows with each type's extremes and NULL.
pub fn every_type() -> (StreamSchema, StreamSpec, RecordBatch) {
    let ns = |kind: fn(u8) -> LogicalType| kind(9);
    let columns: Vec<(&str, LogicalType)> = vec![
        ("ID", LogicalType::Int64),
        ("BOOL", LogicalType::Bool),
        ("DECIMAL", LogicalType::Decimal { precision: 38, scale: 9 }),
        ("FLOAT", LogicalType::Float64),
        ("DECFLOAT", LogicalType::Decfloat),
        ("TEXT", LogicalType::Text),
        ("BINARY", LogicalType::Binary),
        ("DATE", LogicalType::Date),
        ("TIME_US", LogicalType::Time { scale: 6 }),
        ("TIME_NS", LogicalType::Time { scale: 9 }),
        ("NTZ_US", LogicalType::Timestamp { scale: 6, is_wide: false }),
        ("NTZ_NS", ns(|scale| LogicalType::Timestamp { scale, is_wide: false })),
        ("UTC_US", LogicalType::TimestampUtc { scale: 6, is_wide: false }),
        ("UTC_NS", ns(|scale| LogicalType::TimestampUtc { scale, is_wide: false })),
        ("TZ_NS", ns(|scale| LogicalType::TimestampOffset { scale, is_wide: false })),
        ("JSON", LogicalType::Json),
        ("GEO", LogicalType::Geo),
        ("VECTOR", LogicalType::Vector { element: VectorElement::Float, dimension: 2 }),
        ("MONTHS", LogicalType::IntervalMonths),
        ("odd \"name\"", LogicalType::Text),
    ];
    let digits = 10_i128.pow(38) - 1;
    // Years 0001 and 9999, in microseconds.
    let (first_year, last_year) = (-62_135_596_800_000_000, 253_402_300_799_999_999);
    let text = |values: [Option<&str>; 3]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let nanoseconds = || TimestampNanosecondArray::from(vec![Some(i64::MIN + 1), Some(i64::MAX), None]);
    let microseconds = || TimestampMicrosecondArray::from(vec![Some(first_year), Some(last_year), None]);
    let element = Arc::new(Field::new("element", DataType::Float32, true));
    let elements = Float32Array::from(vec![1.5, -2.5, f32::MAX, f32::MIN, 0.0, 0.0]);
    let present = vec![true, true, false].into();
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![1, 2, 3])),
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        Arc::new(
            Decimal128Array::from(vec![Some(digits), Some(-digits), None])
                .with_precision_and_scale(38, 9)
                .expect("38 digits fit"),
        ),
        Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(f64::NEG_INFINITY), None])),
        text([Some("1E-16383"), Some("-9.99E+16384"), None]),
        text([Some(""), Some("\u{1F980} \\ ' \" \n \t, ünï"), None]),
        Arc::new(BinaryArray::from(vec![Some(b"".as_slice()), Some(&[0, 255, 10]), None])),
        Arc::new(Date32Array::from(vec![Some(-719_162), Some(2_932_896), None])),
        Arc::new(Time64MicrosecondArray::from(vec![Some(0), Some(86_399_999_999), None])),
        Arc::new(Time64NanosecondArray::from(vec![Some(0), Some(86_399_999_999_999), None])),
        Arc::new(microseconds()),
        Arc::new(nanoseconds()),
        Arc::new(microseconds().with_timezone("UTC")),
        Arc::new(nanoseconds().with_timezone("UTC")),
        Arc::new(nanoseconds().with_timezone("UTC")),
        Arc::new(Int16Array::from(vec![Some(-840), Some(840), None])),
        text([Some("null"), Some("{\"a\": [undefined, 1e400, \"\\u0000\"]}"), None]),
        text([Some("{\"type\":\"Point\",\"coordinates\":[0,0]}"), Some("{}"), None]),
        Arc::new(FixedSizeListArray::new(element, 2, Arc::new(elements), Some(present))),
        Arc::new(Int64Array::from(vec![Some(-12), Some(999), None])),
        text([Some("a"), Some("b"), None]),
    ];
    let schema = schema_of("EVERY_TYPE", &columns);
    let rows = rows_of(&schema, arrays);
    (schema, spec_of("EVERY_TYPE", ReadSpec::FullRefresh, &["ID"]), rows)
}

/// Rows as comparable values, in an order that does not depend on how they arrived.
pub fn in_any_order(rows: &RecordBatch) -> Vec<Vec<u8>> {
    let fields = rows.columns().iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let converter = RowConverter::new(fields).expect("every column can be compared");
    let converted = converter.convert_columns(rows.columns()).expect("the columns are the converter's");
    let mut values: Vec<Vec<u8>> = converted.iter().map(|row| row.as_ref().to_vec()).collect();
    values.sort();
    values
}

fn schema_of(table: &str, columns: &[(&str, LogicalType)]) -> StreamSchema {
    let columns = columns.iter().map(|(name, logical_type)| Column {
        name: (*name).to_owned(),
        logical_type: logical_type.clone(),
        source_type: logical_type.to_string(),
        is_nullable: true,
    });
    StreamSchema {
        stream: stream_name(table),
        kind: StreamKind::Table,
        columns: columns.collect(),
        key: vec![],
        row_count: None,
        bytes: None,
    }
}

fn spec_of(table: &str, read: ReadSpec, key: &[&str]) -> StreamSpec {
    StreamSpec {
        read,
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        ..StreamSpec::new(stream_name(table), TableName::in_vendor_database("crm", table.to_lowercase()))
    }
}

fn stream_name(table: &str) -> StreamName {
    StreamName::Table(TableName::in_snowflake("CRM", "PUBLIC", table))
}

fn rows_of(schema: &StreamSchema, columns: Vec<ArrayRef>) -> RecordBatch {
    let fields: Vec<Field> = schema
        .columns
        .iter()
        .flat_map(|column| column.logical_type.arrow_fields(&column.name, true))
        .collect();
    RecordBatch::try_new(Arc::new(arrow_schema::Schema::new(fields)), columns)
        .expect("the columns fit the schema")
}
