//! Claims about schedules.

mod decisions;
mod mistakes;
mod windows;
mod year;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{CatchUp, ExcludeWindow, Fire, Schedule, ScheduleSpec};

fn schedule(cron: &str, zone: &str) -> Schedule {
    Schedule::new(ScheduleSpec { jitter_ms: Some(0), ..ScheduleSpec::new(cron, zone) }).unwrap()
}

fn with(cron: &str, change: impl FnOnce(&mut ScheduleSpec)) -> Schedule {
    let mut spec = ScheduleSpec { jitter_ms: Some(0), ..ScheduleSpec::new(cron, "UTC") };
    change(&mut spec);
    Schedule::new(spec).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The fires of one UTC span, as `local time -> what the clock shows`.
fn fires(schedule: &Schedule, from: &str, until: &str) -> Vec<Fire> {
    schedule.fires_after(at(from)).take_while(|fire| fire.at < at(until)).collect()
}

fn shown(schedule: &Schedule, from: &str, until: &str) -> Vec<String> {
    let zone: &TimeZone = schedule.zone();
    let local = |fire: &Fire| fire.at.to_zoned(zone.clone()).strftime("%m-%d %H:%M %:z").to_string();
    fires(schedule, from, until).iter().map(local).collect()
}
