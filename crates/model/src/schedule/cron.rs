//! A cron pattern on a calendar without time zones: which local times it names.

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{DateTime, date};

use crate::{Error, Result};

/// What each field is called in messages, and what it may hold.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or L"),
    ("month", "1 to 12, or jan to dec"),
    ("day of the week", "0 to 7 from Sunday, or sun to sat"),
];

/// Where patterns are tried out; 400 years later the calendar repeats.
const TRIED_FROM: DateTime = date(2000, 1, 1).at(0, 0, 0, 0);

const MINUTES_OF_DAY: u32 = 24 * 60;

/// A pattern that names some local time at all.
#[derive(Clone, Debug)]
pub(super) struct CronPattern {
    cron: Cron,
    names_every_hour: bool,
}

impl CronPattern {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let cron = parser().parse(text).map_err(|_| refused(text))?;
        // The parser takes six fields and nicknames such as @reboot in some settings; we promise five fields.
        if !text.trim_start().starts_with('@') && text.split_whitespace().count() != FIELDS.len() {
            return Err(refused(text));
        }
        let names_every_hour = (0..24).all(|hour| cron.pattern.hour_match(hour).unwrap_or(false));
        let pattern = Self { cron, names_every_hour };
        if pattern.next(TRIED_FROM, true).is_none() {
            return Err(Error::config("schedule_never_fires", format!("`{text}` names no day that exists"))
                .with_remedy("correct the day of the month or the month"));
        }
        Ok(pattern)
    }

    /// The first local time from `from` on that the pattern names.
    pub(super) fn next(&self, from: DateTime, is_inclusive: bool) -> Option<DateTime> {
        self.cron.find_next_occurrence(&from, is_inclusive).ok()
    }

    /// Whether the pattern leaves no hour out. Such a pattern means a pace and follows the clock; any other one means
    /// times of the day.
    pub(super) fn names_every_hour(&self) -> bool {
        self.names_every_hour
    }

    /// The shortest time between two fires, as if every day were one of the pattern's.
    pub(super) fn shortest_distance(&self) -> Duration {
        let pattern = &self.cron.pattern;
        let hours: Vec<u32> = (0..24).filter(|hour| pattern.hour_match(*hour).unwrap_or(false)).collect();
        let minutes: Vec<u32> =
            (0..60).filter(|minute| pattern.minute_match(*minute).unwrap_or(false)).collect();
        let times = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| hour * 60 + minute));
        let times: Vec<u32> = times.collect();
        let tomorrow = times.first().map(|first| first + MINUTES_OF_DAY);
        let following = times.iter().copied().skip(1).chain(tomorrow);
        let shortest = times.iter().zip(following).map(|(time, next)| next - time).min();
        Duration::from_secs(60 * u64::from(shortest.unwrap_or(MINUTES_OF_DAY)))
    }
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build()
}

/// Says which field is wrong, by trying each among stars.
fn refused(text: &str) -> Error {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Error::config("schedule_cron", format!("`{text}` has {} fields", fields.len())).with_remedy(
            "write five: minute, hour, day of the month, month, day of the week, such as `0 2 * * *`",
        );
    }
    for (position, (field, (name, allowed))) in fields.iter().zip(FIELDS).enumerate() {
        let mut alone = ["*"; FIELDS.len()];
        alone[position] = field;
        if parser().parse(&alone.join(" ")).is_err() {
            return Error::config("schedule_cron", format!("`{field}` is no {name}"))
                .with_remedy(format!("use {allowed}, a range, a list, or a step such as `*/2`"));
        }
    }
    Error::config("schedule_cron", format!("`{text}` is no cron pattern"))
        .with_remedy("write five fields, such as `0 2 * * *` for two o'clock every day")
}
