//! `DECFLOAT` as decimal text in one canonical form, whichever encoding it came in.

use crate::decode::number::DecimalText;

/// Digits in front of the point up to which a number is written out. Snowflake's own precision.
const WHOLE_DIGITS_MAX: i64 = 38;
/// Zeros after the point up to which a number is written out.
const LEADING_ZEROS_MAX: i64 = 6;

/// Writes significand × 10^exponent, where the significand is given as big-endian two's complement bytes. `None` where
/// the significand has more than 16 bytes.
pub(crate) fn format_significand(significand: &[u8], exponent: i64) -> Option<String> {
    let first = significand.first().copied().unwrap_or(0);
    let extension = if first & 0x80 == 0 { 0x00 } else { 0xff };
    let mut bytes = [extension; 16];
    let start = bytes.len().checked_sub(significand.len())?;
    bytes[start..].copy_from_slice(significand);
    let value = i128::from_be_bytes(bytes);
    Some(format(value < 0, &value.unsigned_abs().to_string(), exponent))
}

/// Rewrites decimal text in the canonical form, or `None` where it is no number.
pub(crate) fn format_text(text: &str) -> Option<String> {
    let number = DecimalText::parse(text)?;
    let digits = format!("{}{}", number.whole, number.fraction);
    let exponent = i64::from(number.exponent) - i64::try_from(number.fraction.len()).ok()?;
    Some(format(number.is_negative, &digits, exponent))
}

fn format(is_negative: bool, digits: &str, exponent: i64) -> String {
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let sign = if is_negative { "-" } else { "" };
    let length = i64::try_from(significant.len()).expect("a number has few digits");
    let dropped = i64::try_from(digits.len() - significant.len()).expect("a number has few digits");
    let exponent = exponent + dropped;
    // Where the point stands, counted from the first digit.
    let point = length + exponent;
    if exponent >= 0 && point <= WHOLE_DIGITS_MAX {
        format!("{sign}{significant}{}", "0".repeat(usize::try_from(exponent).unwrap_or(0)))
    } else if exponent < 0 && point > 0 {
        let (whole, fraction) = significant.split_at(usize::try_from(point).unwrap_or(0));
        format!("{sign}{whole}.{fraction}")
    } else if exponent < 0 && -point <= LEADING_ZEROS_MAX {
        format!("{sign}0.{}{significant}", "0".repeat(usize::try_from(-point).unwrap_or(0)))
    } else {
        let (whole, fraction) = significant.split_at(1);
        let dot = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{whole}{dot}{fraction}e{}", point - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_give_one_text() {
        for (significand, exponent, text, canonical) in [
            (vec![], 0, "0", "0"),
            (vec![0x00], 5, "0e5", "0"),
            (vec![0x7b], -2, "1.23", "1.23"),
            (vec![0x7b], -2, "+1.2300", "1.23"),
            (vec![0xff], 0, "-1", "-1"),
            (vec![0xff], -3, "-0.001", "-0.001"),
            (vec![0x01], 16384, "1e16384", "1e16384"),
            (vec![0x0f], -16383, "1.5E-16382", "1.5e-16382"),
            (
                vec![0x01],
                37,
                "10000000000000000000000000000000000000",
                "10000000000000000000000000000000000000",
            ),
        ] {
            assert_eq!(format_significand(&significand, exponent).as_deref(), Some(canonical));
            assert_eq!(format_text(text).as_deref(), Some(canonical));
        }
    }

    #[test]
    fn a_significand_of_more_than_128_bits_is_refused() {
        assert_eq!(format_significand(&[1; 17], 0), None);
    }
}
