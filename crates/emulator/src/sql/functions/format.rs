//! Dates and times as text and back, by Snowflake's format models.

use jiff::civil::Date;

const SECOND_NS: i64 = 1_000_000_000;
const MONTHS: [&str; 12] = [
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
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// From this number of seconds on, a bare number counts milliseconds; times a thousand, microseconds; and so on.
const EPOCH_SECONDS_END: i128 = 31_536_000_000;

/// A reading of calendar and clock, with the offset that was written with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Days since 1970-01-01.
    pub days: i64,
    pub nanoseconds: i64,
    pub offset_minutes: Option<i32>,
}

pub(crate) fn date_of(days: i64) -> Option<Date> {
    Date::new(1970, 1, 1).ok()?.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

pub(crate) fn days_of(date: Date) -> i64 {
    let epoch = Date::constant(1970, 1, 1);
    i64::from(epoch.until(date).map_or(0, |span| span.get_days()))
}

/// One element of a format model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element<'f> {
    Year4,
    Year2,
    Month,
    MonthShort,
    MonthLong,
    Day,
    DayName,
    Hour24,
    Hour12,
    Meridian,
    Minute,
    Second,
    Fraction(u8),
    ZoneHour,
    ZoneMinute,
    Text(&'f str),
}

const NAMED: [(&str, Element<'static>); 18] = [
    ("YYYY", Element::Year4),
    ("UUUU", Element::Year4),
    ("YY", Element::Year2),
    ("MMMM", Element::MonthLong),
    ("MON", Element::MonthShort),
    ("MM", Element::Month),
    ("MI", Element::Minute),
    ("DD", Element::Day),
    ("DY", Element::DayName),
    ("HH24", Element::Hour24),
    ("HH12", Element::Hour12),
    ("HH", Element::Hour24),
    ("AM", Element::Meridian),
    ("PM", Element::Meridian),
    ("SS", Element::Second),
    ("TZH", Element::ZoneHour),
    ("TZM", Element::ZoneMinute),
    ("FF", Element::Fraction(9)),
];

/// The next element of a format and what is left behind it.
fn next_element(format: &str) -> Option<(Element<'_>, &str)> {
    if let Some(rest) = format.strip_prefix('"') {
        let end = rest.find('"')?;
        return Some((Element::Text(&rest[..end]), &rest[end + 1..]));
    }
    for (name, element) in NAMED {
        if format.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            let rest = &format[name.len()..];
            let digit = rest.bytes().next().filter(u8::is_ascii_digit);
            return Some(match (element, digit) {
                (Element::Fraction(_), Some(digit)) => (Element::Fraction(digit - b'0'), &rest[1..]),
                _ => (element, rest),
            });
        }
    }
    let length = format.chars().next()?.len_utf8();
    Some((Element::Text(&format[..length]), &format[length..]))
}

/// Writes a local reading; `offset_minutes` is what TZH and TZM print.
pub(crate) fn write(days: i64, nanoseconds: i64, offset_minutes: i32, format: &str) -> Option<String> {
    let date = date_of(days)?;
    let seconds = nanoseconds / SECOND_NS;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = String::with_capacity(format.len() + 8);
    let mut rest = format;
    while let Some((element, after)) = next_element(rest) {
        rest = after;
        let month = usize::try_from(date.month() - 1).ok()?;
        match element {
            Element::Year4 => text.push_str(&format!("{:04}", date.year())),
            Element::Year2 => text.push_str(&format!("{:02}", date.year().rem_euclid(100))),
            Element::Month => text.push_str(&format!("{:02}", date.month())),
            Element::MonthShort => text.push_str(&MONTHS[month][..3]),
            Element::MonthLong => text.push_str(MONTHS[month]),
            Element::Day => text.push_str(&format!("{:02}", date.day())),
            Element::DayName => {
                text.push_str(DAYS[usize::try_from(date.weekday().to_monday_zero_offset()).ok()?]);
            }
            Element::Hour24 => text.push_str(&format!("{hour:02}")),
            Element::Hour12 => text.push_str(&format!("{:02}", (hour + 11) % 12 + 1)),
            Element::Meridian => text.push_str(if hour < 12 { "AM" } else { "PM" }),
            Element::Minute => text.push_str(&format!("{minute:02}")),
            Element::Second => text.push_str(&format!("{second:02}")),
            Element::Fraction(digits) => {
                let fraction = format!("{:09}", nanoseconds % SECOND_NS);
                text.push_str(&fraction[..usize::from(digits)]);
            }
            Element::ZoneHour => {
                let sign = if offset_minutes < 0 { '-' } else { '+' };
                text.push_str(&format!("{sign}{:02}", offset_minutes.abs() / 60));
            }
            Element::ZoneMinute => text.push_str(&format!("{:02}", offset_minutes.abs() % 60)),
            Element::Text(literal) => text.push_str(literal),
        }
    }
    Some(text)
}

/// Reads a text by a format model, or by itself where the format is `AUTO`.
pub(crate) fn read(text: &str, format: &str) -> Option<Reading> {
    let text = text.trim();
    if format.is_empty() || format.eq_ignore_ascii_case("AUTO") {
        read_automatic(text)
    } else {
        read_by(text, format)
    }
}

/// A text under the cursor.
struct Cursor<'t> {
    rest: &'t str,
}

impl<'t> Cursor<'t> {
    fn digits(&mut self, most: usize) -> Option<&'t str> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        (count > 0).then_some(digits)
    }

    fn number(&mut self, most: usize) -> Option<i64> {
        self.digits(most)?.parse().ok()
    }

    fn take(&mut self, letters: &[char]) -> Option<char> {
        let first = self.rest.chars().next().filter(|letter| letters.contains(letter))?;
        self.rest = &self.rest[first.len_utf8()..];
        Some(first)
    }

    fn name(&mut self, names: &[&str], length: usize) -> Option<usize> {
        let index = names.iter().position(|name| {
            let wanted = &name[..length.min(name.len())];
            self.rest.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted))
        })?;
        self.rest = &self.rest[length.min(names[index].len())..];
        Some(index)
    }

    fn fraction(&mut self) -> Option<i64> {
        let digits = self.digits(usize::MAX)?;
        let padded = format!("{:0<9}", &digits[..digits.len().min(9)]);
        padded.parse().ok()
    }
}

#[derive(Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: i64,
    is_afternoon: Option<bool>,
    zone: Option<(bool, i32, i32)>,
}

impl Parts {
    fn finish(self) -> Option<Reading> {
        let year = i16::try_from(self.year.unwrap_or(1970)).ok()?;
        let month = i8::try_from(self.month.unwrap_or(1)).ok()?;
        let day = i8::try_from(self.day.unwrap_or(1)).ok()?;
        let date = Date::new(year, month, day).ok()?;
        let hour = match self.is_afternoon {
            None => self.hour,
            Some(is_afternoon) => self.hour % 12 + if is_afternoon { 12 } else { 0 },
        };
        if hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let seconds = hour * 3600 + self.minute * 60 + self.second;
        let offset_minutes = self.zone.map(|(is_west, hours, minutes)| {
            let size = hours * 60 + minutes;
            if is_west { -size } else { size }
        });
        Some(Reading {
            days: days_of(date),
            nanoseconds: seconds * SECOND_NS + self.nanoseconds,
            offset_minutes,
        })
    }
}

fn read_by(text: &str, format: &str) -> Option<Reading> {
    let mut cursor = Cursor { rest: text };
    let mut parts = Parts::default();
    let mut rest = format;
    while let Some((element, after)) = next_element(rest) {
        rest = after;
        match element {
            Element::Year4 => parts.year = Some(cursor.number(4)?),
            Element::Year2 => {
                let year = cursor.number(2)?;
                parts.year = Some(if year < 70 { 2000 + year } else { 1900 + year });
            }
            Element::Month => parts.month = Some(cursor.number(2)?),
            Element::MonthShort => parts.month = Some(i64::try_from(cursor.name(&MONTHS, 3)?).ok()? + 1),
            Element::MonthLong => {
                parts.month = Some(i64::try_from(cursor.name(&MONTHS, usize::MAX)?).ok()? + 1);
            }
            Element::Day => parts.day = Some(cursor.number(2)?),
            Element::DayName => {
                cursor.name(&DAYS, 3)?;
            }
            Element::Hour24 | Element::Hour12 => parts.hour = cursor.number(2)?,
            Element::Meridian => parts.is_afternoon = Some(cursor.name(&["AM", "PM"], 2)? == 1),
            Element::Minute => parts.minute = cursor.number(2)?,
            Element::Second => parts.second = cursor.number(2)?,
            Element::Fraction(_) => parts.nanoseconds = cursor.fraction()?,
            Element::ZoneHour => read_zone_hour(&mut cursor, &mut parts)?,
            Element::ZoneMinute => {
                if let (Some(zone), Some(minutes)) = (&mut parts.zone, cursor.number(2)) {
                    zone.2 = i32::try_from(minutes).ok()?;
                }
            }
            Element::Text(literal) => {
                cursor.rest = cursor.rest.strip_prefix(literal).or_else(|| {
                    // Behind a bare Z no colon of "TZH:TZM" follows.
                    (cursor.rest.is_empty() && parts.zone.is_some()).then_some("")
                })?;
            }
        }
    }
    if cursor.rest.is_empty() { parts.finish() } else { None }
}

fn read_zone_hour(cursor: &mut Cursor<'_>, parts: &mut Parts) -> Option<()> {
    if cursor.take(&['Z', 'z']).is_some() {
        parts.zone = Some((false, 0, 0));
        return Some(());
    }
    let is_west = cursor.take(&['+', '-'])? == '-';
    parts.zone = Some((is_west, i32::try_from(cursor.number(2)?).ok()?, 0));
    Some(())
}

fn read_automatic(text: &str) -> Option<Reading> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() != 8 {
        return read_epoch(text);
    }
    let mut cursor = Cursor { rest: text };
    let mut parts = Parts::default();
    let has_date = read_automatic_date(&mut cursor, &mut parts);
    if !has_date {
        cursor.rest = text;
        parts = Parts::default();
    } else if cursor.rest.is_empty() {
        return parts.finish();
    } else {
        cursor.take(&['T', 't', ' '])?;
        cursor.rest = cursor.rest.trim_start();
    }
    parts.hour = cursor.number(2)?;
    cursor.take(&[':'])?;
    parts.minute = cursor.number(2)?;
    if cursor.take(&[':']).is_some() {
        parts.second = cursor.number(2)?;
        if cursor.take(&['.', ',']).is_some() {
            parts.nanoseconds = cursor.fraction()?;
        }
    }
    cursor.rest = cursor.rest.trim_start();
    if let Some(index) = cursor.name(&["AM", "PM"], 2) {
        parts.is_afternoon = Some(index == 1);
        cursor.rest = cursor.rest.trim_start();
    }
    if !cursor.rest.is_empty() {
        read_zone_hour(&mut cursor, &mut parts)?;
        cursor.take(&[':']);
        if let (Some(zone), Some(minutes)) = (&mut parts.zone, cursor.number(2)) {
            zone.2 = i32::try_from(minutes).ok()?;
        }
    }
    if cursor.rest.is_empty() { parts.finish() } else { None }
}

/// `YYYY-MM-DD`, `YYYYMMDD`, `MM/DD/YYYY` or `DD-MON-YYYY`.
fn read_automatic_date(cursor: &mut Cursor<'_>, parts: &mut Parts) -> bool {
    let start = cursor.rest;
    for (format, length) in [("YYYY-MM-DD", 10), ("MM/DD/YYYY", 10), ("DD-MON-YYYY", 11), ("YYYYMMDD", 8)] {
        // Months and days may be written with one digit, so the length is only the longest it can be.
        for length in (8.min(length)..=length).rev() {
            let Some(candidate) = start.get(..length) else { continue };
            let ends_there = !start[length..].starts_with(|letter: char| letter.is_ascii_digit());
            if let Some(reading) = read_by(candidate, format).filter(|_| ends_there)
                && let Some(date) = date_of(reading.days)
            {
                parts.year = Some(i64::from(date.year()));
                parts.month = Some(i64::from(date.month()));
                parts.day = Some(i64::from(date.day()));
                cursor.rest = &start[length..];
                return true;
            }
        }
    }
    false
}

/// A bare number: seconds since 1970, or thousandths of what would be too many of them.
fn read_epoch(text: &str) -> Option<Reading> {
    let number: i128 = text.parse().ok()?;
    let mut scale = 1;
    while scale < i128::from(SECOND_NS) && number.abs() >= EPOCH_SECONDS_END * scale {
        scale *= 1_000;
    }
    let nanoseconds = number * (i128::from(SECOND_NS) / scale);
    let day = i128::from(SECOND_NS) * 86_400;
    Some(Reading {
        days: i64::try_from(nanoseconds.div_euclid(day)).ok()?,
        nanoseconds: i64::try_from(nanoseconds.rem_euclid(day)).ok()?,
        offset_minutes: Some(0),
    })
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    fn again(text: &str, format: &str) -> Option<String> {
        let reading = read(text, format)?;
        write(
            reading.days,
            reading.nanoseconds,
            reading.offset_minutes.unwrap_or(0),
            "YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM",
        )
    }

    #[test]
    fn the_automatic_formats_are_understood() {
        for (text, expected) in [
            ("2024-02-29", "2024-02-29 00:00:00.000000000 +00:00"),
            ("2024-02-29 13:14", "2024-02-29 13:14:00.000000000 +00:00"),
            ("2024-02-29T13:14:15.123456789Z", "2024-02-29 13:14:15.123456789 +00:00"),
            ("2024-02-29 13:14:15.5 -0830", "2024-02-29 13:14:15.500000000 -08:30"),
            ("2024-02-29 13:14:15+02", "2024-02-29 13:14:15.000000000 +02:00"),
            ("1700000000", "2023-11-14 22:13:20.000000000 +00:00"),
            ("1700000000123", "2023-11-14 22:13:20.123000000 +00:00"),
            ("3/4/2024", "2024-03-04 00:00:00.000000000 +00:00"),
            ("10:20:30", "1970-01-01 10:20:30.000000000 +00:00"),
            ("9999-12-31 23:59:59", "9999-12-31 23:59:59.000000000 +00:00"),
        ] {
            assert_eq!(again(text, "AUTO").as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_day_that_does_not_exist_is_not_read() {
        assert_eq!(read("2023-02-29", "AUTO"), None);
        assert_eq!(read("2023-02-20 25:00:00", "AUTO"), None);
        assert_eq!(read("tomorrow", "AUTO"), None);
    }

    #[test]
    fn a_format_model_reads_and_writes() {
        let format = "DD-MON-YYYY HH12:MI:SS.FF3 PM";
        assert_eq!(
            again("07-Nov-2023 01:02:03.456 pm", format).as_deref(),
            Some("2023-11-07 13:02:03.456000000 +00:00")
        );
        assert_eq!(
            write(19_668, 13 * 3_600_000_000_000, 0, "DY, DD MMMM YY \"at\" HH12PM").as_deref(),
            Some("Tue, 07 November 23 at 01PM")
        );
    }
}
