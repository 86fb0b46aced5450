//! Random values of every type: what is written in any encoding is read back exactly.

use proptest::prelude::*;

use super::sample::{Physical, Value, read_back, through_arrow, through_json};
use crate::column::{ColumnType, VectorElement};
use crate::decode::DecodeOptions;

/// Rows of one random column.
const ROWS: std::ops::Range<usize> = 0..40;
/// Seconds from year 1 to year 9999.
const SECONDS: std::ops::Range<i128> = -62_135_596_800..253_402_300_800;
const BILLION: i128 = 1_000_000_000;

fn column() -> impl Strategy<Value = (ColumnType, Vec<Option<Value>>)> {
    let ty = prop_oneof![
        (1..=38_u8)
            .prop_flat_map(|precision| (Just(precision), 0..=precision))
            .prop_map(|(precision, scale)| { ColumnType::Fixed { precision, scale } }),
        Just(ColumnType::Float),
        Just(ColumnType::Text { length: None }),
        Just(ColumnType::Variant),
        Just(ColumnType::Binary { length: None }),
        Just(ColumnType::Boolean),
        Just(ColumnType::Date),
        (0..=9_u8).prop_map(|scale| ColumnType::Time { scale }),
        (0..=9_u8).prop_map(|scale| ColumnType::TimestampNtz { scale }),
        (0..=9_u8).prop_map(|scale| ColumnType::TimestampLtz { scale }),
        (0..=9_u8).prop_map(|scale| ColumnType::TimestampTz { scale }),
        Just(ColumnType::Vector { element: VectorElement::Int, dimension: 3 }),
        Just(ColumnType::Vector { element: VectorElement::Float, dimension: 3 }),
        Just(ColumnType::IntervalYearMonth),
        Just(ColumnType::IntervalDayTime),
    ];
    ty.prop_flat_map(|ty| (Just(ty), prop::collection::vec(prop::option::weighted(0.8, value(ty)), ROWS)))
}

fn value(ty: ColumnType) -> BoxedStrategy<Value> {
    match ty {
        ColumnType::Fixed { precision, .. } => {
            let limit = 10_i128.pow(u32::from(precision)) - 1;
            prop_oneof![-limit..=limit, (-128..=127_i128).prop_map(move |value| value.clamp(-limit, limit))]
                .prop_map(Value::Int)
                .boxed()
        }
        ColumnType::Float => {
            let normal = any::<f64>().prop_filter("one NaN is enough", |value| !value.is_nan());
            let special = prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]);
            prop_oneof![normal, special].prop_map(|value| Value::Float(value.to_bits())).boxed()
        }
        ColumnType::Binary { .. } => prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes).boxed(),
        ColumnType::Boolean => any::<bool>().prop_map(Value::Bool).boxed(),
        ColumnType::Date => any::<i32>().prop_map(Value::Days).boxed(),
        ColumnType::Time { scale } => nanos(0..86_400, scale).prop_map(Value::Nanos).boxed(),
        ColumnType::TimestampNtz { scale } | ColumnType::TimestampLtz { scale } => {
            nanos(reach(scale), scale).prop_map(Value::Nanos).boxed()
        }
        ColumnType::TimestampTz { scale } => (nanos(reach(scale), scale), -840..=840_i16)
            .prop_map(|(nanos, offset)| Value::Zoned(nanos, offset))
            .boxed(),
        ColumnType::Vector { element: VectorElement::Int, .. } => {
            prop::collection::vec(any::<i32>(), 3).prop_map(Value::Ints).boxed()
        }
        ColumnType::Vector { element: VectorElement::Float, .. } => {
            let normal = any::<f32>().prop_filter("a vector holds numbers", |value| value.is_finite());
            prop::collection::vec(normal, 3).prop_map(Value::Floats).boxed()
        }
        ColumnType::IntervalYearMonth | ColumnType::IntervalDayTime => {
            any::<i64>().prop_map(|value| Value::Int(value.into())).boxed()
        }
        _ => any::<String>().prop_map(Value::Text).boxed(),
    }
}

/// Seconds that the default resolution of `scale` reaches.
fn reach(scale: u8) -> std::ops::Range<i128> {
    if scale > 6 { -9_223_372_036..9_223_372_036 } else { SECONDS }
}

/// Nanoseconds with no more digits than `scale`.
fn nanos(seconds: std::ops::Range<i128>, scale: u8) -> impl Strategy<Value = i128> {
    let step = 10_i128.pow(9 - u32::from(scale));
    (seconds, 0..BILLION).prop_map(move |(seconds, fraction)| seconds * BILLION + fraction / step * step)
}

proptest! {
    #[test]
    fn every_encoding_gives_back_what_was_written((ty, values) in column()) {
        let options = DecodeOptions::default();
        let from_json = through_json(ty, &values, &options).unwrap();
        prop_assert_eq!(&read_back(&from_json), &values);
        for physical in Physical::all(ty) {
            if let Some(decoded) = through_arrow(ty, &values, *physical, &options) {
                let decoded = decoded.unwrap();
                prop_assert_eq!(&read_back(&decoded), &values, "{:?}", physical);
                if let (Some(arrow), Some(json)) = (decoded.batches.first(), from_json.batches.first()) {
                    prop_assert_eq!(arrow.schema(), json.schema());
                }
            }
        }
    }

    #[test]
    fn decimal_floats_read_alike_from_both_encodings(numbers in prop::collection::vec((any::<i128>(), -16383..=16384_i16), 1..20)) {
        let values: Vec<_> = numbers.into_iter().map(|(digits, exponent)| Some(Value::Decimal(digits, exponent))).collect();
        let options = DecodeOptions::default();
        let from_json = through_json(ColumnType::Decfloat, &values, &options).unwrap();
        let from_arrow = through_arrow(ColumnType::Decfloat, &values, Physical::Plain, &options).unwrap().unwrap();
        prop_assert_eq!(read_back(&from_json), read_back(&from_arrow));
    }

    #[test]
    fn bytes_that_are_no_rows_are_an_error_and_never_a_panic(body in prop::collection::vec(any::<u8>(), 1..200)) {
        use super::sample::decode;
        use crate::column::Column;
        use crate::decode::Encoding;
        let columns = [Column::new("C", ColumnType::Boolean)];
        let decoded = decode(&columns, Encoding::Arrow, body.clone(), &DecodeOptions::default());
        prop_assert!(decoded.map_or(true, |decoded| decoded.rows == 0));
        let _ = decode(&columns, Encoding::Json, body, &DecodeOptions::default());
    }
}
