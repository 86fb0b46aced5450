//! Bytes of the real service, where the recording is at hand.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::sample::{Value, decode, value_at};
use crate::column::{Column, ColumnType};
use crate::decode::{DecodeOptions, Encoding};

/// The folder of recorded traffic, or `None` with a message where it is absent.
pub(crate) fn folder() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/recorded");
    let folder = std::env::var_os("SNOWFERRY_RECORDED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no recorded traffic; SNOWFERRY_RECORDED names its folder");
    None
}

const FIXED: ColumnType = ColumnType::Fixed { precision: 38, scale: 0 };
const MONEY: ColumnType = ColumnType::Fixed { precision: 12, scale: 3 };
const TEXT: ColumnType = ColumnType::Text { length: None };
const BINARY: ColumnType = ColumnType::Binary { length: None };
const NTZ: ColumnType = ColumnType::TimestampNtz { scale: 9 };
const SECOND: i128 = 1_000_000_000;

/// Every column with its value, the same in all rows, as another Arrow implementation reads it.
fn expected() -> Vec<(ColumnType, Value)> {
    let text = |value: &str| Value::Text(value.to_owned());
    let float = |value: f64| Value::Float(value.to_bits());
    let new_year = 1_609_459_200 * SECOND;
    vec![
        (FIXED, Value::Int(123_456)),
        (BINARY, Value::Bytes(b"HELP".to_vec())),
        (ColumnType::Boolean, Value::Bool(true)),
        (TEXT, text("a")),
        (TEXT, text("b")),
        (ColumnType::Date, Value::Days(19_556)),
        (NTZ, Value::Nanos(1_689_684_660 * SECOND)),
        (MONEY, Value::Int(984_280)),
        (MONEY, Value::Int(268_350)),
        (ColumnType::Float, float(123.456)),
        (ColumnType::Float, float(738.132)),
        (FIXED, Value::Int(6_789)),
        (FIXED, Value::Int(23_456)),
        (FIXED, Value::Int(12_583)),
        (ColumnType::Float, float(513.431)),
        (FIXED, Value::Int(10)),
        (FIXED, Value::Int(9)),
        (TEXT, text("fjisfsj")),
        (TEXT, text("wkdoajde131")),
        (ColumnType::Time { scale: 9 }, Value::Nanos(45_296 * SECOND)),
        (NTZ, Value::Nanos(new_year)),
        (ColumnType::TimestampTz { scale: 9 }, Value::Zoned(new_year, 0)),
        (ColumnType::TimestampLtz { scale: 9 }, Value::Nanos(new_year)),
        (NTZ, Value::Nanos(new_year)),
        (FIXED, Value::Int(1)),
        (BINARY, Value::Bytes(b"HELP".to_vec())),
        (TEXT, text("vxlmls!21321#@!#!")),
    ]
}

#[test]
fn every_physical_type_of_the_real_service_is_read() {
    let Some(folder) = folder() else {
        return;
    };
    let recorded = std::fs::read_to_string(folder.join("arrow_all_types.b64")).unwrap();
    let body = STANDARD.decode(recorded.split_whitespace().collect::<String>()).unwrap();
    let expected = expected();
    let columns: Vec<_> = expected
        .iter()
        .enumerate()
        .map(|(index, (ty, _))| Column::new(format!("C{}", index + 1), *ty))
        .collect();
    let decoded = decode(&columns, Encoding::Arrow, body, &DecodeOptions::default()).unwrap();
    assert_eq!(decoded.rows, 100);
    for batch in &decoded.batches {
        for row in 0..batch.num_rows() {
            let mut arrays = batch.columns();
            for (ty, value) in &expected {
                let width = if matches!(ty, ColumnType::TimestampTz { .. }) { 2 } else { 1 };
                assert_eq!(value_at(&arrays[..width], row).as_ref(), Some(value), "{ty}");
                arrays = &arrays[width..];
            }
        }
    }
}
