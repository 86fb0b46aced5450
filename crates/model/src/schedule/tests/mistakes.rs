//! Schedules that cannot work: refused with a code and a remedy.

use std::time::Duration;

use jiff::civil::{Time, date, time};

use super::{CatchUp, ExcludeWindow, Schedule, ScheduleSpec};
use crate::schedule::{Overlap, Weekdays};

#[track_caller]
fn refused(spec: ScheduleSpec, code: &str, message: &str, remedy: &str) {
    let error = Schedule::new(spec).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.message().contains(message), "no `{message}` in: {error}");
    assert!(error.remedy().unwrap().contains(remedy), "no `{remedy}` in: {:?}", error.remedy());
}

#[test]
fn a_pattern_that_names_no_day_that_exists_is_refused() {
    for cron in ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 *"] {
        refused(ScheduleSpec::new(cron, "UTC"), "schedule_never_fires", cron, "month");
    }
}

#[test]
fn the_rarest_day_that_exists_is_found() {
    let schedule = super::schedule("0 0 29 2 *", "Europe/Berlin");
    let fire = schedule.fires_after(super::at("2097-01-01T00:00:00Z")).next().unwrap();
    assert_eq!(fire.local, date(2104, 2, 29).at(0, 0, 0, 0));
}

#[test]
fn a_wrong_field_is_named() {
    for (cron, message, remedy) in [
        ("60 2 * * *", "`60` is no minute", "0 to 59"),
        ("0 24 * * *", "`24` is no hour", "0 to 23"),
        ("0 2 32 * *", "`32` is no day of the month", "1 to 31"),
        ("0 2 * 13 *", "`13` is no month", "1 to 12"),
        ("0 2 * * 9", "`9` is no day of the week", "Sunday"),
        ("0 2 * *", "4 fields", "write five"),
        ("0 0 2 * * *", "6 fields", "write five"),
        ("", "0 fields", "write five"),
        ("two o'clock", "2 fields", "write five"),
    ] {
        refused(ScheduleSpec::new(cron, "UTC"), "schedule_cron", message, remedy);
    }
}

#[test]
fn an_unknown_zone_is_refused_with_those_of_its_city() {
    for (zone, remedy) in [
        ("Berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("Germany/Berlin", "Europe/Berlin"),
        ("UTC+2", "IANA"),
        ("", "IANA"),
        ("Etc/Unknown", "IANA"),
    ] {
        refused(ScheduleSpec::new("0 2 * * *", zone), "schedule_zone", zone, remedy);
    }
}

#[test]
fn a_jitter_reaches_at_most_half_way_to_the_next_fire() {
    let spec = |cron: &str, jitter_ms| ScheduleSpec { jitter_ms, ..ScheduleSpec::new(cron, "UTC") };
    refused(spec("*/10 * * * *", Some(301_000)), "schedule_jitter", "301 s", "at most 300 s");
    refused(spec("50,59 2 * * *", Some(600_000)), "schedule_jitter", "600 s", "at most 270 s");
    refused(spec("55 23,0 * * *", Some(1_801_000)), "schedule_jitter", "1801 s", "at most 1800 s");
    let kept = Schedule::new(spec("*/10 * * * *", Some(300_000))).unwrap();
    assert!((0..100).all(|id| kept.jitter(&id.to_string()) < Duration::from_secs(300)));
    let by_default = Schedule::new(spec("* * * * *", None)).unwrap();
    assert!((0..100).all(|id| by_default.jitter(&id.to_string()) < Duration::from_secs(30)));
}

#[test]
fn the_same_sync_always_has_the_same_jitter_and_many_are_spread_evenly() {
    let schedule = Schedule::new(ScheduleSpec::new("0 2 * * *", "UTC")).unwrap();
    assert_eq!(schedule.jitter("acme/opportunities"), schedule.jitter("acme/opportunities"));
    let mut by_minute = [0; 5];
    for tenant in 0..5_000 {
        let minute = schedule.jitter(&format!("tenant-{tenant}/deals")).as_secs() / 60;
        by_minute[minute as usize] += 1;
    }
    assert!(by_minute.iter().all(|count| (900..1_100).contains(count)), "{by_minute:?}");
}

#[test]
fn policies_that_contradict_each_other_are_refused() {
    let spec =
        |overlap, catch_up| ScheduleSpec { overlap, catch_up, ..ScheduleSpec::new("0 2 * * *", "UTC") };
    refused(spec(Some(Overlap::Skip), CatchUp::All(3)), "schedule_catch_up", "skip", "remove");
    refused(spec(None, CatchUp::All(0)), "schedule_catch_up", "0 missed", "1 to 100");
    refused(spec(None, CatchUp::All(101)), "schedule_catch_up", "101 missed", "1 to 100");
    assert_eq!(Schedule::new(spec(None, CatchUp::All(3))).unwrap().overlap(), Overlap::Wait);
}

#[test]
fn windows_that_hold_nothing_or_everything_are_refused() {
    let spec = |exclude| ScheduleSpec { exclude: vec![exclude], ..ScheduleSpec::new("0 2 * * *", "UTC") };
    let backwards = ExcludeWindow::Dates { first: date(2026, 2, 2), last: date(2026, 2, 1) };
    refused(spec(backwards), "schedule_exclude", "2026-02-01 is before", "correct");
    let no_day =
        ExcludeWindow::Hours { days: Weekdays::of([]), from: Time::midnight(), to: Time::midnight() };
    refused(spec(no_day), "schedule_exclude", "no day", "correct");
    let night = ExcludeWindow::Hours { days: Weekdays::ALL, from: time(22, 0, 0, 0), to: time(6, 0, 0, 0) };
    refused(spec(night), "schedule_never_fires", "excluded", "exclude");
}
