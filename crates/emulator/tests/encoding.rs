//! Every type's extremes in the exact encodings of the wire.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int16Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, FixedSizeListArray, Int64Array, RecordBatch};
use arrow_schema::DataType;
use emulator::RunningEmulator;
use emulator::outcome::{Column, Rows, SnowType, VectorElement};
use serde_json::{Value, json};

use crate::client::{Client, inline_batches, start};
use crate::rows;

/// The last second of year 9999, and the first of year 1.
const YEAR_9999: i64 = 253_402_300_799;
const YEAR_0001: i64 = -62_135_596_800;

struct Both {
    arrow: RecordBatch,
    cells: Vec<Value>,
    rowtype: Value,
}

/// One column as both formats show it.
async fn both(emulator: &RunningEmulator, ty: SnowType, array: ArrayRef) -> Both {
    let (columns, batches) = rows::one_column(ty, array);
    emulator.serve_result("select *", columns, batches);
    let reply = Client::logged_in(emulator).await.query("select *").await.succeeded();
    let arrow = inline_batches(&reply).remove(0);
    let rowtype = reply.data()["rowtype"][0].clone();
    let reply =
        Client::logged_in_as(emulator, "JavaScript", json!({})).await.query("select *").await.succeeded();
    let cells = reply.data()["rowset"].as_array().unwrap().iter().map(|row| row[0].clone()).collect();
    Both { arrow, cells, rowtype }
}

fn metadata<'a>(batch: &'a RecordBatch, key: &str) -> &'a str {
    batch.schema_ref().field(0).metadata()[key].as_str()
}

#[tokio::test]
async fn numbers_are_unscaled_integers_of_the_least_width() {
    let emulator = start().await;
    let cases: [(i128, DataType, &str); 5] = [
        (127, DataType::Int8, "1"),
        (-32_768, DataType::Int16, "2"),
        (i128::from(i32::MAX), DataType::Int32, "4"),
        (i128::from(i64::MIN), DataType::Int64, "8"),
        (i128::from(i64::MAX) + 1, DataType::Decimal128(38, 2), "16"),
    ];
    for (value, ty, width) in cases {
        let array = rows::decimals([Some(value), None], 38, 2);
        let both = both(&emulator, SnowType::Fixed { precision: 38, scale: 2 }, array).await;
        assert_eq!(*both.arrow.column(0).data_type(), ty, "{value}");
        assert_eq!(metadata(&both.arrow, "logicalType"), "FIXED");
        assert_eq!((metadata(&both.arrow, "precision"), metadata(&both.arrow, "scale")), ("38", "2"));
        assert_eq!(metadata(&both.arrow, "byteLength"), width);
        assert!(both.arrow.column(0).is_null(1));
        assert_eq!(both.cells[1], Value::Null);
    }
}

#[tokio::test]
async fn a_number_in_json_has_all_digits_of_its_scale() {
    let emulator = start().await;
    let nines = 10i128.pow(38) - 1;
    let array = rows::decimals([Some(12345), Some(-5), Some(0), Some(-nines)], 38, 2);
    let both = both(&emulator, SnowType::Fixed { precision: 38, scale: 2 }, array).await;
    let expected = ["123.45", "-0.05", "0.00", "-999999999999999999999999999999999999.99"];
    assert_eq!(both.cells, expected);
}

#[tokio::test]
async fn reals_keep_infinities() {
    let emulator = start().await;
    let values = [Some(1.5), Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(1e20), None];
    let both = both(&emulator, SnowType::Real, rows::reals(&values)).await;
    assert_eq!(both.cells, [json!("1.5"), json!("inf"), json!("-inf"), json!("1e+20"), Value::Null]);
    assert_eq!(metadata(&both.arrow, "logicalType"), "REAL");
    assert_eq!(both.arrow.column(0).as_ref(), rows::reals(&values).as_ref());
}

#[tokio::test]
async fn texts_bytes_booleans_and_dates_go_as_they_are() {
    let emulator = start().await;
    let text = rows::texts(&[Some("a\"\\\n😀"), Some(""), None]);
    let all = both(&emulator, SnowType::Text { length: 5 }, Arc::clone(&text)).await;
    assert_eq!(all.cells, [json!("a\"\\\n😀"), json!(""), Value::Null]);
    assert_eq!((metadata(&all.arrow, "charLength"), metadata(&all.arrow, "byteLength")), ("5", "20"));
    assert_eq!((&all.rowtype["length"], &all.rowtype["byteLength"]), (&json!(5), &json!(20)));

    let bytes = rows::binaries(&[Some(b"\x00\xff"), Some(b""), None]);
    let all = both(&emulator, SnowType::Binary { length: 8_388_608 }, bytes).await;
    assert_eq!(all.cells, [json!("00FF"), json!(""), Value::Null]);

    let all = both(&emulator, SnowType::Boolean, rows::booleans(&[Some(true), Some(false), None])).await;
    assert_eq!(all.cells, [json!("1"), json!("0"), Value::Null]);

    let all = both(&emulator, SnowType::Date, rows::dates(&[Some(-719_162), Some(2_932_896), None])).await;
    assert_eq!(all.cells, [json!("-719162"), json!("2932896"), Value::Null]);
}

#[tokio::test]
async fn times_of_day_are_integers_of_their_scale() {
    let emulator = start().await;
    let last = 86_399_999_999_999i64;
    let narrow = both(&emulator, SnowType::Time { scale: 3 }, rows::times(&[Some(last), None])).await;
    assert_eq!(narrow.arrow.column(0).as_primitive::<Int32Type>().value(0), 86_399_999);
    assert_eq!(narrow.cells, [json!("86399.999"), Value::Null]);
    let wide = both(&emulator, SnowType::Time { scale: 9 }, rows::times(&[Some(last)])).await;
    assert_eq!(wide.arrow.column(0).as_primitive::<Int64Type>().value(0), last);
    assert_eq!(wide.cells, ["86399.999999999"]);
}

#[tokio::test]
async fn timestamps_are_one_integer_up_to_scale_seven_and_a_structure_beyond() {
    let emulator = start().await;
    let values = [Some((YEAR_9999, 999_999_999)), Some((YEAR_0001, 0)), Some((-2, 500_000_000)), None];
    let seven = both(&emulator, SnowType::TimestampNtz { scale: 7 }, rows::instants(&values)).await;
    let integers = seven.arrow.column(0).as_primitive::<Int64Type>();
    assert_eq!(integers.value(0), YEAR_9999 * 10_000_000 + 9_999_999);
    assert_eq!(integers.value(2), -15_000_000);
    assert!(integers.is_null(3));
    let nine = both(&emulator, SnowType::TimestampLtz { scale: 9 }, rows::instants(&values)).await;
    let parts = nine.arrow.column(0).as_struct();
    assert_eq!(parts.column_by_name("epoch").unwrap().as_primitive::<Int64Type>().value(2), -2);
    assert_eq!(parts.column_by_name("fraction").unwrap().as_primitive::<Int32Type>().value(2), 500_000_000);
    assert!(parts.is_null(3), "a null timestamp is a null structure");
    let expected = ["253402300799.999999999", "-62135596800.000000000", "-1.500000000"];
    assert_eq!(nine.cells[..3], expected);
    assert_eq!(nine.cells[3], Value::Null);
    assert_eq!(metadata(&nine.arrow, "logicalType"), "TIMESTAMP_LTZ");
}

#[tokio::test]
async fn zoned_timestamps_have_two_fields_up_to_scale_three_and_three_beyond() {
    let emulator = start().await;
    let values = [Some((1_700_000_000, 123_456_789, 330)), Some((-1, 0, -480)), None];
    let three = both(&emulator, SnowType::TimestampTz { scale: 3 }, rows::zoned_instants(&values)).await;
    let parts = three.arrow.column(0).as_struct();
    assert_eq!(parts.column_names(), ["epoch", "timezone"]);
    assert_eq!(metadata(&three.arrow, "byteLength"), "8");
    assert_eq!(parts.column(0).as_primitive::<Int64Type>().value(0), 1_700_000_000_123);
    assert_eq!(parts.column(1).as_primitive::<Int32Type>().value(0), 1770);
    let nine = both(&emulator, SnowType::TimestampTz { scale: 9 }, rows::zoned_instants(&values)).await;
    let parts = nine.arrow.column(0).as_struct();
    assert_eq!(parts.column_names(), ["epoch", "fraction", "timezone"]);
    assert_eq!(metadata(&nine.arrow, "byteLength"), "16");
    assert_eq!(parts.column(2).as_primitive::<Int32Type>().value(1), 960);
    assert_eq!(nine.cells[..2], ["1700000000.123456789 1770", "-1.000000000 960"]);
    assert!(parts.is_null(2));
}

#[tokio::test]
async fn a_decfloat_is_a_structure_for_clients_that_know_it_and_text_for_others() {
    let emulator = start().await;
    let (columns, batches) =
        rows::one_column(SnowType::Decfloat, rows::texts(&[Some("-1.25e10"), Some("0"), None]));
    emulator.serve_result("select *", columns, batches);
    let reply = Client::logged_in(&emulator).await.query("select *").await.succeeded();
    let batch = inline_batches(&reply).remove(0);
    let parts = batch.column(0).as_struct();
    assert_eq!(parts.column(0).as_primitive::<Int16Type>().value(0), 8);
    assert_eq!(parts.column(1).as_binary::<i32>().value(0), [0x83]);
    assert!(parts.column(1).as_binary::<i32>().value(1).is_empty());
    assert!(parts.is_null(2));
    let unknown = json!({ "GO_QUERY_RESULT_FORMAT": "ARROW" });
    let reply = Client::logged_in_as(&emulator, "Unknown", unknown).await.query("select *").await.succeeded();
    assert_eq!(reply.data()["rowtype"][0]["type"], "text");
    assert_eq!(*inline_batches(&reply)[0].column(0).data_type(), DataType::Utf8);
}

#[tokio::test]
async fn a_vector_is_a_list_of_fixed_size() {
    let emulator = start().await;
    let ty = SnowType::Vector { element: VectorElement::Float, dimension: 2 };
    let values = [Some(vec![Some(1.5f32), Some(-2.0)]), None];
    let list = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(values, 2);
    let DataType::FixedSizeList(field, _) = ty.canonical() else { panic!("a vector is a list") };
    let list = FixedSizeListArray::new(field, 2, Arc::clone(list.values()), list.nulls().cloned());
    let both = both(&emulator, ty, Arc::new(list)).await;
    assert_eq!(both.cells, [json!("[1.5,-2]"), Value::Null]);
    assert_eq!(both.rowtype["vectorDimension"], 2);
    assert_eq!(both.rowtype["fields"][0]["type"], "real");
    assert_eq!(both.arrow.column(0).as_fixed_size_list().value_length(), 2);
}

#[tokio::test]
async fn intervals_are_months_or_nanoseconds() {
    let emulator = start().await;
    let months: ArrayRef = Arc::new(Int64Array::from(vec![Some(-13), None]));
    let all = both(&emulator, SnowType::IntervalYearMonth, months).await;
    assert_eq!(all.cells, [json!("-13"), Value::Null]);
    let day = 86_400_000_000_000i128;
    let all = both(&emulator, SnowType::IntervalDayTime, rows::integers([Some(day)])).await;
    assert_eq!(*all.arrow.column(0).data_type(), DataType::Int64);
    let all = both(&emulator, SnowType::IntervalDayTime, rows::integers([Some(day * 1_000_000)])).await;
    assert_eq!(*all.arrow.column(0).data_type(), DataType::Decimal128(38, 0));
    assert_eq!(all.cells, ["86400000000000000000"]);
}

#[tokio::test]
async fn semi_structured_values_tell_null_from_json_null() {
    let emulator = start().await;
    let all =
        both(&emulator, SnowType::Variant, rows::texts(&[Some("null"), Some("{\n  \"a\": 1\n}"), None]))
            .await;
    assert_eq!(all.cells, [json!("null"), json!("{\n  \"a\": 1\n}"), Value::Null]);
    assert_eq!(metadata(&all.arrow, "logicalType"), "VARIANT");
    let all = both(&emulator, SnowType::Geography, rows::texts(&[None])).await;
    assert_eq!((&all.rowtype["type"], &all.rowtype["extTypeName"]), (&json!("object"), &json!("GEOGRAPHY")));
}

#[tokio::test]
async fn a_result_without_rows_is_an_empty_text_or_an_empty_list() {
    let emulator = start().await;
    emulator.serve_result("select *", vec![Column::new("C", SnowType::Real)], Vec::new());
    let reply = Client::logged_in(&emulator).await.query("select *").await.succeeded();
    assert_eq!((&reply.data()["rowsetBase64"], &reply.data()["total"]), (&json!(""), &json!(0)));
    let reply = Client::logged_in_as(&emulator, "JavaScript", json!({})).await.query("select *").await;
    assert_eq!(reply.data()["rowset"], json!([]));
}

#[tokio::test]
async fn rows_that_are_not_canonical_are_an_error_not_a_wrong_value() {
    let emulator = start().await;
    let columns = vec![Column::new("C", SnowType::Real)];
    let other = vec![Column::new("C", SnowType::Boolean)];
    let batch = RecordBatch::try_new(Rows::schema(&other), vec![rows::booleans(&[Some(true)])]).unwrap();
    emulator.serve_result("select *", columns, vec![batch]);
    assert_eq!(Client::logged_in(&emulator).await.query("select *").await.code(), "000603");
    let json = Client::logged_in_as(&emulator, "JavaScript", json!({})).await;
    assert_eq!(json.query("select *").await.code(), "000603");
}
