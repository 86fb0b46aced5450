//! Decimal numbers in text, read exactly: no float is ever between the text and the integer.

/// A decimal number in text, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DecimalText<'a> {
    pub(crate) is_negative: bool,
    /// Digits before the point.
    pub(crate) whole: &'a str,
    /// Digits after the point.
    pub(crate) fraction: &'a str,
    /// The power of ten after an `e`.
    pub(crate) exponent: i32,
}

impl<'a> DecimalText<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (is_negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_empty = whole.is_empty() && fraction.is_empty();
        (!is_empty && is_digits(whole) && is_digits(fraction)).then_some(Self {
            is_negative,
            whole,
            fraction,
            exponent,
        })
    }

    /// The number times 10^`scale` as an integer, or `None` where that is not exact or too large.
    pub(crate) fn unscaled(&self, scale: u8) -> Option<i128> {
        if self.exponent != 0 {
            return None;
        }
        let scale = usize::from(scale);
        let kept = self.fraction.len().min(scale);
        if self.fraction.as_bytes()[kept..].iter().any(|digit| *digit != b'0') {
            return None;
        }
        let digits = self.whole.bytes().chain(self.fraction[..kept].bytes());
        let padding = std::iter::repeat_n(b'0', scale - kept);
        let mut value: i128 = 0;
        for digit in digits.chain(padding) {
            let digit = i128::from(digit - b'0');
            let signed = if self.is_negative { -digit } else { digit };
            value = value.checked_mul(10)?.checked_add(signed)?;
        }
        Some(value)
    }
}

/// The number as an unscaled integer, from text.
pub(crate) fn parse_unscaled(text: &str, scale: u8) -> Option<i128> {
    DecimalText::parse(text)?.unscaled(scale)
}

/// 10^`digits` for what an `i64` holds.
pub(crate) fn power_of_ten(digits: u8) -> i64 {
    10_i64.pow(u32::from(digits))
}

/// The largest unscaled value of `NUMBER(precision, …)`.
pub(crate) fn largest_unscaled(precision: u8) -> i128 {
    10_i128.pow(u32::from(precision)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_belongs_to_the_whole_number() {
        assert_eq!(parse_unscaled("-0.5", 9), Some(-500_000_000));
        assert_eq!(parse_unscaled("-1.500000000", 9), Some(-1_500_000_000));
        assert_eq!(parse_unscaled("12.3", 2), Some(1230));
        assert_eq!(parse_unscaled(".5", 1), Some(5));
        assert_eq!(parse_unscaled("7", 0), Some(7));
        assert_eq!(parse_unscaled("1.500", 1), Some(15));
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for text in ["", "-", ".", "1.23", "1e3", "0x1", "1_000", " 1", "١"] {
            assert_eq!(parse_unscaled(text, 1), None, "{text:?}");
        }
        assert_eq!(parse_unscaled(&"9".repeat(40), 0), None);
    }

    #[test]
    fn the_extremes_of_128_bits_are_read() {
        assert_eq!(parse_unscaled(&i128::MIN.to_string(), 0), Some(i128::MIN));
        assert_eq!(parse_unscaled(&i128::MAX.to_string(), 0), Some(i128::MAX));
    }
}
