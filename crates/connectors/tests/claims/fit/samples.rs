//! Every type of ours with values at and beyond the edges of what any column takes, and every type of column.

use std::sync::Arc;

use arrow_array::types::{Float32Type, Int32Type};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeListArray, Float64Array,
    Int16Array, Int64Array, StringArray, Time64MicrosecondArray, Time64NanosecondArray,
    TimestampMicrosecondArray, TimestampNanosecondArray,
};
use model::{LogicalType, VectorElement};
use snowflake::ColumnType;

/// A column of each type and of each of the sizes that matter to the samples.
pub(super) fn column_types() -> Vec<ColumnType> {
    let number = |precision, scale| ColumnType::Fixed { precision, scale };
    let mut types = vec![
        number(38, 0),
        number(9, 0),
        number(10, 2),
        number(38, 10),
        number(38, 37),
        ColumnType::Float,
        ColumnType::Decfloat,
        ColumnType::Text { length: Some(16_777_216) },
        ColumnType::Text { length: Some(3) },
        ColumnType::Binary { length: Some(8_388_608) },
        ColumnType::Binary { length: Some(3) },
        ColumnType::Boolean,
        ColumnType::Date,
        ColumnType::Variant,
        ColumnType::Object,
        ColumnType::Array,
        ColumnType::Geography,
        ColumnType::Geometry,
        ColumnType::Vector { element: snowflake::VectorElement::Float, dimension: 2 },
    ];
    for scale in [0, 3, 6, 9] {
        types.extend([
            ColumnType::Time { scale },
            ColumnType::TimestampNtz { scale },
            ColumnType::TimestampLtz { scale },
            ColumnType::TimestampTz { scale },
        ]);
    }
    types
}

/// Each of our types with its samples; those with an offset have a second array.
pub(super) fn samples() -> Vec<(LogicalType, Vec<ArrayRef>)> {
    [numbers(), texts(), moments(), vectors()].concat()
}

fn numbers() -> Vec<(LogicalType, Vec<ArrayRef>)> {
    let edge = 1_i64 << 53;
    let whole: ArrayRef = Arc::new(Int64Array::from(vec![
        Some(0),
        Some(-1),
        Some(99_999_999),
        Some(100_000_000),
        Some(999_999_999),
        Some(-1_000_000_000),
        Some(edge),
        Some(edge + 1),
        Some(i64::MAX),
        Some(i64::MIN),
        None,
    ]));
    let floats = vec![
        0.0,
        -0.5,
        0.1,
        0.125,
        -99_999_999.99,
        100_000_000.0,
        1e15,
        1e16,
        9_007_199_254_740_993.0,
        1_152_921_504_606_846_976.0,
        1e23,
        f64::MAX,
        5e-324,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let decimals = |precision, scale, values: &[i128]| -> (LogicalType, Vec<ArrayRef>) {
        let values: Decimal128Array = values.iter().copied().map(Some).chain([None]).collect();
        let values = values.with_precision_and_scale(precision, scale).unwrap();
        (LogicalType::Decimal { precision, scale }, vec![Arc::new(values)])
    };
    let largest = 10_i128.pow(38) - 1;
    // Fifteen digits come back from every double, and these eighteen from none.
    let (fifteen, eighteen) = (10_i128.pow(15) - 1, 10_i128.pow(17) + 1);
    vec![
        (LogicalType::Bool, vec![Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))]),
        (LogicalType::Int64, vec![Arc::clone(&whole)]),
        (LogicalType::IntervalMonths, vec![whole]),
        decimals(
            18,
            4,
            &[0, 1, -1, 1_234_500, 999_999_999_900, 1_000_000_000_000, 123_456_789, fifteen, eighteen],
        ),
        decimals(38, 10, &[0, largest, -largest, 10_i128.pow(20), -15, 10_i128.pow(30)]),
        decimals(38, 0, &[largest, -largest, 10_i128.pow(28) - 1, 10_i128.pow(28), 9, 10]),
        (LogicalType::Float64, vec![Arc::new(Float64Array::from(floats))]),
    ]
}

fn texts() -> Vec<(LogicalType, Vec<ArrayRef>)> {
    let longest = "9".repeat(38);
    let too_long = "9".repeat(39);
    let deep = format!("{}{}", "[".repeat(101), "]".repeat(101));
    let values: Vec<&str> = vec![
        "",
        " ",
        "abc",
        "abcd",
        "äöü",
        "😀😀😀",
        "\\\"'\n\t,",
        "\\N",
        "C:\\",
        "null",
        "NULL",
        "a\0b",
        "{}",
        "[]",
        "{\"b\": [1, 2.50, true, null, \"\\ud83d\\ude00 \\n\"], \"a\": {\"a\": {}}}",
        "\"text\"",
        "0",
        "-1.50",
        "1e300",
        "12345678901234567890.123456789",
        &longest,
        &too_long,
        "1.2345678901234567e5",
        "1e400",
        "-9.99e+16384",
        "1e-16383",
        "1e16385",
        "[1,]",
        "NaN",
        "{\"a\":1,\"a\":2}",
        "{\"\":1}",
        "\"\\u0000\"",
        &deep,
        "{\"type\":\"Point\",\"coordinates\":[13.4,52.5]}",
        "{\"type\":\"Point\",\"coordinates\":[13.4,92.5]}",
        "{\"type\":\"LineString\",\"coordinates\":[[0,0],[1.25,-1]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,0]]]}",
        "POINT(1",
    ];
    let array: ArrayRef = Arc::new(values.iter().copied().map(Some).chain([None]).collect::<StringArray>());
    let bytes: Vec<Option<&[u8]>> = vec![Some(b""), Some(b"\0\xff\n"), Some(b"abcd"), None];
    let mut samples: Vec<(LogicalType, Vec<ArrayRef>)> =
        [LogicalType::Text, LogicalType::Decfloat, LogicalType::Json, LogicalType::Geo]
            .map(|logical_type| (logical_type, vec![Arc::clone(&array)]))
            .into();
    samples.push((LogicalType::Binary, vec![Arc::new(BinaryArray::from(bytes))]));
    samples
}

fn moments() -> Vec<(LogicalType, Vec<ArrayRef>)> {
    let is_wide = false;
    let (first, last) = (-62_135_596_800_000_000, 253_402_300_799_999_999);
    let days =
        vec![Some(-719_163), Some(-719_162), Some(-1), Some(0), Some(2_932_896), Some(2_932_897), None];
    let micros = || {
        TimestampMicrosecondArray::from(vec![
            Some(first - 1),
            Some(first),
            Some(-1),
            Some(-1_000_000),
            Some(1_700_000_000_123_000),
            Some(1_700_000_000_123_456),
            Some(last),
            Some(last + 1),
            Some(i64::MAX),
            None,
        ])
    };
    let nanos = || {
        TimestampNanosecondArray::from(vec![
            Some(1 - i64::MAX),
            Some(-1),
            Some(-1_000_000_000),
            Some(1_700_000_000_123_000_000),
            Some(1_700_000_000_123_456_000),
            Some(1_700_000_000_123_456_789),
            Some(i64::MAX - 1),
            Some(0),
            Some(i64::MAX),
            None,
        ])
    };
    let offsets: ArrayRef = Arc::new(Int16Array::from(vec![
        Some(0),
        Some(0),
        Some(-720),
        Some(330),
        Some(840),
        Some(-1),
        Some(-60),
        Some(1_440),
        Some(0),
        None,
    ]));
    let times =
        vec![Some(0), Some(1_000_000), Some(1_001_000), Some(86_399_999_999), Some(86_400_000_000), None];
    let nano_times = vec![
        Some(0),
        Some(1_000_000_000),
        Some(1_000_001_000),
        Some(86_399_999_999_999),
        Some(86_400_000_000_000),
    ];
    vec![
        (LogicalType::Date, vec![Arc::new(Date32Array::from(days))]),
        (LogicalType::Time { scale: 6 }, vec![Arc::new(Time64MicrosecondArray::from(times))]),
        (LogicalType::Time { scale: 9 }, vec![Arc::new(Time64NanosecondArray::from(nano_times))]),
        (LogicalType::Timestamp { scale: 6, is_wide }, vec![Arc::new(micros())]),
        (LogicalType::Timestamp { scale: 9, is_wide }, vec![Arc::new(nanos())]),
        (LogicalType::TimestampUtc { scale: 6, is_wide }, vec![Arc::new(micros().with_timezone("UTC"))]),
        (LogicalType::TimestampUtc { scale: 9, is_wide }, vec![Arc::new(nanos().with_timezone("UTC"))]),
        (
            LogicalType::TimestampOffset { scale: 6, is_wide },
            vec![Arc::new(micros().with_timezone("UTC")), Arc::clone(&offsets)],
        ),
        (
            LogicalType::TimestampOffset { scale: 9, is_wide },
            vec![Arc::new(nanos().with_timezone("UTC")), offsets],
        ),
    ]
}

fn vectors() -> Vec<(LogicalType, Vec<ArrayRef>)> {
    let whole = vec![Some(vec![Some(i32::MIN), Some(i32::MAX)]), None, Some(vec![Some(0), Some(-1)])];
    let floats = vec![
        Some(vec![Some(1.5), Some(-0.1)]),
        Some(vec![Some(f32::MAX), Some(f32::MIN_POSITIVE)]),
        Some(vec![Some(f32::NAN), Some(0.0)]),
        Some(vec![Some(0.0), Some(f32::INFINITY)]),
        None,
    ];
    let element = |element| LogicalType::Vector { element, dimension: 2 };
    vec![
        (
            element(VectorElement::Int),
            vec![vector_array(
                FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(whole, 2),
                &element(VectorElement::Int),
            )],
        ),
        (
            element(VectorElement::Float),
            vec![vector_array(
                FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(floats, 2),
                &element(VectorElement::Float),
            )],
        ),
    ]
}

/// The same vectors with the element's name that a plan gives it.
fn vector_array(vectors: FixedSizeListArray, logical_type: &LogicalType) -> ArrayRef {
    arrow_cast::cast(&vectors, &logical_type.arrow_type()).unwrap()
}
