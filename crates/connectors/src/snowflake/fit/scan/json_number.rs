//! Numbers inside JSON that a `VARIANT` keeps.
//!
//! By Snowflake's manual a number without an exponent is kept as a `NUMBER` where it fits into one; every other becomes a
//! double, of which fifteen digits come back.

/// The most digits of a `NUMBER`.
const NUMBER_DIGITS_MAX: usize = 38;
/// The most digits of a `NUMBER` behind the point.
const SCALE_MAX: usize = 37;
/// Every decimal of this many digits comes back the same from a double.
const FLOAT_DIGITS_MAX: usize = 15;
/// Doubles between ten to the power of minus this and of this have all their digits.
const FLOAT_EXPONENT_MAX: i64 = 307;

/// Whether every number of a valid document is kept.
pub(super) fn all_exact(document: &str) -> bool {
    let mut rest = document.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'"' => after_string(after),
            b'-' | b'0'..=b'9' => {
                let length = rest.iter().take_while(|byte| is_number_byte(**byte)).count();
                if !is_exact(&rest[..length]) {
                    return false;
                }
                &rest[length..]
            }
            _ => after,
        };
    }
    true
}

fn is_number_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

/// What follows the quote that ends a string.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'"' => return after,
            b'\\' => after.get(1..).unwrap_or_default(),
            _ => after,
        };
    }
    rest
}

/// Whether one number in JSON's notation is kept.
fn is_exact(number: &[u8]) -> bool {
    let number = number.strip_prefix(b"-").unwrap_or(number);
    let (mantissa, exponent) = split(number, |byte| matches!(byte, b'e' | b'E'));
    let (whole, fraction) = split(mantissa, |byte| byte == b'.');
    let fraction = fraction.unwrap_or_default();
    if exponent.is_none() && whole.len() + fraction.len() <= NUMBER_DIGITS_MAX && fraction.len() <= SCALE_MAX
    {
        return true;
    }
    let digits: Vec<u8> = [whole, fraction].concat();
    let Some(first) = digits.iter().position(|digit| *digit != b'0') else { return true };
    let last = digits.iter().rposition(|digit| *digit != b'0').unwrap_or(first);
    if last - first >= FLOAT_DIGITS_MAX {
        return false;
    }
    let exponent = exponent.map_or(Some(0), parse_exponent);
    let magnitude = exponent.map(|exponent| exponent + whole.len() as i64 - 1 - first as i64);
    magnitude.is_some_and(|magnitude| magnitude.abs() <= FLOAT_EXPONENT_MAX)
}

/// An exponent, or nothing where it is beyond every double anyway.
fn parse_exponent(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse::<i32>().ok().map(i64::from)
}

/// What stands before and after the first byte of a kind.
fn split(bytes: &[u8], is_separator: impl Fn(u8) -> bool) -> (&[u8], Option<&[u8]>) {
    match bytes.iter().position(|byte| is_separator(*byte)) {
        Some(index) => (&bytes[..index], Some(&bytes[index + 1..])),
        None => (bytes, None),
    }
}
