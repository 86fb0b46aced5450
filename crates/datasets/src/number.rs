//! Numbers in one type, whatever they are written like: up to 38 digits, nine of them behind the point.

use model::LogicalType;
use serde::Serialize;

use crate::mapping::Reason;

/// Digits behind the point: enough for every currency's smallest coin, and for prices per click.
pub(crate) const SCALE: u32 = 9;
/// The type of amounts.
pub(crate) const NUMBER: LogicalType = LogicalType::Decimal { precision: 38, scale: 9 };
/// What one is, unscaled.
pub(crate) const ONE: i128 = 10_i128.pow(SCALE);
/// No number has more digits.
const HIGHEST: i128 = 10_i128.pow(38) - 1;

/// How numbers are written that come as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NumberFormat {
    pub decimal: char,
    /// The mark between groups of three digits; without it a number has no groups.
    pub thousands: Option<char>,
    /// Characters that are left out, such as a currency's symbol.
    pub strip: String,
}

impl Default for NumberFormat {
    fn default() -> Self {
        Self { decimal: '.', thousands: None, strip: String::new() }
    }
}

impl NumberFormat {
    fn is_plain(&self) -> bool {
        self.decimal == '.' && self.thousands.is_none() && self.strip.is_empty()
    }

    /// Reads a number; `text` is neither empty nor surrounded by white space.
    pub(crate) fn read(&self, text: &str) -> Result<i128, Reason> {
        if self.is_plain() {
            return read_plain(text);
        }
        let kept: String = text
            .chars()
            .filter(|c| !self.strip.contains(*c) && (!c.is_whitespace() || self.thousands == Some(*c)))
            .collect();
        let (whole, fraction) = match kept.rsplit_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (kept.as_str(), None),
        };
        let whole = self.ungrouped(whole.trim())?;
        match fraction {
            Some(fraction) => read_plain(&format!("{whole}.{fraction}")),
            None => read_plain(&whole),
        }
    }

    /// The digits without the marks between groups. Groups of another size than three mean that the marks are none:
    /// `12.50` is not 1250.
    fn ungrouped(&self, whole: &str) -> Result<String, Reason> {
        let Some(mark) = self.thousands.filter(|mark| whole.contains(*mark)) else {
            return Ok(whole.to_owned());
        };
        let mut groups = whole.split(mark);
        let first = groups.next().unwrap_or_default().trim_start_matches(['+', '-']);
        let is_fine = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
        if is_fine { Ok(whole.replace(mark, "")) } else { Err(Reason::NumberUnreadable) }
    }
}

/// A sign, digits, a point and digits, and perhaps an exponent.
pub(crate) fn read_plain(text: &str) -> Result<i128, Reason> {
    /// More than that and every digit is beyond either end.
    const EXPONENT_MAX: i32 = 80;
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.parse::<i32>().map_err(|_| Reason::NumberUnreadable)?)
        }
        None => (text, 0),
    };
    let (is_negative, digits) = match mantissa.as_bytes() {
        [b'-', ..] => (true, &mantissa[1..]),
        [b'+', ..] => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
        return Err(Reason::NumberUnreadable);
    }
    let mut unscaled: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        unscaled = (unscaled.checked_mul(10))
            .and_then(|unscaled| unscaled.checked_add(i128::from(byte - b'0')))
            .ok_or(Reason::NumberOutOfRange)?;
    }
    let fraction_digits = i32::try_from(fraction.len()).map_err(|_| Reason::NumberOutOfRange)?;
    let scale = fraction_digits - exponent.clamp(-EXPONENT_MAX, EXPONENT_MAX);
    rescaled(if is_negative { -unscaled } else { unscaled }, scale)
}

/// A number of `scale` digits behind the point as one of [`SCALE`]. Digits are never dropped.
pub(crate) fn rescaled(unscaled: i128, scale: i32) -> Result<i128, Reason> {
    if unscaled == 0 {
        return Ok(0);
    }
    let shift = SCALE.cast_signed() - scale;
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    let number = match (power, shift >= 0) {
        (Some(power), true) => unscaled.checked_mul(power).ok_or(Reason::NumberOutOfRange)?,
        (Some(power), false) if unscaled % power == 0 => unscaled / power,
        (None, true) => return Err(Reason::NumberOutOfRange),
        (_, false) => return Err(Reason::NumberTooPrecise),
    };
    if number.abs() <= HIGHEST { Ok(number) } else { Err(Reason::NumberOutOfRange) }
}

/// A floating point number, rounded to [`SCALE`] digits: it has no exact ones to keep.
pub(crate) fn of_float(value: f64) -> Result<i128, Reason> {
    if !value.is_finite() {
        return Err(Reason::NumberOutOfRange);
    }
    match read_plain(ryu::Buffer::new().format_finite(value)) {
        Err(Reason::NumberTooPrecise) => read_plain(&format!("{value:.*}", SCALE as usize)),
        number => number,
    }
}

#[cfg(test)]
mod tests {
    use super::{NumberFormat, ONE, Reason, of_float, read_plain};

    #[test]
    fn plain_numbers_are_read_exactly() {
        for (text, expected) in [
            ("0", 0),
            ("12", 12 * ONE),
            ("-12.5", -12 * ONE - ONE / 2),
            (".5", ONE / 2),
            ("5.", 5 * ONE),
            ("1e3", 1000 * ONE),
            ("1.50000000000000", ONE + ONE / 2),
            ("0.000000001", 1),
        ] {
            assert_eq!(read_plain(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_does_not_fit_says_so() {
        for (text, reason) in [
            ("", Reason::NumberUnreadable),
            ("€12", Reason::NumberUnreadable),
            ("1,200", Reason::NumberUnreadable),
            ("1 200", Reason::NumberUnreadable),
            ("0x10", Reason::NumberUnreadable),
            ("NaN", Reason::NumberUnreadable),
            ("1e99", Reason::NumberOutOfRange),
            ("123456789012345678901234567890", Reason::NumberOutOfRange),
            ("0.0000000001", Reason::NumberTooPrecise),
        ] {
            assert_eq!(read_plain(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn groups_and_decimal_commas_are_read_as_told() {
        let german = NumberFormat { decimal: ',', thousands: Some('.'), strip: "€".to_owned() };
        for (text, expected) in [
            ("1.234.567,5", Ok(1_234_567 * ONE + ONE / 2)),
            ("€ 12,50", Ok(12 * ONE + ONE / 2)),
            ("-1.200", Ok(-1200 * ONE)),
            ("12.50", Err(Reason::NumberUnreadable)),
            ("1.2345", Err(Reason::NumberUnreadable)),
        ] {
            assert_eq!(german.read(text), expected, "{text}");
        }
    }

    #[test]
    fn floating_point_numbers_are_rounded_where_they_must_be() {
        assert_eq!(of_float(0.1), Ok(ONE / 10));
        assert_eq!(of_float(0.1 + 0.2), Ok(3 * ONE / 10));
        assert_eq!(of_float(f64::NAN), Err(Reason::NumberOutOfRange));
    }
}
