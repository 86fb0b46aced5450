//! Claims about times at which nothing starts.

use jiff::civil::{Time, Weekday, date, time};

use super::{ExcludeWindow, at, shown, with};
use crate::schedule::{Decision, ScheduleState, WaitReason, Weekdays};

fn hours(days: Weekdays, from: Time, to: Time) -> ExcludeWindow {
    ExcludeWindow::Hours { days, from, to }
}

#[test]
fn a_window_ends_before_its_last_minute() {
    let office = hours(Weekdays::ALL, time(8, 0, 0, 0), time(18, 0, 0, 0));
    let schedule = with("0 */2 * * *", |spec| spec.exclude = vec![office]);
    let shown = shown(&schedule, "2026-05-01T06:00:00Z", "2026-05-01T20:30:00Z");
    assert_eq!(shown, ["05-01 18:00 +00:00", "05-01 20:00 +00:00"]);
}

#[test]
fn a_window_through_midnight_belongs_to_the_day_on_which_it_begins() {
    let friday_night = hours(Weekdays::of([Weekday::Friday]), time(22, 0, 0, 0), time(6, 0, 0, 0));
    let schedule = with("0 1,23 * * *", |spec| spec.exclude = vec![friday_night]);
    // 2026-05-01 is a Friday.
    let shown = shown(&schedule, "2026-04-30T12:00:00Z", "2026-05-03T00:00:00Z");
    assert_eq!(shown, ["04-30 23:00 +00:00", "05-01 01:00 +00:00", "05-02 23:00 +00:00"]);
}

#[test]
fn whole_days_are_left_out() {
    let holidays = ExcludeWindow::Dates { first: date(2026, 12, 24), last: date(2026, 12, 26) };
    let sundays = hours(Weekdays::of([Weekday::Sunday]), Time::midnight(), Time::midnight());
    let schedule = with("0 2 * * *", |spec| spec.exclude = vec![holidays, sundays]);
    // 2026-12-27 is a Sunday.
    let shown = shown(&schedule, "2026-12-22T12:00:00Z", "2026-12-30T00:00:00Z");
    assert_eq!(shown, ["12-23 02:00 +00:00", "12-28 02:00 +00:00", "12-29 02:00 +00:00"]);
}

#[test]
fn a_fire_that_is_late_waits_for_the_end_of_windows_that_follow_each_other() {
    let windows = vec![
        hours(Weekdays::ALL, time(8, 0, 0, 0), time(12, 0, 0, 0)),
        hours(Weekdays::ALL, time(12, 0, 0, 0), time(18, 0, 0, 0)),
    ];
    let schedule = with("0 7 * * *", |spec| spec.exclude = windows);
    let state = ScheduleState { settled_until: at("2026-05-01T00:00:00Z"), has_open_run: false, hold: None };
    let decision = schedule.decide("a", state, at("2026-05-01T09:00:00Z"));
    let Decision::Wait { reason: WaitReason::Excluded(fire), until } = decision else { panic!("{decision}") };
    assert_eq!(fire.at, at("2026-05-01T07:00:00Z"));
    assert_eq!(until, Some(at("2026-05-01T18:00:00Z")));
    let decision = schedule.decide("a", state, at("2026-05-01T18:00:00Z"));
    assert!(matches!(decision, Decision::Run { .. }), "{decision}");
}
