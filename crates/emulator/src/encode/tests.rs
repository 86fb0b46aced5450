//! What each type looks like on the wire.

use super::arrow::{big_endian, decfloat_parts};
use super::json::{push_real, push_seconds};

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
