//! Texts of numbers and truths, random texts, and waiting.

use super::row::{Cell, Kind, Out, RowFunction};
use crate::sql::error::raised;

pub(super) struct Boolean;

impl RowFunction for Boolean {
    const NAME: &'static str = "sf_boolean";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(&[Kind::Text, Kind::Boolean], Kind::Boolean)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        match arguments[0].text().trim().to_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Ok(Out::Boolean(true)),
            "false" | "f" | "no" | "n" | "off" | "0" => Ok(Out::Boolean(false)),
            _ if arguments[1].flag() => Ok(Out::Null),
            other => Err(raised("100037", format!("Boolean value '{other}' is not recognized"))),
        }
    }
}

/// Exponents of a DECFLOAT's first digit.
const DECFLOAT_EXPONENTS: std::ops::RangeInclusive<i64> = -16_383..=16_384;

pub(super) struct Decfloat;

impl RowFunction for Decfloat {
    const NAME: &'static str = "sf_decfloat";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(&[Kind::Text, Kind::Boolean], Kind::Text)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let text = arguments[0].text().trim();
        match decimal_exponent(text) {
            Some(exponent) if DECFLOAT_EXPONENTS.contains(&exponent) => Ok(Out::Text(text.to_owned())),
            _ if arguments[1].flag() => Ok(Out::Null),
            Some(_) => Err(raised("100039", format!("Numeric value '{text}' is out of range"))),
            None => Err(raised("100038", format!("Numeric value '{text}' is not recognized"))),
        }
    }
}

/// The exponent of a decimal number's first digit that is not zero; zero's is zero.
fn decimal_exponent(text: &str) -> Option<i64> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent: i64 = exponent.parse().ok()?;
    let first = digits.find(|digit| digit != '0');
    Some(first.map_or(0, |first| exponent.saturating_add(whole.len() as i64 - 1 - first as i64)))
}

pub(super) struct FloatText;

impl RowFunction for FloatText {
    const NAME: &'static str = "sf_float_text";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(&[Kind::Float], Kind::Text)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        Ok(Out::Text(float_text(arguments[0].float())))
    }
}

/// A float as Snowflake writes it: no point where there is no fraction, an exponent from 1e16 on.
pub(super) fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = number.abs();
    if size != 0.0 && !(1e-5..1e16).contains(&size) {
        let written = format!("{number:e}");
        let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    number.to_string()
}

pub(super) struct InitCap;

impl RowFunction for InitCap {
    const NAME: &'static str = "sf_initcap";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(&[Kind::Text], Kind::Text)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let mut capital_next = true;
        let mut text = String::new();
        for letter in arguments[0].text().chars() {
            if !letter.is_alphanumeric() {
                capital_next = true;
                text.push(letter);
            } else if capital_next {
                capital_next = false;
                text.extend(letter.to_uppercase());
            } else {
                text.extend(letter.to_lowercase());
            }
        }
        Ok(Out::Text(text))
    }
}

/// Fails with its first argument where the second one is not NULL. DuckDB's own `error` cannot stand inside `TRY`.
pub(super) struct Fail;

impl RowFunction for Fail {
    const NAME: &'static str = "sf_fail";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(&[Kind::Text, Kind::Text], Kind::Text)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        Err(arguments[0].text().to_owned())
    }
}

pub(super) struct RandomText;

impl RowFunction for RandomText {
    const NAME: &'static str = "sf_random_text";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(&[Kind::Float, Kind::Big], Kind::Text)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut state = arguments[0].float().to_bits() | 1;
        let length = usize::try_from(arguments[1].number()).unwrap_or(0);
        let text = (0..length).map(|_| {
            // One step of xorshift64: random enough for made-up texts.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(LETTERS[usize::try_from(state % 62).unwrap_or(0)])
        });
        Ok(Out::Text(text.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::float_text;

    #[test]
    fn floats_are_written_as_snowflake_writes_them() {
        let written = [1.0, 1.5, -0.25, 1e20, 1.5e-7, f64::NAN, f64::NEG_INFINITY].map(float_text);
        assert_eq!(written, ["1", "1.5", "-0.25", "1e+20", "1.5e-07", "NaN", "-inf"]);
    }
}
