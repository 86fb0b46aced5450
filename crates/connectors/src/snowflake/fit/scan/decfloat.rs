//! Decimal floating point numbers as text.

use crate::snowflake::fit::Rule;

/// The most digits of a `DECFLOAT`.
const DIGITS_MAX: usize = 38;
/// The exponents of a `DECFLOAT`, of its first digit.
const EXPONENTS: std::ops::RangeInclusive<i64> = -16_383..=16_384;

/// Checks one number.
pub(super) fn check(text: &str) -> Result<(), Rule> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return Err(Rule::NotANumber);
    }
    let exponent_digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if exponent_digits.is_empty() || !is_digits(exponent_digits) {
        return Err(Rule::NotANumber);
    }
    let digits = format!("{whole}{fraction}");
    let Some(first) = digits.find(|digit| digit != '0') else { return Ok(()) };
    if digits.trim_end_matches('0').len() - first > DIGITS_MAX {
        return Err(Rule::DigitsLost);
    }
    let exponent: i64 = exponent.parse().map_err(|_| Rule::NumberOutOfRange)?;
    let magnitude = exponent.saturating_add(whole.len() as i64 - 1 - first as i64);
    if EXPONENTS.contains(&magnitude) { Ok(()) } else { Err(Rule::NumberOutOfRange) }
}
