//! Numbers: range, digits, and what survives the way between binary and decimal.

use arrow_array::types::{Decimal128Type, Float32Type, Float64Type, Int64Type};
use arrow_array::{Array, FixedSizeListArray, PrimitiveArray};
use model::Result;

use super::{Findings, rows_where, typed};
use crate::snowflake::fit::Rule;

/// The most digits of a `NUMBER`.
const NUMBER_DIGITS_MAX: u8 = 38;
/// Every decimal of this many digits comes back the same from a double.
const FLOAT_DIGITS: u32 = 15;
/// Up to here a double holds every whole number.
const FLOAT_WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
/// Up to here a double holds every power of ten.
const FLOAT_POWER_MAX: u8 = 22;

pub(super) fn whole(values: &PrimitiveArray<Int64Type>, max: i64, findings: &mut Findings) {
    rows_where(
        values,
        |value| (value > max) | (value < -max),
        |row| findings.note(row, Rule::NumberOutOfRange),
    );
}

pub(super) fn whole_as_float(values: &PrimitiveArray<Int64Type>, findings: &mut Findings) {
    let is_changed = |value: i64| (value as f64) as i128 != i128::from(value);
    rows_where(values, is_changed, |row| findings.note(row, Rule::DigitsLost));
}

/// Decimals of one scale into a `NUMBER` of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::snowflake::fit) struct DecimalScan {
    pub source_scale: u8,
    pub precision: u8,
    pub scale: u8,
}

impl DecimalScan {
    /// What the source's unscaled number is divided by, at least 1.
    fn divisor(self) -> i128 {
        power_of_ten(self.source_scale.saturating_sub(self.scale))
    }

    /// The first unscaled number of the source that is too large, where any is.
    fn limit(self) -> Option<i128> {
        let digits = (self.precision + self.source_scale).saturating_sub(self.scale);
        (digits < NUMBER_DIGITS_MAX).then(|| power_of_ten(digits))
    }

    pub(super) fn run(self, values: &PrimitiveArray<Decimal128Type>, findings: &mut Findings) {
        let limit = self.limit();
        let divisor = self.divisor();
        if divisor == 1 {
            if let Some(limit) = limit {
                let is_too_large = |value: i128| (value >= limit) | (value <= -limit);
                rows_where(values, is_too_large, |row| findings.note(row, Rule::NumberOutOfRange));
            }
            return;
        }
        let is_lossy = findings.is_lossy;
        let broken = |value: i128| {
            // Rounding may carry into a digit that the column does not have.
            let fitting = if is_lossy { rescaled(value, divisor) } else { value / divisor };
            if fitting.unsigned_abs() >= power_of_ten(self.precision).unsigned_abs() {
                Some(Rule::NumberOutOfRange)
            } else {
                has_remainder(value, divisor).then_some(Rule::DigitsLost)
            }
        };
        rows_where(
            values,
            |value| broken(value).is_some(),
            |row| {
                if let Some(rule) = broken(values.value(row)) {
                    findings.note(row, rule);
                }
            },
        );
    }

    pub(super) fn rules(self) -> Vec<Rule> {
        let mut rules = Vec::new();
        if self.limit().is_some() || self.divisor() > 1 {
            rules.push(Rule::NumberOutOfRange);
        }
        if self.divisor() > 1 {
            rules.push(Rule::DigitsLost);
        }
        rules
    }
}

/// An unscaled number with fewer digits behind the point, rounded half away from zero as Snowflake does.
pub(in crate::snowflake::fit) fn rescaled(value: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = (value / divisor, value % divisor);
    if remainder.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2) {
        quotient + value.signum()
    } else {
        quotient
    }
}

/// Division of 128 bits is many times slower than of 64, which nearly all numbers fit into.
fn has_remainder(value: i128, divisor: i128) -> bool {
    match (i64::try_from(value), i64::try_from(divisor)) {
        (Ok(value), Ok(divisor)) => value % divisor != 0,
        _ => value % divisor != 0,
    }
}

pub(super) fn decimal_as_float(values: &PrimitiveArray<Decimal128Type>, findings: &mut Findings) {
    let limit = 10_u128.pow(FLOAT_DIGITS);
    let is_changed = |value: i128| value.unsigned_abs() >= limit && significant_digits(value) > FLOAT_DIGITS;
    rows_where(values, is_changed, |row| findings.note(row, Rule::DigitsLost));
}

fn significant_digits(value: i128) -> u32 {
    let mut value = value.unsigned_abs();
    while value != 0 && value.is_multiple_of(10) {
        value /= 10;
    }
    value.checked_ilog10().map_or(0, |log| log + 1)
}

/// The double nearest to a decimal.
pub(in crate::snowflake::fit) fn decimal_to_float(value: i128, scale: u8) -> f64 {
    let float = value as f64;
    if float.abs() <= FLOAT_WHOLE_MAX && scale <= FLOAT_POWER_MAX {
        // Both are exact, so one division rounds once.
        return float / 10_f64.powi(i32::from(scale));
    }
    format!("{value}e-{scale}").parse().expect("a number with an exponent parses as a double")
}

pub(super) fn float_as_number(
    values: &PrimitiveArray<Float64Type>,
    precision: u8,
    scale: u8,
    findings: &mut Findings,
) {
    let is_lossy = findings.is_lossy;
    rows_where(
        values,
        |value| float_to_decimal(value, precision, scale, false).is_err(),
        |row| {
            let value = values.value(row);
            let Err(rule) = float_to_decimal(value, precision, scale, false) else { return };
            // What is changed must fit once it is changed.
            findings.note(row, float_to_decimal(value, precision, scale, is_lossy).err().unwrap_or(rule));
        },
    );
}

/// The unscaled decimal that a double stands for, or the rule it breaks. A whole number is what it is to the last digit;
/// any other stands for the shortest decimal that comes back as the same double. Rounding to the column's digits is for
/// columns that may be changed.
pub(in crate::snowflake::fit) fn float_to_decimal(
    value: f64,
    precision: u8,
    scale: u8,
    is_lossy: bool,
) -> Result<i128, Rule> {
    if !value.is_finite() {
        return Err(Rule::NotANumber);
    }
    let power = 10_f64.powi(i32::from(scale));
    let scaled = (value * power).round();
    let unscaled = if scaled.abs() <= FLOAT_WHOLE_MAX && scale <= FLOAT_POWER_MAX {
        if scaled / power != value && !is_lossy {
            return Err(Rule::DigitsLost);
        }
        scaled as i128
    } else if value.fract() == 0.0 {
        (value as i128).checked_mul(power_of_ten(scale)).ok_or(Rule::NumberOutOfRange)?
    } else {
        shortest_decimal(value, scale, is_lossy)?
    };
    if unscaled.unsigned_abs() >= power_of_ten(precision).unsigned_abs() {
        return Err(Rule::NumberOutOfRange);
    }
    Ok(unscaled)
}

/// The unscaled decimal of the fewest digits that comes back as this double, where arithmetic of doubles is not exact.
fn shortest_decimal(value: f64, scale: u8, is_lossy: bool) -> Result<i128, Rule> {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').expect("the format writes an exponent");
    let fraction_digits = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32);
    let digits: i128 = mantissa.replace('.', "").parse().expect("a double has at most 17 digits");
    let exponent: i32 = exponent.parse().expect("the exponent of a double has at most 3 digits");
    let shift = exponent - fraction_digits + i32::from(scale);
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    match power {
        Some(power) if shift >= 0 => digits.checked_mul(power).ok_or(Rule::NumberOutOfRange),
        None if shift >= 0 => Err(Rule::NumberOutOfRange),
        Some(power) if is_lossy || digits % power == 0 => Ok(rescaled(digits, power)),
        None if is_lossy => Ok(0),
        _ => Err(Rule::DigitsLost),
    }
}

pub(super) fn float_vector(values: &FixedSizeListArray, findings: &mut Findings) -> Result<()> {
    let elements: &PrimitiveArray<Float32Type> = typed(values.values())?;
    if elements.values().iter().fold(true, |all, element| all & element.is_finite()) {
        return Ok(());
    }
    for row in 0..values.len() {
        let start = values.value_offset(row) as usize;
        let elements = elements.slice(start, values.value_length() as usize);
        if values.is_valid(row) && elements.iter().flatten().any(|element| !element.is_finite()) {
            findings.note(row, Rule::NotANumber);
        }
    }
    Ok(())
}

/// Ten to the power of at most 38.
fn power_of_ten(exponent: u8) -> i128 {
    10_i128.pow(u32::from(exponent.min(NUMBER_DIGITS_MAX)))
}
