//! The types that a cursor column can have. Their values are counted in ticks, whose order is that of the values.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::random::Random;

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;
/// What makes a number of 38 digits of a small one, far beyond 64 bits.
const WIDE: i128 = 10_i128.pow(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CursorType {
    /// A tick is a nanosecond of UTC.
    Naive(u32),
    Local(u32),
    Zoned(u32),
    /// A tick is a day.
    Date,
    Integer,
    WideInteger,
    /// Four digits behind the point.
    Decimal,
    Text,
    Binary,
}

use CursorType::{Binary, Decimal, Integer, Local, Naive, Text, WideInteger, Zoned};

pub(super) const ALL: [CursorType; 15] = [
    Naive(9),
    Naive(9),
    Naive(6),
    Naive(3),
    Naive(0),
    Local(9),
    Local(3),
    Zoned(9),
    Zoned(6),
    CursorType::Date,
    Integer,
    WideInteger,
    Decimal,
    Text,
    Binary,
];

impl CursorType {
    pub(super) fn sql(self) -> String {
        match self {
            Naive(scale) => format!("TIMESTAMP_NTZ({scale})"),
            Local(scale) => format!("TIMESTAMP_LTZ({scale})"),
            Zoned(scale) => format!("TIMESTAMP_TZ({scale})"),
            CursorType::Date => "DATE".to_owned(),
            Integer => "NUMBER(18,0)".to_owned(),
            WideInteger => "NUMBER(38,0)".to_owned(),
            Decimal => "NUMBER(20,4)".to_owned(),
            Text => "VARCHAR".to_owned(),
            Binary => "BINARY".to_owned(),
        }
    }

    pub(super) fn is_time(self) -> bool {
        matches!(self, Naive(_) | Local(_) | Zoned(_) | CursorType::Date)
    }

    /// How far two neighbouring values are apart, in ticks.
    pub(super) fn step(self) -> i128 {
        match self {
            Naive(scale) | Local(scale) | Zoned(scale) => 10_i128.pow(9 - scale),
            _ => 1,
        }
    }

    /// The tick of an instant; for what is no time there is none.
    pub(super) fn tick_at(self, nanoseconds: i128) -> Option<i128> {
        match self {
            CursorType::Date => Some(nanoseconds.div_euclid(DAY)),
            _ => self.is_time().then_some(nanoseconds),
        }
    }

    /// A lookback in ticks; of a day, every part counts as a whole one.
    pub(super) fn ticks_in(self, seconds: u64) -> i128 {
        match self {
            CursorType::Date => {
                i128::from(seconds).div_euclid(86_400) + i128::from(!seconds.is_multiple_of(86_400))
            }
            _ => i128::from(seconds) * SECOND,
        }
    }

    /// A unit that is coarser than the values, for a product that rounds.
    pub(super) fn coarse_unit(self) -> i128 {
        match self {
            Naive(0) | Local(0) | Zoned(0) => 60 * SECOND,
            Naive(_) | Local(_) | Zoned(_) => SECOND,
            CursorType::Date => 7,
            _ => 10,
        }
    }

    /// The value as a watermark is written.
    pub(super) fn text(self, ticks: i128) -> String {
        match self {
            Naive(_) | Local(_) | Zoned(_) => instant(ticks).strftime("%Y-%m-%d %H:%M:%S%.9f").to_string(),
            CursorType::Date => date(ticks).to_string(),
            Integer => ticks.to_string(),
            WideInteger => (WIDE + ticks).to_string(),
            Decimal => format!("{}.{:04}", ticks.div_euclid(10_000), ticks.rem_euclid(10_000)),
            Text => format!("it's {ticks:020}"),
            Binary => format!("{ticks:016X}"),
        }
    }

    /// The value of a watermark.
    pub(super) fn ticks(self, text: &str) -> i128 {
        match self {
            Naive(_) | Local(_) | Zoned(_) => {
                let at: DateTime = text.parse().unwrap();
                TimeZone::UTC.to_timestamp(at).unwrap().as_nanosecond()
            }
            CursorType::Date => {
                let date: Date = text.parse().unwrap();
                i128::from(date.since((jiff::Unit::Day, Date::constant(1970, 1, 1))).unwrap().get_days())
            }
            Integer => text.parse().unwrap(),
            WideInteger => text.parse::<i128>().unwrap() - WIDE,
            Decimal => text.replace('.', "").parse().unwrap(),
            Text => text.trim_start_matches("it's ").parse().unwrap(),
            Binary => i128::from_str_radix(text, 16).unwrap(),
        }
    }

    /// The value in a statement of a writer, who may be in any time zone.
    pub(super) fn literal(self, ticks: i128, random: &mut Random) -> String {
        let text = self.text(ticks).replace('\'', "''");
        match self {
            Local(_) | Zoned(_) => {
                let minutes = *random.pick(&[0, 330, -570, 840]);
                let offset = Offset::from_seconds(minutes * 60).unwrap();
                let there = instant(ticks).to_zoned(offset.to_time_zone());
                format!("'{}'::{}", there.strftime("%Y-%m-%d %H:%M:%S%.9f %:z"), self.sql())
            }
            Integer | WideInteger | Decimal => text,
            Binary => format!("TO_BINARY('{text}', 'HEX')"),
            Naive(_) | CursorType::Date | Text => format!("'{text}'::{}", self.sql()),
        }
    }

    /// An expression of DuckDB's that gives the value as [`CursorType::shown`] does.
    pub(super) fn vendor_sql(self, column: &str) -> String {
        match self {
            Naive(_) | Local(_) | Zoned(_) => format!("CAST(epoch_ns({column}) AS VARCHAR)"),
            Binary => format!("hex({column})"),
            _ => format!("CAST({column} AS VARCHAR)"),
        }
    }

    pub(super) fn shown(self, ticks: i128) -> String {
        match self {
            Naive(_) | Local(_) | Zoned(_) => ticks.to_string(),
            _ => self.text(ticks),
        }
    }
}

fn instant(ticks: i128) -> Timestamp {
    Timestamp::from_nanosecond(ticks).unwrap()
}

fn date(ticks: i128) -> Date {
    Date::constant(1970, 1, 1) + i64::try_from(ticks).unwrap().days()
}
