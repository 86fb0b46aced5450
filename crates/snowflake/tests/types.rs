//! Every type from the emulator, which shares no code with the client, in both encodings and over several chunks.

use std::sync::Arc;

use arrow_array::types::{Float32Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeListArray,
    Float64Array, Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
    Time64MicrosecondArray, Time64NanosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Fields};
use emulator::outcome::{Column, Rows, SnowType, VectorElement};
use emulator::{CannedResult, DEFAULT_PASSWORD, DEFAULT_USER, Emulator, EmulatorConfig, ResultSizes};
use snowflake::{ConnectionConfig, Credentials, Endpoint, Session};

const SELECT: u64 = 0x1000;
const STATEMENT: &str = "SELECT * FROM EVERYTHING";
/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// A column: its type, what the emulator holds, and what the client must give.
struct Case {
    ty: SnowType,
    held: ArrayRef,
    given: Vec<ArrayRef>,
}

fn case(ty: SnowType, held: impl Array + 'static, given: Vec<ArrayRef>) -> Case {
    Case { ty, held: Arc::new(held), given }
}

/// A column whose values are the same on both sides.
fn same(ty: SnowType, values: impl Array + Clone + 'static) -> Case {
    case(ty, values.clone(), vec![Arc::new(values)])
}

fn number(precision: u8, scale: i8, values: [Option<i128>; 4]) -> Case {
    let held = Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, scale).unwrap();
    let given: ArrayRef = if precision <= 18 && scale == 0 {
        Arc::new(
            values
                .iter()
                .map(|value| value.map(|value| i64::try_from(value).unwrap()))
                .collect::<Int64Array>(),
        )
    } else {
        Arc::new(held.clone())
    };
    case(SnowType::Fixed { precision, scale }, held, vec![given])
}

/// Whole seconds, nanoseconds and, for `TIMESTAMP_TZ`, minutes; the last row is null.
fn instants(seconds: [i64; 3], nanoseconds: [i32; 3], minutes: Option<[i32; 3]>) -> StructArray {
    let column =
        |values: [i32; 3]| Arc::new(Int32Array::from_iter_values(values.into_iter().chain([0]))) as ArrayRef;
    let seconds = Arc::new(Int64Array::from_iter_values(seconds.into_iter().chain([0]))) as ArrayRef;
    let mut parts = vec![("epoch", seconds), ("fraction", column(nanoseconds))];
    parts.extend(minutes.map(|minutes| ("offset_minutes", column(minutes))));
    let fields: Fields =
        parts.iter().map(|(name, part)| Field::new(*name, part.data_type().clone(), false)).collect();
    let nulls = NullBuffer::from(vec![true, true, true, false]);
    StructArray::new(fields, parts.into_iter().map(|(_, part)| part).collect(), Some(nulls))
}

fn timestamps() -> Vec<Case> {
    let (seconds, nanoseconds) = ([-1, 0, LAST_SECOND], [999_000_000, 1_000_000, 999_000_000]);
    let micros = vec![Some(-1000), Some(1000), Some(LAST_SECOND * 1_000_000 + 999_000), None];
    let exact = ([-2, 0, 9_223_372_036], [999_999_999, 1, 854_775_807]);
    let nanos = vec![Some(-1_000_000_001), Some(1), Some(i64::MAX), None];
    let minutes = [-720, 330, 840];
    let offsets: ArrayRef = Arc::new(Int16Array::from(vec![Some(-720), Some(330), Some(840), None]));
    let zoneless = TimestampMicrosecondArray::from(micros.clone());
    let utc = Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC")) as ArrayRef;
    let utc_nanos = Arc::new(TimestampNanosecondArray::from(nanos.clone()).with_timezone("UTC")) as ArrayRef;
    vec![
        case(
            SnowType::TimestampNtz { scale: 3 },
            instants(seconds, nanoseconds, None),
            vec![Arc::new(zoneless)],
        ),
        case(
            SnowType::TimestampLtz { scale: 6 },
            instants(seconds, nanoseconds, None),
            vec![Arc::clone(&utc)],
        ),
        case(
            SnowType::TimestampTz { scale: 3 },
            instants(seconds, nanoseconds, Some(minutes)),
            vec![utc, Arc::clone(&offsets)],
        ),
        case(
            SnowType::TimestampNtz { scale: 9 },
            instants(exact.0, exact.1, None),
            vec![Arc::new(TimestampNanosecondArray::from(nanos))],
        ),
        case(
            SnowType::TimestampTz { scale: 9 },
            instants(exact.0, exact.1, Some(minutes)),
            vec![utc_nanos, offsets],
        ),
    ]
}

fn cases() -> Vec<Case> {
    let largest = 10_i128.pow(38) - 1;
    let day = 86_400_000_000_000_i64;
    let texts = |values: [Option<&str>; 4]| StringArray::from(values.to_vec());
    let json = texts([Some("null"), Some("{\"a\":[1,2]}"), Some("\"\""), None]);
    let times =
        Time64NanosecondArray::from(vec![Some(0), Some(day - 1_000_000_000), Some(1_000_000_000), None]);
    let seconds =
        Time64MicrosecondArray::from(vec![Some(0), Some(day / 1000 - 1_000_000), Some(1_000_000), None]);
    let exact = Time64NanosecondArray::from(vec![Some(0), Some(day - 1), Some(1), None]);
    let ints = [Some(vec![Some(1), Some(i32::MIN)]), Some(vec![Some(0), Some(i32::MAX)]), None, None];
    let floats = [Some(vec![Some(0.5), Some(-1.0)]), Some(vec![Some(f32::MAX), Some(0.0)]), None, None];
    let mut cases = vec![
        number(4, 0, [Some(9999), Some(-1), Some(0), None]),
        number(18, 0, [Some(999_999_999_999_999_999), Some(-1), Some(127), None]),
        number(10, 2, [Some(150), Some(-5), Some(9_999_999_999), None]),
        number(38, 0, [Some(largest), Some(-largest), Some(1), None]),
        number(38, 10, [Some(largest), Some(-1), Some(0), None]),
        same(SnowType::Real, Float64Array::from(vec![Some(f64::INFINITY), Some(-0.5), Some(1e300), None])),
        same(SnowType::Text { length: 20 }, texts([Some(""), Some("Zoë \"😀\"\n"), Some("null"), None])),
        same(
            SnowType::Binary { length: 20 },
            BinaryArray::from(vec![Some(&b""[..]), Some(&[0, 255]), Some(b"a"), None]),
        ),
        same(SnowType::Boolean, BooleanArray::from(vec![Some(true), Some(false), Some(true), None])),
        same(SnowType::Date, Date32Array::from(vec![Some(-719_162), Some(-1), Some(2_932_896), None])),
        case(SnowType::Time { scale: 0 }, times, vec![Arc::new(seconds)]),
        same(SnowType::Time { scale: 9 }, exact),
        same(SnowType::Variant, json.clone()),
        same(SnowType::Object, json),
        same(SnowType::Decfloat, texts([Some("1.5"), Some("-0.001"), Some("1e100"), None])),
        same(SnowType::IntervalYearMonth, Int64Array::from(vec![Some(-13), Some(0), Some(119_999), None])),
    ];
    let vectors: [(VectorElement, ArrayRef); 2] = [
        (VectorElement::Int, Arc::new(FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(ints, 2))),
        (
            VectorElement::Float,
            Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(floats, 2)),
        ),
    ];
    for (element, given) in vectors {
        let ty = SnowType::Vector { element, dimension: 2 };
        let held = arrow_cast::cast(&given, &ty.canonical()).unwrap();
        cases.push(Case { ty, held, given: vec![given] });
    }
    cases.extend(timestamps());
    cases
}

async fn rows(is_json_forced: bool, cases: &[Case]) -> Vec<RecordBatch> {
    let sizes =
        ResultSizes { inline_rows_max: 1, inline_bytes_max: 1, chunk_rows_max: 1, ..ResultSizes::default() };
    let emulator =
        Emulator::start(EmulatorConfig { results: sizes, ..EmulatorConfig::default() }).await.unwrap();
    let columns: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(index, case)| Column::new(format!("C{index}"), case.ty.clone()))
        .collect();
    let arrays = cases.iter().map(|case| Arc::clone(&case.held)).collect();
    let batches = vec![RecordBatch::try_new(Rows::schema(&columns), arrays).unwrap()];
    let result = CannedResult { columns, batches, statement_type_id: SELECT, is_json_forced, stats: None };
    emulator.serve_canned(STATEMENT, result);
    let config =
        ConnectionConfig::new("acme".parse().unwrap(), DEFAULT_USER, Credentials::password(DEFAULT_PASSWORD))
            .endpoint(Endpoint::parse(emulator.url()).unwrap())
            .allow_http_loopback(true);
    let session = Session::connect(config).await.unwrap();
    let result = session.query(STATEMENT).await.unwrap();
    assert!(result.chunk_count() > 1, "the result comes in several chunks");
    let batches = result.collect().await.unwrap();
    session.close().await.unwrap();
    batches
}

#[tokio::test]
async fn every_type_arrives_exactly_in_both_encodings_and_over_chunks() {
    let cases = cases();
    for is_json_forced in [false, true] {
        let batches = rows(is_json_forced, &cases).await;
        let all = arrow_select::concat::concat_batches(&batches[0].schema(), &batches).unwrap();
        assert_eq!(all.num_rows(), 4);
        let mut arrays = all.columns().iter();
        for case in &cases {
            for given in &case.given {
                let read = arrays.next().unwrap();
                let context = format!("{:?}, JSON: {is_json_forced}", case.ty);
                assert_same(read, given, &context);
            }
        }
        assert!(arrays.next().is_none());
    }
}

fn assert_same(read: &ArrayRef, given: &ArrayRef, context: &str) {
    if let DataType::FixedSizeList(_, _) = given.data_type() {
        // The name of a list's element says nothing.
        assert_eq!(format!("{read:?}"), format!("{given:?}"), "{context}");
    } else {
        assert_eq!(read, given, "{context}");
    }
}
