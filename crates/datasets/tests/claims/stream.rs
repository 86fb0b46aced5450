//! Streams made by hand: a few columns, a row or more, and a mapping written as in a sync file.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, PrimitiveArray, RecordBatch,
    StringArray,
};
use arrow_schema::Schema;
use datasets::{Context, DatasetChoice, Mapped, Mapping, Stamps};
use model::{LogicalType, PlannedColumn, Result};
use serde_json::Value;

/// One column of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Col {
    pub(crate) name: String,
    pub(crate) logical_type: LogicalType,
    pub(crate) values: ArrayRef,
}

pub(crate) fn text(name: &str, values: &[Option<&str>]) -> Col {
    col(name, LogicalType::Text, Arc::new(StringArray::from(values.to_vec())))
}

pub(crate) fn json(name: &str, values: &[Option<&str>]) -> Col {
    Col { logical_type: LogicalType::Json, ..text(name, values) }
}

pub(crate) fn int(name: &str, values: &[Option<i64>]) -> Col {
    col(name, LogicalType::Int64, Arc::new(Int64Array::from(values.to_vec())))
}

pub(crate) fn float(name: &str, values: &[Option<f64>]) -> Col {
    col(name, LogicalType::Float64, Arc::new(Float64Array::from(values.to_vec())))
}

pub(crate) fn boolean(name: &str, values: &[Option<bool>]) -> Col {
    col(name, LogicalType::Bool, Arc::new(BooleanArray::from(values.to_vec())))
}

/// Unscaled numbers with two digits behind the point.
pub(crate) fn money(name: &str, values: &[Option<i128>]) -> Col {
    let logical_type = LogicalType::Decimal { precision: 12, scale: 2 };
    let values = Decimal128Array::from(values.to_vec()).with_data_type(logical_type.arrow_type());
    col(name, logical_type, Arc::new(values))
}

/// Times without a zone, in microseconds since 1970.
pub(crate) fn moment(name: &str, values: &[Option<i64>]) -> Col {
    let logical_type = LogicalType::Timestamp { scale: 6, is_wide: false };
    let values: PrimitiveArray<TimestampMicrosecondType> = values.iter().copied().collect();
    col(name, logical_type, Arc::new(values))
}

pub(crate) fn col(name: &str, logical_type: LogicalType, values: ArrayRef) -> Col {
    Col { name: name.to_owned(), logical_type, values }
}

/// 2026-03-01 10:30:00, in microseconds since 1970.
pub(crate) const NOON: i64 = 1_772_361_000_000_000;

pub(crate) fn planned(columns: &[Col]) -> Vec<PlannedColumn> {
    let plan = |column: &Col| PlannedColumn {
        source: column.name.clone(),
        target: column.name.clone(),
        logical_type: column.logical_type.clone(),
        is_nullable: true,
        is_lossy: false,
    };
    columns.iter().map(plan).collect()
}

pub(crate) fn batch(columns: &[Col]) -> RecordBatch {
    let fields: Vec<_> =
        columns.iter().flat_map(|column| column.logical_type.arrow_fields(&column.name, true)).collect();
    let values = columns.iter().map(|column| Arc::clone(&column.values)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), values).unwrap()
}

pub(crate) fn compile(config: &str, columns: &[Col]) -> Result<Mapping> {
    compile_with_key(config, columns, &["ID"])
}

pub(crate) fn compile_with_key(config: &str, columns: &[Col], key: &[&str]) -> Result<Mapping> {
    let DatasetChoice(config) = serde_saphyr::from_str(config).unwrap();
    let key = key.iter().filter(|name| columns.iter().any(|column| column.name == **name));
    let context = Context {
        stream_name: "events".to_owned(),
        namespace: "imports.events".to_owned(),
        key: key.map(|name| (*name).to_owned()).collect(),
        cursor_column: None,
    };
    Mapping::compile(&config.unwrap(), &planned(columns), &context)
}

/// Maps the rows; the mapping must be a good one.
#[track_caller]
pub(crate) fn map(config: &str, columns: &[Col]) -> Mapped {
    let mapping = compile(config, columns).unwrap_or_else(|error| panic!("{error}: {:?}", error.remedy()));
    mapping.map(&batch(columns), &Stamps::default()).unwrap()
}

/// A value of a mapped row as text; JSON as it stands there.
pub(crate) fn shown(mapped: &Mapped, column: &str, row: usize) -> Option<String> {
    let values = mapped.rows.column_by_name(column).unwrap_or_else(|| panic!("no column {column}"));
    values.is_valid(row).then(|| {
        if let Some(texts) = values.as_string_opt::<i32>() {
            return texts.value(row).to_owned();
        }
        if let Some(moments) = values.as_primitive_opt::<TimestampMicrosecondType>() {
            let moment = jiff::Timestamp::from_microsecond(moments.value(row)).unwrap();
            return moment.to_string();
        }
        if let Some(numbers) = values.as_primitive_opt::<arrow_array::types::Decimal128Type>() {
            return numbers.value_as_string(row);
        }
        if let Some(days) = values.as_primitive_opt::<arrow_array::types::Date32Type>() {
            return days.value_as_date(row).unwrap().to_string();
        }
        values.as_primitive::<arrow_array::types::Int64Type>().value(row).to_string()
    })
}

/// A JSON value of a mapped row.
pub(crate) fn document(mapped: &Mapped, column: &str, row: usize) -> Value {
    serde_json::from_str(&shown(mapped, column, row).unwrap()).unwrap()
}
