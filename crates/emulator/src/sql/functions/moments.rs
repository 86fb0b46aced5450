//! Reading, writing and moving dates, times and timestamps, to the nanosecond and by time zone.

use std::cell::RefCell;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::format::{self, Reading, date_of, days_of};
use super::row::{Cell, Kind, Out, RowFunction};
use crate::sql::error::raised;

const SECOND_NS: i64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;
const DAY_NS: i64 = DAY_SECONDS * SECOND_NS;

thread_local! {
    /// The zone asked for last: one statement asks for one zone, row after row.
    static ZONE: RefCell<Option<(String, TimeZone)>> = const { RefCell::new(None) };
}

fn with_zone<T>(name: &str, use_it: impl FnOnce(&TimeZone) -> T) -> Result<T, String> {
    ZONE.with_borrow_mut(|cached| {
        if cached.as_ref().is_none_or(|(known, _)| known != name) {
            let zone =
                TimeZone::get(name).map_err(|_| raised("100035", format!("Unknown time zone '{name}'")))?;
            *cached = Some((name.to_owned(), zone));
        }
        let (_, zone) = cached.as_ref().ok_or_else(|| "no time zone".to_owned())?;
        Ok(use_it(zone))
    })
}

/// A moment apart: whole seconds since 1970, rounded down, and nanoseconds.
#[derive(Clone, Copy)]
struct Split {
    seconds: i64,
    nanoseconds: i64,
    per_second: i64,
}

impl Split {
    fn of(cell: &Cell<'_>) -> Self {
        let (value, per_second) = cell.moment();
        let nanoseconds = value.rem_euclid(per_second) * (SECOND_NS / per_second);
        Self { seconds: value.div_euclid(per_second), nanoseconds, per_second }
    }

    fn of_reading(reading: &Reading, per_second: i64) -> Self {
        let seconds = reading.days * DAY_SECONDS + reading.nanoseconds / SECOND_NS;
        Self { seconds, nanoseconds: reading.nanoseconds % SECOND_NS, per_second }
    }

    fn days(self) -> i64 {
        self.seconds.div_euclid(DAY_SECONDS)
    }

    fn of_day(self) -> i64 {
        self.seconds.rem_euclid(DAY_SECONDS) * SECOND_NS + self.nanoseconds
    }

    fn at(self, days: i64, of_day: i64) -> Self {
        let seconds = days * DAY_SECONDS + of_day.div_euclid(SECOND_NS);
        Self { seconds, nanoseconds: of_day.rem_euclid(SECOND_NS), ..self }
    }

    fn value(self) -> Result<i64, String> {
        let whole = i128::from(self.seconds) * i128::from(self.per_second);
        let fraction = self.nanoseconds / (SECOND_NS / self.per_second);
        i64::try_from(whole + i128::from(fraction)).map_err(|_| {
            raised(
                "100035",
                "Timestamp outside of 1677 to 2262, which is all that scale 7 to 9 reaches in the emulator; declare \
                 scale 0 to 6",
            )
        })
    }

    fn out(self) -> Result<Out, String> {
        Ok(Out::Number(self.value()?))
    }

    fn date(self) -> Result<Date, String> {
        date_of(self.days()).ok_or_else(out_of_calendar)
    }

    fn date_time(self) -> Result<DateTime, String> {
        let time = self.of_day();
        let part = |value: i64| i8::try_from(value).unwrap_or(0);
        let seconds = time / SECOND_NS;
        let nanoseconds = i32::try_from(time % SECOND_NS).unwrap_or(0);
        let time = Time::new(part(seconds / 3600), part(seconds / 60 % 60), part(seconds % 60), nanoseconds);
        time.map(|time| self.date().map(|date| date.to_datetime(time))).map_err(|_| out_of_calendar())?
    }

    /// Minutes that the zone is ahead of UTC at this instant.
    fn offset_minutes(self, zone: &str) -> Result<i64, String> {
        // The library's last instant is a day before the last year's end, and no zone changes in between.
        let (first, last) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
        let instant = jiff::Timestamp::from_second(self.seconds.clamp(first, last));
        let instant = instant.map_err(|_| out_of_calendar())?;
        with_zone(zone, |zone| i64::from(zone.to_offset(instant).seconds()).div_euclid(60))
    }

    fn moved(self, seconds: i64) -> Self {
        Self { seconds: self.seconds + seconds, ..self }
    }

    /// This reading of local clocks as an instant; in a gap the later one, in a fold the earlier one.
    fn utc(self, zone: &str) -> Result<Self, String> {
        let local = self.date_time()?;
        let offset = match with_zone(zone, |zone| zone.to_ambiguous_timestamp(local).offset())? {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
        };
        Ok(self.moved(-i64::from(offset.seconds())))
    }
}

fn out_of_calendar() -> String {
    raised("100035", "Date outside of the years that can be held")
}

fn unreadable(kind: &str, text: &str) -> String {
    raised("100035", format!("{kind} '{text}' is not recognized"))
}

pub(super) struct ParseDate;

impl RowFunction for ParseDate {
    const NAME: &'static str = "sf_parse_date";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] =
        &[(&[Kind::Text, Kind::Text, Kind::Boolean], Kind::Date)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        match format::read(arguments[0].text(), arguments[1].text()) {
            Some(reading) => Ok(Out::Number(reading.days)),
            None if arguments[2].flag() => Ok(Out::Null),
            None => Err(unreadable("Date", arguments[0].text())),
        }
    }
}

pub(super) struct ParseTime;

impl RowFunction for ParseTime {
    const NAME: &'static str = "sf_parse_time";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] =
        &[(&[Kind::Text, Kind::Text, Kind::Boolean], Kind::Big)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        match format::read(arguments[0].text(), arguments[1].text()) {
            Some(reading) => Ok(Out::Number(reading.nanoseconds)),
            None if arguments[2].flag() => Ok(Out::Null),
            None => Err(unreadable("Time", arguments[0].text())),
        }
    }
}

/// Text, format, zone and kind: `ntz` keeps the reading, `utc` gives the instant; a `?` behind gives NULL for what
/// cannot be read.
const PARSE: &[Kind] = &[Kind::Text, Kind::Text, Kind::Text, Kind::Text];
/// The same with a truth that says nothing (see `flag` of the binder's casts).
const PARSE_ROW: &[Kind] = &[Kind::Text, Kind::Text, Kind::Text, Kind::Text, Kind::Boolean];

fn parse(arguments: &[Cell<'_>], per_second: i64) -> Result<Out, String> {
    let kind = arguments[3].text();
    let Some(reading) = format::read(arguments[0].text(), arguments[1].text()) else {
        return if kind.ends_with('?') {
            Ok(Out::Null)
        } else {
            Err(unreadable("Timestamp", arguments[0].text()))
        };
    };
    let local = Split::of_reading(&reading, per_second);
    let moment = match reading.offset_minutes {
        _ if kind.starts_with("ntz") => local,
        Some(minutes) => local.moved(-i64::from(minutes) * 60),
        None => local.utc(arguments[2].text())?,
    };
    match moment.out() {
        Err(_) if kind.ends_with('?') => Ok(Out::Null),
        other => other,
    }
}

pub(super) struct ParseNanoseconds;

impl RowFunction for ParseNanoseconds {
    const NAME: &'static str = "sf_parse_ns";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(PARSE, Kind::Nano), (PARSE_ROW, Kind::Nano)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        parse(arguments, SECOND_NS)
    }
}

pub(super) struct ParseMicroseconds;

impl RowFunction for ParseMicroseconds {
    const NAME: &'static str = "sf_parse_us";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(PARSE, Kind::Micro), (PARSE_ROW, Kind::Micro)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        parse(arguments, 1_000_000)
    }
}

pub(super) struct ParseOffset;

impl RowFunction for ParseOffset {
    const NAME: &'static str = "sf_parse_offset";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(PARSE, Kind::Small), (PARSE_ROW, Kind::Small)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let Some(reading) = format::read(arguments[0].text(), arguments[1].text()) else {
            return Ok(Out::Null);
        };
        if let Some(minutes) = reading.offset_minutes {
            return Ok(Out::Number(i64::from(minutes)));
        }
        let zone = arguments[2].text();
        let instant = Split::of_reading(&reading, 1_000_000).utc(zone)?;
        Ok(Out::Number(instant.offset_minutes(zone)?))
    }
}

pub(super) struct Format;

impl RowFunction for Format {
    const NAME: &'static str = "sf_format";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[
        (&[Kind::Micro, Kind::Int, Kind::Text], Kind::Text),
        (&[Kind::Nano, Kind::Int, Kind::Text], Kind::Text),
    ];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let offset = arguments[1].number();
        let local = Split::of(&arguments[0]).moved(offset * 60);
        let offset = i32::try_from(offset).unwrap_or(0);
        let text = format::write(local.days(), local.of_day(), offset, arguments[2].text());
        text.map(Out::Text).ok_or_else(out_of_calendar)
    }
}

pub(super) struct FormatTime;

impl RowFunction for FormatTime {
    const NAME: &'static str = "sf_format_time";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(&[Kind::Big, Kind::Text], Kind::Text)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let text = format::write(0, arguments[0].number(), 0, arguments[1].text());
        text.map(Out::Text).ok_or_else(out_of_calendar)
    }
}

pub(super) struct ZoneOffset;

impl RowFunction for ZoneOffset {
    const NAME: &'static str = "sf_zone_offset";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] =
        &[(&[Kind::Micro, Kind::Text], Kind::Int), (&[Kind::Nano, Kind::Text], Kind::Int)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        Ok(Out::Number(Split::of(&arguments[0]).offset_minutes(arguments[1].text())?))
    }
}

const WITH_TEXT: &[(&[Kind], Kind)] =
    &[(&[Kind::Micro, Kind::Text], Kind::Micro), (&[Kind::Nano, Kind::Text], Kind::Nano)];

pub(super) struct ToLocal;

impl RowFunction for ToLocal {
    const NAME: &'static str = "sf_to_local";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = WITH_TEXT;

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let instant = Split::of(&arguments[0]);
        instant.moved(instant.offset_minutes(arguments[1].text())? * 60).out()
    }
}

pub(super) struct ToUtc;

impl RowFunction for ToUtc {
    const NAME: &'static str = "sf_to_utc";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = WITH_TEXT;

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        Split::of(&arguments[0]).utc(arguments[1].text())?.out()
    }
}

/// Nanoseconds of the units that always have the same length.
fn unit_ns(unit: &str) -> Option<i64> {
    Some(match unit {
        "week" => 7 * DAY_NS,
        "day" => DAY_NS,
        "hour" => 3_600 * SECOND_NS,
        "minute" => 60 * SECOND_NS,
        "second" => SECOND_NS,
        "millisecond" => 1_000_000,
        "microsecond" => 1_000,
        "nanosecond" => 1,
        _ => return None,
    })
}

/// Months of the units that are made of them.
fn unit_months(unit: &str) -> Result<i64, String> {
    match unit {
        "year" => Ok(12),
        "quarter" => Ok(3),
        "month" => Ok(1),
        other => Err(raised("100035", format!("'{other}' cannot be used here"))),
    }
}

pub(super) struct Add;

impl RowFunction for Add {
    const NAME: &'static str = "sf_add";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[
        (&[Kind::Micro, Kind::Text, Kind::Big], Kind::Micro),
        (&[Kind::Nano, Kind::Text, Kind::Big], Kind::Nano),
    ];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let moment = Split::of(&arguments[0]);
        let (unit, amount) = (arguments[1].text(), arguments[2].number());
        if let Some(length) = unit_ns(unit) {
            let whole = i128::from(moment.seconds) * i128::from(SECOND_NS) + i128::from(moment.nanoseconds);
            let moved = whole + i128::from(length) * i128::from(amount);
            let seconds =
                i64::try_from(moved.div_euclid(i128::from(SECOND_NS))).map_err(|_| out_of_calendar())?;
            let nanoseconds = i64::try_from(moved.rem_euclid(i128::from(SECOND_NS))).unwrap_or(0);
            return Split { seconds, nanoseconds, ..moment }.out();
        }
        let months = unit_months(unit)?.checked_mul(amount).ok_or_else(out_of_calendar)?;
        let span = jiff::Span::new().try_months(months).map_err(|_| out_of_calendar())?;
        let date = moment.date()?.checked_add(span).map_err(|_| out_of_calendar())?;
        moment.at(days_of(date), moment.of_day()).out()
    }
}

pub(super) struct Truncate;

impl RowFunction for Truncate {
    const NAME: &'static str = "sf_trunc";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = WITH_TEXT;

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let moment = Split::of(&arguments[0]);
        let days = moment.days();
        match arguments[1].text() {
            // 1970-01-01 was a Thursday; weeks begin on Monday.
            "week" | "weekiso" => moment.at((days + 3).div_euclid(7) * 7 - 3, 0).out(),
            unit => match unit_ns(unit) {
                Some(length) => {
                    let of_day = moment.of_day();
                    moment.at(days, of_day - of_day % length.min(DAY_NS)).out()
                }
                None => {
                    let months = unit_months(unit)?;
                    let date = moment.date()?;
                    let month = (i64::from(date.month()) - 1) / months * months + 1;
                    let start = Date::new(date.year(), i8::try_from(month).unwrap_or(1), 1);
                    moment.at(days_of(start.map_err(|_| out_of_calendar())?), 0).out()
                }
            },
        }
    }
}

/// Cuts a timestamp to a number of digits behind the second.
pub(super) struct Scale;

impl RowFunction for Scale {
    const NAME: &'static str = "sf_scale";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] =
        &[(&[Kind::Micro, Kind::Int], Kind::Micro), (&[Kind::Nano, Kind::Int], Kind::Nano)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let (value, per_second) = arguments[0].moment();
        let digits = u32::try_from(arguments[1].number().clamp(0, 9)).unwrap_or(9);
        let unit = per_second / 10_i64.pow(digits).min(per_second);
        value.div_euclid(unit).checked_mul(unit).map(Out::Number).ok_or_else(out_of_calendar)
    }
}

pub(super) struct Difference;

impl RowFunction for Difference {
    const NAME: &'static str = "sf_diff";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[
        (&[Kind::Text, Kind::Micro, Kind::Micro], Kind::Big),
        (&[Kind::Text, Kind::Nano, Kind::Nano], Kind::Big),
        (&[Kind::Text, Kind::Micro, Kind::Nano], Kind::Big),
        (&[Kind::Text, Kind::Nano, Kind::Micro], Kind::Big),
    ];

    /// Counts the boundaries between the two, as Snowflake does.
    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let unit = arguments[0].text();
        let count = |moment: Split| -> Result<i128, String> {
            if unit == "week" {
                return Ok(i128::from((moment.days() + 3).div_euclid(7)));
            }
            if let Some(length) = unit_ns(unit) {
                let whole =
                    i128::from(moment.seconds) * i128::from(SECOND_NS) + i128::from(moment.nanoseconds);
                return Ok(whole.div_euclid(i128::from(length)));
            }
            let date = moment.date()?;
            let months = i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
            Ok(i128::from(months.div_euclid(unit_months(unit)?)))
        };
        let difference = count(Split::of(&arguments[2]))? - count(Split::of(&arguments[1]))?;
        i64::try_from(difference).map(Out::Number).map_err(|_| out_of_calendar())
    }
}

pub(super) struct Part;

impl RowFunction for Part {
    const NAME: &'static str = "sf_part";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] =
        &[(&[Kind::Micro, Kind::Text], Kind::Big), (&[Kind::Nano, Kind::Text], Kind::Big)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let moment = Split::of(&arguments[0]);
        let of_day = moment.of_day() / SECOND_NS;
        let epoch = |per_second: i64| {
            let fraction = moment.nanoseconds / (SECOND_NS / per_second);
            moment.seconds.checked_mul(per_second).and_then(|whole| whole.checked_add(fraction))
        };
        let part = match arguments[1].text() {
            "hour" => of_day / 3600,
            "minute" => of_day / 60 % 60,
            "second" => of_day % 60,
            "millisecond" => moment.nanoseconds / 1_000_000,
            "microsecond" => moment.nanoseconds / 1_000,
            "nanosecond" => moment.nanoseconds,
            "epoch_second" => moment.seconds,
            "epoch_millisecond" => epoch(1_000).ok_or_else(out_of_calendar)?,
            "epoch_microsecond" => epoch(1_000_000).ok_or_else(out_of_calendar)?,
            "epoch_nanosecond" => epoch(SECOND_NS).ok_or_else(out_of_calendar)?,
            "timezone_hour" | "timezone_minute" => 0,
            calendar => calendar_part(moment.date()?, calendar)?,
        };
        Ok(Out::Number(part))
    }
}

fn calendar_part(date: Date, part: &str) -> Result<i64, String> {
    Ok(match part {
        "year" => i64::from(date.year()),
        "quarter" => (i64::from(date.month()) - 1) / 3 + 1,
        "month" => i64::from(date.month()),
        "day" => i64::from(date.day()),
        "dayofyear" => i64::from(date.day_of_year()),
        "dayofweek" => i64::from(date.weekday().to_sunday_zero_offset()),
        "dayofweekiso" => i64::from(date.weekday().to_monday_one_offset()),
        "week" | "weekiso" => i64::from(date.iso_week_date().week()),
        "yearofweek" | "yearofweekiso" => i64::from(date.iso_week_date().year()),
        other => return Err(raised("100035", format!("'{other}' cannot be used here"))),
    })
}
