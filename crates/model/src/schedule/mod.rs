//! When a sync is run: a cron pattern in a time zone, and what becomes of fires that are late, in the way or not wanted.
//!
//! Nothing here reads a clock: "now" is an argument, so a year can be played in a moment. [`Schedule::decide`] is the one
//! decision; whoever asks it again with the same state and the same time gets the same answer.

mod catch_up;
mod cron;
mod decision;
mod exclude;
mod fires;
mod jitter;
mod zone;

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use catch_up::{CatchUp, Overlap};
pub use decision::{Decision, Hold, Passed, ScheduleState, WaitReason};
pub use exclude::{ExcludeWindow, Weekdays};
pub use fires::{ClockChange, Fire};

use crate::{Error, Result};
use cron::CronPattern;

/// How far apart the syncs that name the same time start, unless they say otherwise: thousands of them at
/// `0 2 * * *` would ask the same accounts and databases in the same second.
const JITTER_DEFAULT: Duration = Duration::from_secs(5 * 60);

/// A schedule as it is written, stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSpec {
    /// Five fields: minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// A name of the IANA time zone database, such as `Europe/Berlin`.
    pub zone: String,
    /// Starts are spread over this long after each fire; five minutes unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<u64>,
    /// What becomes of a fire while the run before is still going.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// What becomes of fires that were missed.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// When nothing is started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<ExcludeWindow>,
}

impl ScheduleSpec {
    /// A schedule that leaves everything but the time to the defaults.
    pub fn new(cron: impl Into<String>, zone: impl Into<String>) -> Self {
        Self {
            cron: cron.into(),
            zone: zone.into(),
            jitter_ms: None,
            overlap: None,
            catch_up: CatchUp::default(),
            exclude: Vec::new(),
        }
    }
}

/// A schedule that was read and makes sense: its zone exists and it fires.
#[derive(Clone, Debug)]
pub struct Schedule {
    spec: ScheduleSpec,
    cron: CronPattern,
    zone: TimeZone,
    overlap: Overlap,
    jitter_max: Duration,
}

impl Schedule {
    /// Reads a schedule; one that can never fire is refused.
    pub fn new(spec: ScheduleSpec) -> Result<Self> {
        let zone = zone::find(&spec.zone)?;
        let cron = CronPattern::parse(&spec.cron)?;
        spec.exclude.iter().try_for_each(ExcludeWindow::check)?;
        let overlap = catch_up::overlap(spec.overlap, spec.catch_up)?;
        let jitter_max = jitter_max(&spec, &cron)?;
        let schedule = Self { spec, cron, zone, overlap, jitter_max };
        schedule.refuse_when_every_fire_is_excluded()?;
        Ok(schedule)
    }

    /// The schedule as it was written.
    pub fn spec(&self) -> &ScheduleSpec {
        &self.spec
    }

    /// The time zone that the pattern is read in.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// What becomes of a fire while the run before is still going.
    pub fn overlap(&self) -> Overlap {
        self.overlap
    }

    /// How long after each fire the sync called `id` starts: always the same for one sync, spread evenly over all.
    pub fn jitter(&self, id: &str) -> Duration {
        jitter::of(id, self.jitter_max)
    }

    /// Fires after `after`, oldest first, without those that are excluded.
    pub fn fires_after(&self, after: Timestamp) -> impl Iterator<Item = Fire> {
        self.all_fires_after(after).take(fires::LOOKED_AT_MAX).filter(|fire| !self.is_excluded(fire.at))
    }

    /// Whether nothing may start at `at`.
    pub fn is_excluded(&self, at: Timestamp) -> bool {
        let local = self.zone.to_datetime(at);
        self.spec.exclude.iter().any(|window| window.contains(local))
    }

    fn all_fires_after(&self, after: Timestamp) -> fires::Fires<'_> {
        fires::Fires::after(&self.cron, &self.zone, after)
    }

    fn refuse_when_every_fire_is_excluded(&self) -> Result<()> {
        // Windows repeat weekly or end, so what holds from some moment on holds from any.
        let from = Timestamp::UNIX_EPOCH;
        if self.spec.exclude.is_empty() || self.fires_after(from).next().is_some() {
            return Ok(());
        }
        Err(Error::config("schedule_never_fires", "every fire of the schedule is excluded")
            .with_remedy("correct `exclude`, or move the fires out of it"))
    }
}

/// Half the shortest distance between two fires is the most that keeps a start closer to its own fire than to the next.
fn jitter_max(spec: &ScheduleSpec, cron: &CronPattern) -> Result<Duration> {
    let most = cron.shortest_distance() / 2;
    let Some(asked) = spec.jitter_ms.map(Duration::from_millis) else {
        return Ok(JITTER_DEFAULT.min(most));
    };
    if asked <= most {
        return Ok(asked);
    }
    let message = format!(
        "a jitter of {} s is more than half the {} s between two fires",
        asked.as_secs(),
        most.as_secs() * 2
    );
    Err(Error::config("schedule_jitter", message)
        .with_remedy(format!("use at most {} s, or let the cron pattern fire less often", most.as_secs())))
}
