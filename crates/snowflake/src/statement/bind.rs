//! Values for the question marks of a statement, in the text form that the service reads.

use std::fmt::{self, Write as _};

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{Error, ErrorKind, Result};

/// A zone is sent as minutes above this: the range −24 h…+24 h becomes 0…2880.
const OFFSET_MINUTES_BASE: i32 = 1440;
const MILLISECONDS_PER_DAY: i64 = 86_400_000;

/// One value to bind. Never printed.
#[derive(Clone, PartialEq)]
pub enum Bind {
    /// SQL NULL.
    Null,
    /// BOOLEAN.
    Bool(bool),
    /// NUMBER, whole.
    Int(i64),
    /// NUMBER as decimal text, such as `-12.50`; up to 38 digits.
    Decimal(String),
    /// FLOAT; infinities and not-a-number included.
    Float(f64),
    /// VARCHAR, and JSON inside `PARSE_JSON(?)`.
    Text(String),
    /// BINARY.
    Binary(Vec<u8>),
    /// DATE.
    Date(Date),
    /// TIME, to the nanosecond.
    Time(Time),
    /// TIMESTAMP_NTZ: a wall clock without zone.
    TimestampNtz(DateTime),
    /// TIMESTAMP_LTZ: an instant.
    TimestampLtz(Timestamp),
    /// TIMESTAMP_TZ: an instant and the offset it is written with.
    TimestampTz {
        /// The instant.
        instant: Timestamp,
        /// Minutes east of UTC.
        offset_minutes: i16,
    },
    /// DECFLOAT as decimal text.
    Decfloat(String),
}

/// A bind as it travels.
#[derive(Serialize)]
pub(crate) struct WireBind {
    #[serde(rename = "type")]
    type_name: &'static str,
    value: WireValue,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireValue {
    One(Option<String>),
    Many(Vec<Option<String>>),
}

impl Bind {
    pub(super) fn to_wire(&self) -> Result<WireBind> {
        Ok(WireBind { type_name: self.type_name().unwrap_or("TEXT"), value: WireValue::One(self.text()?) })
    }

    /// `None` for NULL, which fits every type.
    fn type_name(&self) -> Option<&'static str> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(_) => "BOOLEAN",
            Self::Int(_) | Self::Decimal(_) => "FIXED",
            Self::Float(_) => "REAL",
            Self::Text(_) => "TEXT",
            Self::Binary(_) => "BINARY",
            Self::Date(_) => "DATE",
            Self::Time(_) => "TIME",
            Self::TimestampNtz(_) => "TIMESTAMP_NTZ",
            Self::TimestampLtz(_) => "TIMESTAMP_LTZ",
            Self::TimestampTz { .. } => "TIMESTAMP_TZ",
            Self::Decfloat(_) => "DECFLOAT",
        })
    }

    fn text(&self) -> Result<Option<String>> {
        Ok(Some(match self {
            Self::Null => return Ok(None),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Decimal(text) | Self::Decfloat(text) => number(text)?.to_owned(),
            Self::Float(value) => float(*value),
            Self::Text(text) => text.clone(),
            Self::Binary(bytes) => hex(bytes),
            Self::Date(date) => milliseconds(*date).to_string(),
            Self::Time(time) => nanoseconds_of_day(*time).to_string(),
            Self::TimestampNtz(wall) => wall_nanoseconds(*wall).to_string(),
            Self::TimestampLtz(instant) => instant.as_nanosecond().to_string(),
            Self::TimestampTz { instant, offset_minutes } => {
                let zone = OFFSET_MINUTES_BASE + i32::from(*offset_minutes);
                if !(0..=2 * OFFSET_MINUTES_BASE).contains(&zone) {
                    return Err(refused("a zone offset is beyond 24 hours"));
                }
                format!("{} {zone}", instant.as_nanosecond())
            }
        }))
    }
}

/// A whole column, which must be of one type.
pub(super) fn column_to_wire(values: &[Bind]) -> Result<WireBind> {
    let mut types = values.iter().filter_map(Bind::type_name);
    let type_name = types.next().unwrap_or("TEXT");
    if types.any(|other| other != type_name) {
        return Err(refused("the values of one column have different types"));
    }
    let texts: Result<Vec<Option<String>>> = values.iter().map(Bind::text).collect();
    Ok(WireBind { type_name, value: WireValue::Many(texts?) })
}

fn refused(why: &'static str) -> Error {
    Error::new(ErrorKind::Statement, format!("a value cannot be bound: {why}"))
}

fn number(text: &str) -> Result<&str> {
    let is_number = text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
    is_number.then_some(text).ok_or_else(|| refused("a decimal is not a number"))
}

fn float(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        value => format!("{value:e}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02X}");
    }
    text
}

fn since_epoch(wall: DateTime) -> SignedDuration {
    wall.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0))
}

fn milliseconds(date: Date) -> i64 {
    since_epoch(date.to_datetime(Time::midnight())).as_hours() / 24 * MILLISECONDS_PER_DAY
}

fn wall_nanoseconds(wall: DateTime) -> i128 {
    since_epoch(wall).as_nanos()
}

fn nanoseconds_of_day(time: Time) -> i128 {
    time.duration_since(Time::midnight()).as_nanos()
}

impl fmt::Debug for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bind({})", self.type_name().unwrap_or("NULL"))
    }
}

impl<T: Into<Bind>> From<Option<T>> for Bind {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<bool> for Bind {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Bind {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<i64> for Bind {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Bind {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Bind {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Bind {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Bind {
    fn from(value: Vec<u8>) -> Self {
        Self::Binary(value)
    }
}

impl From<Date> for Bind {
    fn from(value: Date) -> Self {
        Self::Date(value)
    }
}

impl From<Time> for Bind {
    fn from(value: Time) -> Self {
        Self::Time(value)
    }
}

impl From<DateTime> for Bind {
    fn from(value: DateTime) -> Self {
        Self::TimestampNtz(value)
    }
}

impl From<Timestamp> for Bind {
    fn from(value: Timestamp) -> Self {
        Self::TimestampLtz(value)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_has_its_text() {
        let instant: Timestamp = "1969-12-31T23:59:59.5Z".parse().unwrap();
        for (bind, type_name, value) in [
            (Bind::Null, "TEXT", json!(null)),
            (true.into(), "BOOLEAN", json!("true")),
            ((-42_i64).into(), "FIXED", json!("-42")),
            (Bind::Decimal("12345678901234567890.5".into()), "FIXED", json!("12345678901234567890.5")),
            (1.5.into(), "REAL", json!("1.5e0")),
            (f64::NEG_INFINITY.into(), "REAL", json!("-Infinity")),
            (f64::NAN.into(), "REAL", json!("NaN")),
            ("".into(), "TEXT", json!("")),
            (vec![0_u8, 255].into(), "BINARY", json!("00FF")),
            (date(1970, 1, 2).into(), "DATE", json!("86400000")),
            (date(1969, 12, 31).into(), "DATE", json!("-86400000")),
            (date(9999, 12, 31).into(), "DATE", json!("253402214400000")),
            (time(0, 0, 1, 5).into(), "TIME", json!("1000000005")),
            (date(9999, 12, 31).at(0, 0, 0, 7).into(), "TIMESTAMP_NTZ", json!("253402214400000000007")),
            (instant.into(), "TIMESTAMP_LTZ", json!("-500000000")),
            (Bind::TimestampTz { instant, offset_minutes: -480 }, "TIMESTAMP_TZ", json!("-500000000 960")),
            (Bind::Decfloat("1.5e-200".into()), "DECFLOAT", json!("1.5e-200")),
        ] {
            let wire = serde_json::to_value(bind.to_wire().unwrap()).unwrap();
            assert_eq!(wire, json!({ "type": type_name, "value": value }));
        }
    }

    #[test]
    fn a_column_has_one_type_and_may_hold_nulls() {
        let wire = column_to_wire(&[Bind::Null, 1.into(), Bind::Decimal("2.5".into())]).unwrap();
        let wire = serde_json::to_value(wire).unwrap();
        assert_eq!(wire, json!({ "type": "FIXED", "value": [null, "1", "2.5"] }));
        assert!(column_to_wire(&[1.into(), "x".into()]).is_err());
    }

    #[test]
    fn a_value_is_never_printed() {
        let error = Bind::Decimal("hunter2".into()).to_wire().err().unwrap();
        assert!(!format!("{error:?} {:?}", Bind::from("hunter2")).contains("hunter2"));
    }
}
