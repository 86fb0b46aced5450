//! When a sync is run, as its file says it.

use std::path::Path;

use jiff::civil::{Date, Time, Weekday};
use model::{CatchUp, Error, ExcludeWindow, Overlap, Result, Schedule, ScheduleSpec, Weekdays};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::duration::DurationText;
use super::span::located;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleConfig {
    cron: Spanned<String>,
    zone: Spanned<String>,
    jitter: Option<Spanned<DurationText>>,
    overlap: Option<Overlap>,
    catch_up: Option<Spanned<CatchUp>>,
    #[serde(default)]
    exclude: Vec<Spanned<ExcludeConfig>>,
}

/// Hours of some weekdays, or whole days; which of both is told by the fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExcludeConfig {
    days: Option<Vec<Day>>,
    from: Option<Time>,
    to: Option<Time>,
    first: Option<Date>,
    last: Option<Date>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl ScheduleConfig {
    pub(super) fn schedule(&self, path: &Path) -> Result<Schedule> {
        let exclude = self
            .exclude
            .iter()
            .map(|window| window.value.window().map_err(|error| located(path, window, error)));
        let spec = ScheduleSpec {
            cron: self.cron.value.clone(),
            zone: self.zone.value.clone(),
            jitter_ms: self.jitter.as_ref().map(|jitter| milliseconds(jitter.value)),
            overlap: self.overlap,
            catch_up: self.catch_up.as_ref().map(|catch_up| catch_up.value).unwrap_or_default(),
            exclude: exclude.collect::<Result<_>>()?,
        };
        Schedule::new(spec).map_err(|error| self.refused(path, error))
    }

    /// Shows an error at the field that it is about.
    fn refused(&self, path: &Path, error: Error) -> Error {
        match (error.code(), &self.jitter, &self.catch_up, self.exclude.first()) {
            ("schedule_zone", ..) => located(path, &self.zone, error),
            ("schedule_jitter", Some(jitter), ..) => located(path, jitter, error),
            ("schedule_catch_up", _, Some(catch_up), _) => located(path, catch_up, error),
            ("schedule_exclude", _, _, Some(first)) => located(path, first, error),
            _ => located(path, &self.cron, error),
        }
    }
}

impl ExcludeConfig {
    fn window(&self) -> Result<ExcludeWindow> {
        match self {
            ExcludeConfig { days: None, from: None, to: None, first: Some(first), last } => {
                Ok(ExcludeWindow::Dates { first: *first, last: last.unwrap_or(*first) })
            }
            ExcludeConfig { days, from, to, first: None, last: None }
                if days.is_some() || from.is_some() || to.is_some() =>
            {
                let days = days.as_ref().map(|days| Weekdays::of(days.iter().map(|day| day.weekday())));
                Ok(ExcludeWindow::Hours {
                    days: days.unwrap_or(Weekdays::ALL),
                    from: from.unwrap_or_default(),
                    to: to.unwrap_or_default(),
                })
            }
            _ => Err(Error::config("schedule_exclude", "a window of `exclude` says neither hours nor days")
                .with_remedy("write `{ days: [sat], from: 22:00, to: 06:00 }`, or `{ first: 2026-12-24, last: 2026-12-26 }`")),
        }
    }
}

impl Day {
    fn weekday(self) -> Weekday {
        match self {
            Day::Mon => Weekday::Monday,
            Day::Tue => Weekday::Tuesday,
            Day::Wed => Weekday::Wednesday,
            Day::Thu => Weekday::Thursday,
            Day::Fri => Weekday::Friday,
            Day::Sat => Weekday::Saturday,
            Day::Sun => Weekday::Sunday,
        }
    }
}

fn milliseconds(duration: DurationText) -> u64 {
    u64::try_from(duration.0.as_millis()).unwrap_or(u64::MAX)
}
