//! What stands in the files: read back with Parquet's own reader, and compared with texts from another library.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array, ArrayRef, Decimal128Array, Float64Array, Int16Array, RecordBatch, StringArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use jiff::tz::Offset;
use model::LogicalType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Encoding, Type};
use proptest::prelude::*;
use snowflake::ColumnType;

use super::plans::{plan, target};
use crate::snowflake::fit::{EncodedFile, Mapping, ParquetFile};

/// Rows of one column in the form of the file.
fn file_rows(logical_type: LogicalType, column_type: ColumnType, arrays: Vec<ArrayRef>) -> RecordBatch {
    let plan = plan(&[("c", logical_type)], &["c"]);
    let mapping = Mapping::build(&plan, &[target("C", column_type)]);
    let rows = RecordBatch::try_new(plan.arrow_schema(), arrays).unwrap();
    mapping.file_rows(&rows).unwrap()
}

fn encoded(batches: &[RecordBatch]) -> EncodedFile {
    let mut file = ParquetFile::new(batches[0].schema());
    for rows in batches {
        file.write(rows).unwrap();
    }
    assert!(file.byte_count() > 0);
    file.finish().unwrap()
}

fn reader(bytes: Bytes) -> ParquetRecordBatchReaderBuilder<Bytes> {
    ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap()
}

fn texts_of(rows: &RecordBatch) -> Vec<Option<String>> {
    rows.column(0).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

#[test]
fn a_whole_double_becomes_exactly_its_number_and_a_fraction_its_shortest_decimal() {
    let decimals = |scale, values: Vec<f64>| {
        let number = ColumnType::Fixed { precision: 38, scale };
        let rows = file_rows(LogicalType::Float64, number, vec![Arc::new(Float64Array::from(values))]);
        let numbers = rows.column(0).as_primitive::<arrow_array::types::Decimal128Type>();
        numbers.values().to_vec()
    };
    let whole = vec![(1_u64 << 60) as f64, -(2_f64.powi(63)), 1e23, 0.0];
    assert_eq!(decimals(0, whole), [1 << 60, -(1 << 63), 99_999_999_999_999_991_611_392, 0]);
    assert_eq!(decimals(37, vec![0.1, -1.5]), [10_i128.pow(36), -15 * 10_i128.pow(36)]);
}

#[test]
fn a_file_gives_back_what_was_written() {
    let schema = Arc::new(arrow_schema::Schema::new(vec![
        arrow_schema::Field::new("c0", DataType::Decimal128(38, 9), true),
        arrow_schema::Field::new("c1", DataType::Utf8, true),
        arrow_schema::Field::new("c2", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        arrow_schema::Field::new("c3", DataType::Binary, true),
    ]));
    let largest = 10_i128.pow(38) - 1;
    let decimals = Decimal128Array::from(vec![Some(largest), Some(-largest), None]);
    let instants = TimestampMicrosecondArray::from(vec![Some(-62_135_596_800_000_000), None, Some(1)]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(decimals.with_precision_and_scale(38, 9).unwrap()),
        Arc::new(StringArray::from(vec![Some(""), None, Some("ünï")])),
        Arc::new(instants.with_timezone("UTC")),
        Arc::new(arrow_array::BinaryArray::from(vec![Some(&b"\0\xff"[..]), Some(b""), None])),
    ];
    let rows = RecordBatch::try_new(schema, columns).unwrap();
    let file = encoded(&[rows.clone(), rows.clone()]);
    assert_eq!(file.row_count, 6);
    let reader = reader(file.bytes);
    let schema = reader.parquet_schema();
    let physical: Vec<Type> = schema.columns().iter().map(|column| column.physical_type()).collect();
    assert_eq!(physical, [Type::FIXED_LEN_BYTE_ARRAY, Type::BYTE_ARRAY, Type::INT64, Type::BYTE_ARRAY]);
    assert!(schema.column(3).logical_type_ref().is_none(), "bytes without a mark are bytes");
    let read: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let read = arrow_select::concat::concat_batches(&read[0].schema(), &read).unwrap();
    assert_eq!(read.slice(3, 3).columns(), rows.columns());
    assert_eq!(read.slice(0, 3).columns(), rows.columns());
}

#[test]
fn a_file_without_rows_is_a_file() {
    let schema = file_rows(LogicalType::Text, ColumnType::Variant, vec![Arc::new(StringArray::new_null(0))]);
    let file = ParquetFile::new(schema.schema()).finish().unwrap();
    assert_eq!(reader(file.bytes).metadata().file_metadata().num_rows(), 0);
}

#[test]
fn only_texts_that_repeat_themselves_get_a_dictionary() {
    let column = |text: fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..1_000).map(text)))
    };
    let encodings =
        |column| {
            let rows = file_rows(LogicalType::Text, ColumnType::Text { length: None }, vec![column]);
            let reader = reader(encoded(&[rows]).bytes);
            reader.metadata().row_group(0).column(0).encodings().any(|encoding| {
                encoding == Encoding::RLE_DICTIONARY || encoding == Encoding::PLAIN_DICTIONARY
            })
        };
    assert!(encodings(column(|row| format!("status {}", row % 5))));
    assert!(!encodings(column(|row| format!("id {row}"))));
}

#[test]
fn nanoseconds_are_plain_numbers() {
    let is_wide = false;
    let times = Time64NanosecondArray::from(vec![Some(0), Some(86_399_999_999_999), None]);
    let plan = plan(
        &[("t", LogicalType::Time { scale: 9 }), ("n", LogicalType::Timestamp { scale: 9, is_wide })],
        &[],
    );
    let targets =
        [target("T", ColumnType::Time { scale: 9 }), target("N", ColumnType::TimestampNtz { scale: 9 })];
    let mapping = Mapping::build(&plan, &targets);
    let moments = TimestampNanosecondArray::from(vec![Some(i64::MIN), Some(i64::MAX), None]);
    let rows = RecordBatch::try_new(plan.arrow_schema(), vec![Arc::new(times), Arc::new(moments)]).unwrap();
    let file_rows = mapping.file_rows(&rows).unwrap();
    let numbers =
        |index: usize| file_rows.column(index).as_primitive::<Int64Type>().iter().collect::<Vec<_>>();
    assert_eq!(numbers(0), [Some(0), Some(86_399_999_999_999), None]);
    assert_eq!(numbers(1), [Some(i64::MIN), Some(i64::MAX), None]);
    assert_eq!(
        mapping.copy_expressions(),
        [
            "TO_TIME(TO_TIMESTAMP_NTZ($1:\"c0\"::NUMBER(38,0), 9))",
            "TO_TIMESTAMP_NTZ($1:\"c1\"::NUMBER(38,0), 9)"
        ]
    );
}

#[test]
fn what_is_lost_is_lost_the_same_way_everywhere() {
    let moments: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), Some(1_999_999), None]).with_timezone("UTC"));
    let logical_type = LogicalType::TimestampUtc { scale: 6, is_wide: false };
    // Cut towards the past, on both sides of 1970.
    let rows =
        file_rows(logical_type.clone(), ColumnType::TimestampLtz { scale: 0 }, vec![Arc::clone(&moments)]);
    let cut =
        TimestampMicrosecondArray::from(vec![Some(-1_000_000), Some(1_000_000), None]).with_timezone("UTC");
    assert_eq!(rows.column(0).as_ref(), &cut);
    let rows = file_rows(logical_type, ColumnType::TimestampTz { scale: 0 }, vec![moments]);
    let texts = ["1969-12-31 23:59:59.000000000 +00:00", "1970-01-01 00:00:01.000000000 +00:00"];
    assert_eq!(texts_of(&rows), [Some(texts[0].to_owned()), Some(texts[1].to_owned()), None]);

    let floats: ArrayRef = Arc::new(Float64Array::from(vec![0.125, -0.125, 1e17]));
    let rows = file_rows(LogicalType::Float64, ColumnType::Fixed { precision: 38, scale: 2 }, vec![floats]);
    let rounded =
        Decimal128Array::from(vec![13, -13, 10_i128.pow(19)]).with_precision_and_scale(38, 2).unwrap();
    assert_eq!(rows.column(0).as_ref(), &rounded);
}

proptest! {
    #[test]
    fn text_with_an_offset_is_what_another_library_writes(
        seconds in -62_135_596_800_i64..=253_402_300_799,
        microseconds in 0..1_000_000_i64,
        minutes in -1_439..1_440_i16,
    ) {
        let instant = seconds * 1_000_000 + microseconds;
        let local = seconds + i64::from(minutes) * 60;
        prop_assume!((-62_135_596_800..253_402_300_800).contains(&local));
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(TimestampMicrosecondArray::from(vec![instant]).with_timezone("UTC")),
            Arc::new(Int16Array::from(vec![minutes])),
        ];
        let logical_type = LogicalType::TimestampOffset { scale: 6, is_wide: false };
        let rows = file_rows(logical_type, ColumnType::TimestampTz { scale: 9 }, arrays);
        let clock = jiff::Timestamp::from_second(0).unwrap();
        let clock = Offset::UTC.to_datetime(clock)
            .checked_add(jiff::SignedDuration::new(local, 0)).unwrap();
        let sign = if minutes < 0 { '-' } else { '+' };
        let expected = format!(
            "{}.{microseconds:06}000 {sign}{:02}:{:02}",
            clock.strftime("%Y-%m-%d %H:%M:%S"), minutes.abs() / 60, minutes.abs() % 60
        );
        prop_assert_eq!(texts_of(&rows), vec![Some(expected)]);
    }

    #[test]
    fn a_double_that_fits_a_number_comes_back_as_the_same_double(
        unscaled in -999_999_999_999_999_i64..=999_999_999_999_999, scale in 0..=9_u8,
    ) {
        let text = format!("{unscaled}e-{scale}");
        let value: f64 = text.parse().unwrap();
        let array: ArrayRef = Arc::new(Float64Array::from(vec![value]));
        let plan = plan(&[("c", LogicalType::Float64)], &[]);
        let mapping = Mapping::build(&plan, &[target("C", ColumnType::Fixed { precision: 38, scale })]);
        let rows = RecordBatch::try_new(plan.arrow_schema(), vec![array]).unwrap();
        prop_assert_eq!(mapping.check(&rows).unwrap(), vec![]);
        let rows = mapping.file_rows(&rows).unwrap();
        let expected = Decimal128Array::from(vec![i128::from(unscaled)])
            .with_precision_and_scale(38, i8::try_from(scale).unwrap()).unwrap();
        prop_assert_eq!(rows.column(0).as_ref(), &expected as &dyn Array);
    }
}
