//! Which values fit, column by column.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int16Array, Int64Array, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use model::{LogicalType, VectorElement};
use snowflake::ColumnType;

use super::plans::{plan, target};
use crate::snowflake::fit::Mapping;

/// A column of every logical type.
pub(super) fn every_type() -> Vec<(&'static str, LogicalType)> {
    let is_wide = false;
    vec![
        ("bool", LogicalType::Bool),
        ("int64", LogicalType::Int64),
        ("decimal", LogicalType::Decimal { precision: 18, scale: 4 }),
        ("float64", LogicalType::Float64),
        ("decfloat", LogicalType::Decfloat),
        ("text", LogicalType::Text),
        ("binary", LogicalType::Binary),
        ("date", LogicalType::Date),
        ("time", LogicalType::Time { scale: 6 }),
        ("time_ns", LogicalType::Time { scale: 9 }),
        ("timestamp", LogicalType::Timestamp { scale: 6, is_wide }),
        ("timestamp_ns", LogicalType::Timestamp { scale: 9, is_wide }),
        ("utc", LogicalType::TimestampUtc { scale: 6, is_wide }),
        ("utc_ns", LogicalType::TimestampUtc { scale: 9, is_wide }),
        ("offset", LogicalType::TimestampOffset { scale: 6, is_wide }),
        ("offset_ns", LogicalType::TimestampOffset { scale: 9, is_wide }),
        ("json", LogicalType::Json),
        ("geo", LogicalType::Geo),
        ("vector_int", LogicalType::Vector { element: VectorElement::Int, dimension: 2 }),
        ("vector_float", LogicalType::Vector { element: VectorElement::Float, dimension: 2 }),
        ("months", LogicalType::IntervalMonths),
        ("nanoseconds", LogicalType::IntervalNanoseconds),
    ]
}

/// The rules that rows break, and how many values would be changed.
fn found(
    logical_type: LogicalType,
    column_type: ColumnType,
    is_lossy: bool,
    arrays: Vec<ArrayRef>,
) -> (Vec<(usize, &'static str)>, u64) {
    let lossy: &[&str] = if is_lossy { &["c"] } else { &[] };
    let plan = plan(&[("c", logical_type)], lossy);
    let mapping = Mapping::build(&plan, &[target("C", column_type)]);
    mapping.refuse_misfits().unwrap();
    let rows = RecordBatch::try_new(plan.arrow_schema(), arrays).unwrap();
    let misfits = mapping.check(&rows).unwrap();
    let changed = mapping.changed_values(&rows).unwrap();
    let changed = changed.first().map_or(0, |changed| changed.row_count);
    (misfits.into_iter().map(|misfit| (misfit.row, misfit.rule)).collect(), changed)
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn number(precision: u8, scale: u8) -> ColumnType {
    ColumnType::Fixed { precision, scale }
}

#[test]
fn whole_numbers_fit_up_to_the_columns_digits() {
    let numbers = Arc::new(Int64Array::from(vec![99, 100, -99, -100, i64::MIN]));
    let broken = |row| (row, "number_out_of_range");
    assert_eq!(
        found(LogicalType::Int64, number(4, 2), false, vec![numbers]).0,
        [broken(1), broken(3), broken(4)]
    );
    let edge = 1_i64 << 53;
    let numbers = Arc::new(Int64Array::from(vec![edge, edge + 1, -edge - 1, edge * 2, i64::MAX]));
    let broken = |row| (row, "digits_lost");
    assert_eq!(
        found(LogicalType::Int64, ColumnType::Float, false, vec![numbers]).0,
        [broken(1), broken(2), broken(4)]
    );
}

#[test]
fn a_bad_value_under_a_null_is_none() {
    let numbers = Int64Array::new(vec![1, 1_000, 1_000].into(), Some(vec![true, false, true].into()));
    let (misfits, _) = found(LogicalType::Int64, number(2, 0), false, vec![Arc::new(numbers)]);
    assert_eq!(misfits, [(2, "number_out_of_range")]);
}

#[test]
fn decimals_keep_their_digits_or_are_rounded_and_counted() {
    let decimal = LogicalType::Decimal { precision: 6, scale: 3 };
    let numbers = || {
        let numbers = Decimal128Array::from(vec![Some(1_230), Some(1_235), None, Some(99_994), Some(99_996)]);
        vec![Arc::new(numbers.with_precision_and_scale(6, 3).unwrap()) as ArrayRef]
    };
    let (misfits, changed) = found(decimal.clone(), number(4, 2), false, numbers());
    assert_eq!(misfits, [(1, "digits_lost"), (3, "digits_lost"), (4, "digits_lost")]);
    assert_eq!(changed, 0);
    // 99.996 would be rounded to 100.00, which has a digit too many.
    let (misfits, changed) = found(decimal, number(4, 2), true, numbers());
    assert_eq!(misfits, [(4, "number_out_of_range")]);
    assert_eq!(changed, 2);
}

#[test]
fn a_double_fits_where_its_decimal_comes_back_as_the_same_double() {
    let values = vec![0.1, 0.25, 1e15, 0.125, 1e16, f64::NAN, f64::INFINITY, -99.99, 0.1 + 0.2];
    let (misfits, _) =
        found(LogicalType::Float64, number(18, 2), false, vec![Arc::new(Float64Array::from(values))]);
    let expected = [
        (3, "digits_lost"),
        (4, "number_out_of_range"),
        (5, "not_a_number"),
        (6, "not_a_number"),
        (8, "digits_lost"),
    ];
    assert_eq!(misfits, expected);
    let values = vec![0.1, 0.5, 1.0, 10.0, 1e-37, 1e-38];
    let (misfits, _) =
        found(LogicalType::Float64, number(38, 37), false, vec![Arc::new(Float64Array::from(values))]);
    assert_eq!(misfits, [(3, "number_out_of_range"), (5, "digits_lost")]);
}

#[test]
fn text_is_measured_in_characters_and_searched_for_nul() {
    let values = texts(&["äöü", "äöü!", "abc", "abcd", "a\0b", ""]);
    let (misfits, _) = found(LogicalType::Text, ColumnType::Text { length: Some(3) }, false, vec![values]);
    assert_eq!(misfits, [(1, "text_too_long"), (3, "text_too_long"), (4, "nul_byte")]);
    let values = texts(&[&"x".repeat(17 * 1_024 * 1_024), &"x".repeat(16 * 1_024 * 1_024)]);
    let (misfits, _) = found(LogicalType::Text, ColumnType::Text { length: None }, false, vec![values]);
    assert_eq!(misfits, [(0, "text_too_long")]);
}

#[test]
fn json_fits_where_parse_json_takes_it_and_gives_it_back() {
    let deep = format!("{}{}", "[".repeat(101), "]".repeat(101));
    let cases = [
        ("null", ""),
        (" {\"a\": [1, -0.5, true, \"\\ud83d\\ude00\"]} ", ""),
        ("12345678901234567890123456789012345678", ""),
        ("0.1234567890123456789012345678901234567", ""),
        ("1.5e300", ""),
        ("1.234567890123456e5", "json_number_inexact"),
        ("123456789012345678901234567890123456789", "json_number_inexact"),
        ("1e400", "invalid_json"),
        ("1e308", "json_number_inexact"),
        ("", "invalid_json"),
        ("  ", "invalid_json"),
        ("NaN", "invalid_json"),
        ("[1,]", "invalid_json"),
        ("[undefined]", "invalid_json"),
        ("{} {}", "invalid_json"),
        ("'a'", "invalid_json"),
        ("01", "invalid_json"),
        ("\"\\ud800\"", "invalid_json"),
        ("\"\n\"", "invalid_json"),
        ("{\"a\":1,\"b\":{\"a\":2}}", ""),
        ("{\"a\":1,\"\\u0061\":2}", "json_duplicate_key"),
        ("{\"\":1}", "json_empty_key"),
        ("\"\\u0000\"", "nul_byte"),
        (deep.as_str(), "json_too_deep"),
    ];
    let values = texts(&cases.map(|(text, _)| text));
    let (misfits, _) = found(LogicalType::Json, ColumnType::Variant, false, vec![values]);
    let expected: Vec<_> = cases
        .iter()
        .enumerate()
        .filter(|(_, (_, rule))| !rule.is_empty())
        .map(|(row, (_, rule))| (row, *rule))
        .collect();
    assert_eq!(misfits, expected);

    let values = || vec![texts(&["{}", " [1]", "1", "null"])];
    let (misfits, _) = found(LogicalType::Text, ColumnType::Object, false, values());
    assert_eq!(misfits, [1, 2, 3].map(|row| (row, "json_not_object")));
    let (misfits, _) = found(LogicalType::Text, ColumnType::Array, false, values());
    assert_eq!(misfits, [0, 2, 3].map(|row| (row, "json_not_array")));
}

#[test]
fn text_for_a_variant_is_the_json_that_a_pull_lands_and_a_plain_word_is_a_misfit() {
    let values = texts(&["{\"a\":1}", "\"word\"", "null", "word", ""]);
    let (misfits, _) = found(LogicalType::Text, ColumnType::Variant, false, vec![values]);
    assert_eq!(misfits, [3, 4].map(|row| (row, "invalid_json")));
}

#[test]
fn an_object_with_many_keys_may_not_repeat_one() {
    let many = |last: usize| {
        let keys: Vec<String> = (0..100).chain([last]).map(|key| format!("\"{key}\":0")).collect();
        format!("{{{}}}", keys.join(","))
    };
    let (misfits, _) =
        found(LogicalType::Json, ColumnType::Variant, false, vec![texts(&[&many(100), &many(3), &many(99)])]);
    assert_eq!(misfits, [1, 2].map(|row| (row, "json_duplicate_key")));
}

#[test]
fn decimal_floats_have_38_digits_and_an_exponent() {
    let longest = "9".repeat(38);
    let longer = format!("{longest}9");
    let values = texts(&[
        "0",
        "-1.5e+16384",
        "1e16385",
        "1e-16383",
        "1e-16384",
        &longest,
        &longer,
        "",
        "1e",
        ".5",
        "inf",
        "0.000e99999",
    ]);
    let (misfits, _) = found(LogicalType::Decfloat, ColumnType::Decfloat, false, vec![values]);
    let expected = [
        (2, "number_out_of_range"),
        (4, "number_out_of_range"),
        (6, "digits_lost"),
        (7, "not_a_number"),
        (8, "not_a_number"),
        (9, "not_a_number"),
        (10, "not_a_number"),
    ];
    assert_eq!(misfits, expected);
}

#[test]
fn moments_have_four_digits_of_year_and_the_columns_digits_of_a_second() {
    let days = Arc::new(Date32Array::from(vec![-719_163, -719_162, 2_932_896, 2_932_897]));
    let (misfits, _) = found(LogicalType::Date, ColumnType::Date, false, vec![days]);
    assert_eq!(misfits, [(0, "date_out_of_range"), (3, "date_out_of_range")]);

    let times: ArrayRef = Arc::new(Time64MicrosecondArray::from(vec![0, 86_399_999_999, 86_400_000_000, 1]));
    let time = || LogicalType::Time { scale: 6 };
    let (misfits, _) = found(time(), ColumnType::Time { scale: 3 }, false, vec![Arc::clone(&times)]);
    assert_eq!(misfits, [(1, "fraction_lost"), (2, "time_out_of_range"), (3, "fraction_lost")]);
    let (misfits, changed) = found(time(), ColumnType::Time { scale: 3 }, true, vec![times]);
    assert_eq!((misfits, changed), (vec![(2, "time_out_of_range")], 2));

    let (first, last) = (-62_135_596_800_000_000, 253_402_300_799_999_999);
    let moments = Arc::new(TimestampMicrosecondArray::from(vec![first - 1, first, last, last + 1, i64::MAX]));
    let infinities = TimestampNanosecondArray::from(vec![i64::MAX, -i64::MAX, i64::MAX - 1, 1 - i64::MAX]);
    let timestamp = LogicalType::Timestamp { scale: 9, is_wide: false };
    let ntz = ColumnType::TimestampNtz { scale: 9 };
    let (misfits, _) = found(timestamp, ntz, false, vec![Arc::new(infinities)]);
    assert_eq!(misfits, [0, 1].map(|row| (row, "timestamp_out_of_range")));

    let timestamp = LogicalType::Timestamp { scale: 6, is_wide: false };
    let (misfits, _) = found(timestamp, ColumnType::TimestampNtz { scale: 9 }, false, vec![moments]);
    assert_eq!(misfits, [0, 3, 4].map(|row| (row, "timestamp_out_of_range")));
}

#[test]
fn an_offset_travels_or_its_loss_is_allowed_and_counted() {
    let with_offset = LogicalType::TimestampOffset { scale: 9, is_wide: false };
    let arrays = || -> Vec<ArrayRef> {
        let moments = TimestampNanosecondArray::from(vec![Some(-1), Some(0), Some(0), Some(0), None]);
        vec![
            Arc::new(moments.with_timezone("UTC")),
            Arc::new(Int16Array::from(vec![Some(-720), Some(840), None, Some(1_440), None])),
        ]
    };
    let tz = ColumnType::TimestampTz { scale: 9 };
    let (misfits, _) = found(with_offset, tz, false, arrays());
    assert_eq!(misfits, [(2, "offset_missing"), (3, "offset_out_of_range")]);

    // The timestamps of a lossy column are read as microseconds.
    let with_offset = LogicalType::TimestampOffset { scale: 6, is_wide: false };
    let moments = TimestampMicrosecondArray::from(vec![Some(-1), Some(0), Some(0), Some(i64::MAX), None]);
    let arrays = || -> Vec<ArrayRef> {
        let moments = moments.clone().with_timezone("UTC");
        vec![Arc::new(moments), Arc::new(Int16Array::from(vec![Some(-720), Some(0), None, Some(840), None]))]
    };
    let (misfits, changed) = found(with_offset, ColumnType::TimestampLtz { scale: 9 }, true, arrays());
    assert_eq!((misfits, changed), (vec![(3, "timestamp_out_of_range")], 2));
}

#[test]
fn shapes_fit_where_snowflake_keeps_their_coordinates() {
    let values = texts(&[
        r#"{"type":"Point","coordinates":[13.4,52.5]}"#,
        r#"{"type":"Point","coordinates":[13.4,92.5]}"#,
        r#"{"type":"Point","coordinates":[0.123456789012345,1]}"#,
        r#"{"type":"Point","coordinates":[1,2,3]}"#,
        r#"{"type":"LineString","coordinates":[[0,0],[1,1]]}"#,
        r#"{"type":"LineString","coordinates":[[0,0],[0,0]]}"#,
        r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}"#,
        "POINT(1 2)",
    ]);
    let (misfits, changed) = found(LogicalType::Geo, ColumnType::Geography, false, vec![Arc::clone(&values)]);
    let invalid = |row| (row, "invalid_geojson");
    let expected = [invalid(1), invalid(2), invalid(3), invalid(5), (6, "shape_not_verifiable"), invalid(7)];
    assert_eq!((misfits, changed), (expected.to_vec(), 0));
    let (misfits, changed) = found(LogicalType::Text, ColumnType::Geometry, true, vec![values]);
    assert_eq!((misfits.len(), changed), (4, 1));
}
