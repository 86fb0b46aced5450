//! Random tables of random values: what fits loads and reads back equal.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int16Array, Int64Array,
    StringArray, Time64NanosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use connectors::snowflake::fit::Verdict;
use model::LogicalType;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use snowflake::ColumnType;

use super::account::Account;
use super::cells::{Table, verdict};
use super::samples::column_types;

/// Tables that are tried.
const TABLES: u32 = 24;
const ROWS: usize = 12;

fn logical_types() -> Vec<LogicalType> {
    let is_wide = false;
    vec![
        LogicalType::Bool,
        LogicalType::Int64,
        LogicalType::Decimal { precision: 20, scale: 6 },
        LogicalType::Float64,
        LogicalType::Text,
        LogicalType::Json,
        LogicalType::Binary,
        LogicalType::Date,
        LogicalType::Time { scale: 9 },
        LogicalType::Timestamp { scale: 9, is_wide },
        LogicalType::TimestampUtc { scale: 6, is_wide },
        LogicalType::TimestampOffset { scale: 9, is_wide },
    ]
}

/// Every pair of types that is accepted.
fn pairs() -> Vec<(LogicalType, ColumnType)> {
    let column_types = column_types();
    let pairs = logical_types().into_iter().flat_map(|logical_type| {
        column_types.iter().map(move |column_type| (logical_type.clone(), *column_type)).collect::<Vec<_>>()
    });
    pairs
        .filter(|(logical_type, column_type)| verdict(logical_type, *column_type, false) != Verdict::Refused)
        .collect()
}

/// Values from random bits, of all magnitudes.
fn arrays(logical_type: &LogicalType, bits: &[Option<(u64, u8)>]) -> Vec<ArrayRef> {
    let wide = |(bits, shift): (u64, u8)| (bits as i64) >> (shift % 64);
    let values = || bits.iter().map(|bits| bits.map(wide));
    let within = |limit: i64| bits.iter().map(move |bits| bits.map(|bits| wide(bits).rem_euclid(limit)));
    let zoned = || TimestampNanosecondArray::from_iter(values());
    match logical_type {
        LogicalType::Bool => {
            vec![Arc::new(BooleanArray::from_iter(values().map(|value| value.map(|value| value % 2 == 0))))]
        }
        LogicalType::Int64 => vec![Arc::new(Int64Array::from_iter(values()))],
        LogicalType::Decimal { precision, scale } => {
            let decimals = Decimal128Array::from_iter(values().map(|value| value.map(i128::from)));
            vec![Arc::new(decimals.with_precision_and_scale(*precision, *scale).unwrap())]
        }
        LogicalType::Float64 => {
            let float = |(bits, shift): (u64, u8)| {
                if shift % 2 == 0 { f64::from_bits(bits) } else { wide((bits, shift)) as f64 / 64.0 }
            };
            vec![Arc::new(Float64Array::from_iter(bits.iter().map(|bits| bits.map(float))))]
        }
        LogicalType::Text => vec![Arc::new(StringArray::from_iter(values().map(|value| value.map(text))))],
        LogicalType::Json => vec![Arc::new(StringArray::from_iter(values().map(|value| value.map(json))))],
        LogicalType::Binary => vec![Arc::new(BinaryArray::from_iter(
            values().map(|value| value.map(|value| value.to_le_bytes()[..(value as usize % 9)].to_vec())),
        ))],
        LogicalType::Date => {
            vec![Arc::new(Date32Array::from_iter(
                within(3_652_059).map(|day| day.map(|day| day as i32 - 719_162)),
            ))]
        }
        LogicalType::Time { .. } => {
            vec![Arc::new(Time64NanosecondArray::from_iter(within(86_400_000_000_000)))]
        }
        LogicalType::Timestamp { .. } => vec![Arc::new(zoned())],
        LogicalType::TimestampUtc { .. } => {
            vec![Arc::new(TimestampMicrosecondArray::from_iter(values()).with_timezone("UTC"))]
        }
        LogicalType::TimestampOffset { .. } => {
            let minutes = within(2_880).map(|minutes| minutes.map(|minutes| minutes as i16 - 1_440));
            vec![Arc::new(zoned().with_timezone("UTC")), Arc::new(Int16Array::from_iter(minutes))]
        }
        other => unreachable!("{other} is not tried"),
    }
}

fn text(bits: i64) -> String {
    let alphabet = ['a', 'Z', ' ', '"', '\'', '\\', '\n', 'ß', '東', '\u{1F980}', '{', '0'];
    let letters = bits.to_le_bytes();
    letters.iter().take(bits.unsigned_abs() as usize % 9).map(|byte| alphabet[*byte as usize % 12]).collect()
}

fn json(bits: i64) -> String {
    let inner = serde_json::to_string(&text(bits)).unwrap();
    match bits.rem_euclid(6) {
        0 => format!("{{\"number\":{bits},\"text\":{inner}}}"),
        1 => format!("[{inner}, {bits}.{}, null]", bits.unsigned_abs()),
        2 => inner,
        3 => format!(" {bits} "),
        4 => "{}".to_owned(),
        _ => text(bits),
    }
}

/// Another seed with every run, or the one that a failed run printed, as `SNOWFERRY_SEED`.
fn seed() -> u64 {
    let given = std::env::var("SNOWFERRY_SEED").ok();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    given.map_or_else(now, |seed| seed.parse().expect("SNOWFERRY_SEED is a number"))
}

#[test]
fn rows_that_fit_read_back_equal_whatever_the_table() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let account = runtime.block_on(Account::start());
    let pairs = pairs();
    let column =
        (0..pairs.len(), prop::collection::vec(prop::option::weighted(0.9, any::<(u64, u8)>()), ROWS));
    let tables = prop::collection::vec(column, 1..8);
    let seed = seed();
    let mut seed_bytes = [0; 32];
    seed_bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes);
    let config = Config { cases: TABLES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let tried = runner.run(&tables, |columns| {
        let columns: Vec<_> = columns
            .iter()
            .map(|(pair, bits)| {
                let (logical_type, column_type) = &pairs[*pair];
                (logical_type.clone(), *column_type, arrays(logical_type, bits))
            })
            .collect();
        let table = Table::new(&columns, false);
        let sent = table.fitting();
        let read = runtime.block_on(account.round_trip(&table.targets, &table.mapping, &sent));
        let read = read.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(table.differences(&sent, &read), Vec::<String>::new());
        Ok(())
    });
    tried.unwrap_or_else(|failure| panic!("SNOWFERRY_SEED={seed}: {failure}"));
}
