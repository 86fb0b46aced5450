//! Moments: read from text in the formats that people use, and written in one.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::mapping::Reason;

pub(crate) const MICROS_PER_SECOND: i64 = 1_000_000;
pub(crate) const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// How dates are written that come as text or as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DateFormat {
    /// ISO 8601, with or without a time and an offset.
    Iso,
    UnixSeconds,
    UnixMilliseconds,
    /// A pattern of `strftime`.
    Pattern(String),
}

/// The language that names of months are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    #[default]
    En,
    De,
    Fr,
    Es,
}

impl DateFormat {
    /// Takes a format from a sync file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "iso" => Ok(Self::Iso),
            "unix_seconds" => Ok(Self::UnixSeconds),
            "unix_milliseconds" => Ok(Self::UnixMilliseconds),
            pattern if !pattern.contains('%') => Err(format!(
                "`{pattern}` is no date format: write iso, unix_seconds, unix_milliseconds or a pattern such as %d.%m.%Y"
            )),
            pattern => {
                let sample = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
                strtime::format(pattern, &sample)
                    .map_err(|error| format!("`{pattern}` is no date format: {error}"))?;
                Ok(Self::Pattern(pattern.to_owned()))
            }
        }
    }
}

/// Reads moments from text.
#[derive(Clone, Debug)]
pub(crate) struct MomentReader {
    pub(crate) formats: Vec<DateFormat>,
    pub(crate) zone: TimeZone,
    pub(crate) language: Language,
}

impl MomentReader {
    /// ISO 8601 in this zone, where the text has none of its own.
    pub(crate) fn iso(zone: TimeZone) -> Self {
        Self { formats: vec![DateFormat::Iso], zone, language: Language::En }
    }

    /// Microseconds since 1970 in UTC, by the first format that fits.
    pub(crate) fn read(&self, text: &str) -> Result<i64, Reason> {
        self.formats.iter().find_map(|format| self.read_as(format, text)).ok_or(Reason::DateUnreadable)
    }

    fn read_as(&self, format: &DateFormat, text: &str) -> Option<i64> {
        match format {
            DateFormat::Iso => self.read_iso(text),
            DateFormat::UnixSeconds => of_unix(text.parse().ok()?, MICROS_PER_SECOND),
            DateFormat::UnixMilliseconds => of_unix(text.parse().ok()?, 1_000),
            DateFormat::Pattern(pattern) => {
                let is_short = pattern.contains("%b") || pattern.contains("%h");
                let english = in_english(text, self.language, is_short);
                let read = strtime::parse(pattern, english.as_bytes()).ok()?;
                if read.offset().is_some() {
                    return read.to_timestamp().ok().map(Timestamp::as_microsecond);
                }
                let moment = read.to_datetime().or_else(|_| read.to_date().map(DateTime::from)).ok()?;
                self.local(moment)
            }
        }
    }

    fn read_iso(&self, text: &str) -> Option<i64> {
        if let Some(micros) = plain_iso(text) {
            return if self.zone == TimeZone::UTC { Some(micros) } else { self.local_micros(micros) };
        }
        // Digits alone would be read as a year, a month and a day without marks; too many things look like that.
        if text.len() <= 8 || text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Some(instant.as_microsecond());
        }
        self.local(text.parse::<DateTime>().ok()?)
    }

    /// A time of this reader's zone as one in UTC. In the hour that comes twice it is the first, and in the one that is
    /// left out it is an hour later.
    fn local(&self, moment: DateTime) -> Option<i64> {
        Some(moment.to_zoned(self.zone.clone()).ok()?.timestamp().as_microsecond())
    }

    /// The same for microseconds since 1970 on the clock of the zone.
    pub(crate) fn local_micros(&self, micros: i64) -> Option<i64> {
        if self.zone == TimeZone::UTC {
            return Some(micros);
        }
        let moment = Timestamp::from_microsecond(micros).ok()?.to_zoned(TimeZone::UTC).datetime();
        self.local(moment)
    }
}

/// A number of units since 1970.
pub(crate) fn of_unix(count: i64, unit_micros: i64) -> Option<i64> {
    count.checked_mul(unit_micros)
}

/// `YYYY-MM-DD`, and perhaps `hh:mm:ss` with `T` or a blank in front and `Z` behind: what most exports write.
fn plain_iso(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, until: usize| -> Option<i64> {
        let digits = bytes.get(from..until)?;
        digits
            .iter()
            .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
    };
    let is = |at: usize, marks: &[u8]| bytes.get(at).is_some_and(|byte| marks.contains(byte));
    if !(is(4, b"-") && is(7, b"-") && matches!(bytes.len(), 10 | 19)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let date =
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let days = days_since_1970(i64::from(date.year()), month, day);
    if bytes.len() == 10 {
        return Some(days * MICROS_PER_DAY);
    }
    if !(is(10, b"T ") && is(13, b":") && is(16, b":")) {
        return None;
    }
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_time = hour < 24 && minute < 60 && second < 60;
    is_time.then(|| days * MICROS_PER_DAY + (hour * 3600 + minute * 60 + second) * MICROS_PER_SECOND)
}

/// Days of the proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Writes `YYYY-MM-DD`.
pub(crate) fn write_day(days: i64, out: &mut Vec<u8>) {
    let (year, month, day) = date_of(days);
    if let Ok(year @ 0..10_000) = u64::try_from(year) {
        let (century, year) = (two_digits(year / 100), two_digits(year % 100));
        let (month, day) = (two_digits(month), two_digits(day));
        out.extend_from_slice(&[
            century[0], century[1], year[0], year[1], b'-', month[0], month[1], b'-', day[0], day[1],
        ]);
        return;
    }
    out.push(if year < 0 { b'-' } else { b'+' });
    write_padded(year.unsigned_abs(), 4, out);
    out.push(b'-');
    write_padded(month, 2, out);
    out.push(b'-');
    write_padded(day, 2, out);
}

/// Year, month and day of a number of days since 1970. The year begins in March here, so that the day that some have more
/// is its last.
fn date_of(days: i64) -> (i64, u64, u64) {
    const DAYS_PER_ERA: i64 = 146_097;
    let days = days + 719_468;
    // From here on numbers are small, and divided twice as fast as such.
    let day_of_era = days.rem_euclid(DAYS_PER_ERA) as u32;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = i64::from(year_of_era) + days.div_euclid(DAYS_PER_ERA) * 400 + i64::from(month <= 2);
    (year, u64::from(month), u64::from(day))
}

fn two_digits(number: u64) -> [u8; 2] {
    // Below a hundred, as all that come here are.
    let number = (number % 100) as u8;
    [b'0' + number / 10, b'0' + number % 10]
}

/// Writes `hh:mm:ss`, and as many digits of the second as there are.
pub(crate) fn write_time(nanos_of_day: i64, out: &mut Vec<u8>) {
    let seconds = nanos_of_day.div_euclid(1_000_000_000).unsigned_abs();
    let (hour, minute, second) =
        (two_digits(seconds / 3600), two_digits(seconds / 60 % 60), two_digits(seconds % 60));
    out.extend_from_slice(&[hour[0], hour[1], b':', minute[0], minute[1], b':', second[0], second[1]]);
    let mut fraction = nanos_of_day.rem_euclid(1_000_000_000) as u32;
    if fraction > 0 {
        let mut digits = 9;
        // Microseconds are what most moments are counted in.
        if fraction.is_multiple_of(1_000) {
            (fraction, digits) = (fraction / 1_000, 6);
        }
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        out.push(b'.');
        write_padded(u64::from(fraction), digits, out);
    }
}

fn write_padded(number: u64, digits: usize, out: &mut Vec<u8>) {
    // Nearly all are of two digits.
    if let (2, Ok(number @ 0..100)) = (digits, u8::try_from(number)) {
        out.extend_from_slice(&[b'0' + number / 10, b'0' + number % 10]);
        return;
    }
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(number);
    out.extend(std::iter::repeat_n(b'0', digits.saturating_sub(text.len())));
    out.extend_from_slice(text.as_bytes());
}

/// The text with names of months in English, in full or cut short.
fn in_english(text: &str, language: Language, is_short: bool) -> std::borrow::Cow<'_, str> {
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    if language == Language::En {
        return text.into();
    }
    let lower = text.to_lowercase();
    for (names, english) in months(language).iter().zip(ENGLISH) {
        // The longest names come first, so that an abbreviation never cuts one in two.
        for name in names.split(' ') {
            let Some(at) = lower.find(name) else { continue };
            let (before, after) = (&lower[..at], &lower[at + name.len()..]);
            let is_word = !before.ends_with(char::is_alphabetic) && !after.starts_with(char::is_alphabetic);
            if is_word {
                let english = if is_short { &english[..3] } else { english };
                return format!("{before}{english}{after}").into();
            }
        }
    }
    lower.into()
}

/// The names of the months, and how they are cut short.
fn months(language: Language) -> [&'static str; 12] {
    match language {
        Language::En => [""; 12],
        Language::De => [
            "januar jänner jan. jan",
            "februar feber feb. feb",
            "märz mär. mrz. mär mrz",
            "april apr. apr",
            "mai",
            "juni jun. jun",
            "juli jul. jul",
            "august aug. aug",
            "september sept. sep. sept sep",
            "oktober okt. okt",
            "november nov. nov",
            "dezember dez. dez",
        ],
        Language::Fr => [
            "janvier janv. janv",
            "février févr. févr fév",
            "mars",
            "avril avr. avr",
            "mai",
            "juin",
            "juillet juil. juil",
            "août",
            "septembre sept. sept",
            "octobre oct. oct",
            "novembre nov. nov",
            "décembre déc. déc",
        ],
        Language::Es => [
            "enero ene. ene",
            "febrero feb. feb",
            "marzo mar. mar",
            "abril abr. abr",
            "mayo may. may",
            "junio jun. jun",
            "julio jul. jul",
            "agosto ago. ago",
            "septiembre setiembre sept. sep. sept sep",
            "octubre oct. oct",
            "noviembre nov. nov",
            "diciembre dic. dic",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(micros: i64) -> String {
        let mut out = Vec::new();
        write_day(micros.div_euclid(MICROS_PER_DAY), &mut out);
        out.push(b' ');
        write_time(micros.rem_euclid(MICROS_PER_DAY) * 1_000, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn iso_dates_are_read_with_and_without_times_and_offsets() {
        let reader = MomentReader::iso(TimeZone::UTC);
        for (text, expected) in [
            ("2026-03-01", "2026-03-01 00:00:00"),
            ("2026-03-01 10:30:00", "2026-03-01 10:30:00"),
            ("2026-03-01T10:30:00.5", "2026-03-01 10:30:00.5"),
            ("2026-03-01T10:30:00Z", "2026-03-01 10:30:00"),
            ("2026-03-01T10:30:00+02:00", "2026-03-01 08:30:00"),
            ("2026-03-01T10:30", "2026-03-01 10:30:00"),
            ("1969-12-31 23:59:59", "1969-12-31 23:59:59"),
            ("0001-01-01", "0001-01-01 00:00:00"),
        ] {
            assert_eq!(reader.read(text).map(shown).as_deref(), Ok(expected), "{text}");
        }
        for text in ["01.03.2026", "2026-02-30", "20260301", "yesterday", "1772323200", "2026-03-01 25:00:00"]
        {
            assert_eq!(reader.read(text), Err(Reason::DateUnreadable), "{text}");
        }
    }

    #[test]
    fn patterns_are_read_in_their_language_and_zone() {
        let reader = |pattern: &str, zone: &str, language| MomentReader {
            formats: vec![DateFormat::parse(pattern).unwrap()],
            zone: TimeZone::get(zone).unwrap(),
            language,
        };
        for (pattern, zone, language, text, expected) in [
            ("%d.%m.%Y", "UTC", Language::En, "01.03.2026", "2026-03-01 00:00:00"),
            ("%d.%m.%Y %H:%M", "Europe/Berlin", Language::En, "01.07.2026 10:30", "2026-07-01 08:30:00"),
            ("%B %d, %Y", "UTC", Language::En, "March 1, 2026", "2026-03-01 00:00:00"),
            ("%d. %B %Y", "UTC", Language::De, "1. März 2026", "2026-03-01 00:00:00"),
            ("%d %b %Y", "UTC", Language::De, "1 Dez. 2026", "2026-12-01 00:00:00"),
            ("%d %B %Y", "UTC", Language::Fr, "1 février 2026", "2026-02-01 00:00:00"),
            ("%d de %B de %Y", "UTC", Language::Es, "1 de mayo de 2026", "2026-05-01 00:00:00"),
            ("unix_seconds", "UTC", Language::En, "1772323200", "2026-03-01 00:00:00"),
            ("unix_milliseconds", "UTC", Language::En, "1772323200500", "2026-03-01 00:00:00.5"),
        ] {
            let read = reader(pattern, zone, language).read(text);
            assert_eq!(read.map(shown).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_format_that_is_none_is_refused_at_once() {
        for text in ["DD.MM.YYYY", "", "%!"] {
            assert!(DateFormat::parse(text).is_err(), "{text}");
        }
    }
}
