//! When nothing is started: hours of some weekdays, or days of a holiday.

use jiff::civil::{Date, DateTime, Time, Weekday};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A time, in the schedule's zone, during which nothing is started. What is running goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExcludeWindow {
    /// From `from` up to, and without, `to`, on the days on which it begins. `to` at or before `from` is on the next day.
    Hours { days: Weekdays, from: Time, to: Time },
    /// Whole days, both included.
    Dates { first: Date, last: Date },
}

/// A set of days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);

    /// Exactly these days.
    pub fn of(days: impl IntoIterator<Item = Weekday>) -> Self {
        Self(days.into_iter().fold(0, |set, day| set | 1 << day.to_monday_zero_offset()))
    }

    fn contains(self, day: Weekday) -> bool {
        self.0 >> day.to_monday_zero_offset() & 1 == 1
    }
}

impl ExcludeWindow {
    pub(super) fn check(&self) -> Result<()> {
        let message = match self {
            ExcludeWindow::Dates { first, last } if first > last => {
                format!("{last} is before {first}")
            }
            ExcludeWindow::Hours { days: Weekdays(0), .. } => "no day is named".to_owned(),
            _ => return Ok(()),
        };
        Err(Error::config("schedule_exclude", format!("a window of `exclude` is empty: {message}"))
            .with_remedy("correct the window, or remove it"))
    }

    pub(super) fn contains(&self, local: DateTime) -> bool {
        self.end(local).is_some()
    }

    /// When the window that `local` is in ends; nothing where it is in none.
    pub(super) fn end(&self, local: DateTime) -> Option<DateTime> {
        match *self {
            ExcludeWindow::Dates { first, last } => {
                let is_inside = (first..=last).contains(&local.date());
                is_inside.then(|| last.tomorrow().ok()).flatten().map(|day| day.to_datetime(Time::midnight()))
            }
            ExcludeWindow::Hours { days, from, to } => {
                let yesterday = local.date().yesterday().ok();
                [Some(local.date()), yesterday].into_iter().flatten().find_map(|day| {
                    let last = if to > from { day } else { day.tomorrow().ok()? };
                    let (begin, end) = (day.to_datetime(from), last.to_datetime(to));
                    (days.contains(day.weekday()) && begin <= local && local < end).then_some(end)
                })
            }
        }
    }
}
