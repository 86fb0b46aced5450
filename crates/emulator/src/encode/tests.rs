//! What each type looks like on the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::{ArrayRef, Decimal128Array, RecordBatch};
use arrow_buffer::{Buffer, ToByteSlice};

use super::arrow::{big_endian, decfloat_parts};
use super::json::{push_real, push_seconds};
use super::{Format, Layout, encode};
use crate::outcome::{Column, Rows, SnowType};

fn real(value: f64) -> String {
    let mut cell = String::new();
    push_real(value, &mut cell);
    cell
}

fn seconds(nanoseconds: i128, scale: u8) -> String {
    let mut cell = String::new();
    push_seconds(nanoseconds, scale, &mut cell);
    cell
}

#[test]
fn a_real_is_plain_near_one_and_has_an_exponent_far_from_it() {
    assert_eq!(real(259.12), "259.12");
    assert_eq!(real(5.0), "5");
    assert_eq!(real(1e20), "1e+20");
    assert_eq!(real(-2.5e-7), "-2.5e-07");
    assert_eq!(real(f64::INFINITY), "inf");
    assert_eq!(real(f64::NEG_INFINITY), "-inf");
    assert_eq!(real(f64::NAN), "NaN");
}

#[test]
fn seconds_before_1970_are_one_signed_number() {
    assert_eq!(seconds(1_580_645_594_500_000_000, 9), "1580645594.500000000");
    assert_eq!(seconds(-1_500_000_000, 9), "-1.500000000");
    assert_eq!(seconds(-500_000_000, 3), "-0.500");
    assert_eq!(seconds(7_000_000_000, 0), "7");
}

#[test]
fn a_decfloat_is_a_significand_and_an_exponent() {
    assert_eq!(decfloat_parts("123.45"), Some((12345, -2)));
    assert_eq!(decfloat_parts("-1.5e10"), Some((-15, 9)));
    assert_eq!(decfloat_parts("0"), Some((0, 0)));
    assert_eq!(decfloat_parts("ten"), None);
}

#[test]
fn a_significand_has_no_superfluous_bytes() {
    assert_eq!(big_endian(0), Vec::<u8>::new());
    assert_eq!(big_endian(1), [1]);
    assert_eq!(big_endian(127), [0x7f]);
    assert_eq!(big_endian(128), [0, 0x80]);
    assert_eq!(big_endian(-1), [0xff]);
    assert_eq!(big_endian(-128), [0x80]);
    assert_eq!(big_endian(-129), [0xff, 0x7f]);
}

/// Numbers that know when the last use of them is over.
struct Counted {
    numbers: Vec<i128>,
    alive: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        self.numbers.to_byte_slice()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The most batches of 64, each of 2 MiB, that were alive at once while they were encoded.
fn batches_alive_max(format: Format) -> usize {
    const ROWS: i128 = 131_072;
    let columns = vec![Column::new("C", SnowType::Fixed { precision: 38, scale: 0 })];
    let schema = Rows::schema(&columns);
    let (alive, alive_max) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&alive_max);
    let batches = (0..64).map(move |_| {
        seen.fetch_max(alive.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        let counted = Counted { numbers: (0..ROWS).collect(), alive: Arc::clone(&alive) };
        let buffer = Buffer::from(bytes::Bytes::from_owner(counted));
        let numbers = Decimal128Array::new(buffer.into(), None).with_precision_and_scale(38, 0).unwrap();
        Ok(RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(numbers) as ArrayRef]).unwrap())
    });
    let layout = Layout {
        format,
        inline_rows_max: 10,
        inline_bytes_max: 1 << 20,
        chunk_rows_max: usize::MAX,
        chunk_bytes_max: 4 << 20,
        knows_decfloat: true,
    };
    let encoded = encode(Rows { columns, batches: Box::new(batches) }, &layout, || Ok(())).unwrap();
    assert_eq!(encoded.total, 64 * 131_072);
    assert!(encoded.canonical.is_none());
    alive_max.load(Ordering::Relaxed)
}

#[test]
fn a_large_result_is_never_held_uncompressed() {
    for format in [Format::Arrow, Format::Json] {
        let alive_max = batches_alive_max(format);
        assert!(alive_max <= 8, "{alive_max} batches of 64 were alive at once");
    }
}
