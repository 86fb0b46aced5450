//! Claims about what is due: on time, late, in the way of a run, held, and over a whole year of restarts.

use jiff::{Span, Timestamp};
use proptest::prelude::*;

use super::{CatchUp, Schedule, ScheduleSpec, at, schedule, with};
use crate::schedule::{Decision, Hold, Overlap, Passed, ScheduleState, WaitReason};

fn settled(until: &str) -> ScheduleState {
    ScheduleState { settled_until: at(until), has_open_run: false, hold: None }
}

fn run(decision: &Decision) -> (Timestamp, usize) {
    let Decision::Run { fire, missed } = decision else { panic!("{decision}") };
    (fire.at, *missed)
}

#[test]
fn a_fire_is_due_at_its_moment_and_not_before() {
    let daily = schedule("0 2 * * *", "UTC");
    let state = settled("2026-05-01T02:00:00Z");
    let early = daily.decide("a", state, at("2026-05-02T01:59:59.999Z"));
    assert!(
        matches!(early, Decision::Wait { reason: WaitReason::NotDue(_), until: Some(until) } if until == at("2026-05-02T02:00:00Z")),
        "{early}"
    );
    assert_eq!(run(&daily.decide("a", state, at("2026-05-02T02:00:00Z"))), (at("2026-05-02T02:00:00Z"), 0));
}

#[test]
fn a_jitter_delays_the_start_and_not_the_fire() {
    let daily = Schedule::new(ScheduleSpec::new("0 2 * * *", "UTC")).unwrap();
    let state = settled("2026-05-01T02:00:00Z");
    let start = at("2026-05-02T02:00:00Z") + Span::try_from(daily.jitter("acme/deals")).unwrap();
    let early = daily.decide("acme/deals", state, start - Span::new().milliseconds(1));
    assert!(matches!(early, Decision::Wait { until: Some(until), .. } if until == start), "{early}");
    assert_eq!(run(&daily.decide("acme/deals", state, start)), (at("2026-05-02T02:00:00Z"), 0));
}

#[test]
fn one_run_stands_for_all_missed_fires() {
    let hourly = schedule("0 * * * *", "UTC");
    let state = settled("2026-05-01T00:00:00Z");
    assert_eq!(run(&hourly.decide("a", state, at("2026-05-01T05:30:00Z"))), (at("2026-05-01T05:00:00Z"), 4));
}

#[test]
fn after_a_year_of_absence_the_latest_fire_is_still_found() {
    let state = settled("2025-05-01T00:00:00Z");
    let minutely = schedule("* * * * *", "UTC");
    let (latest, missed) = run(&minutely.decide("a", state, at("2026-05-01T00:00:30Z")));
    assert_eq!((latest, missed), (at("2026-05-01T00:00:00Z"), 1_000));
    // A day of the year on which it fires every minute, half a year ago.
    let rare = schedule("* * 1 11 *", "UTC");
    let (latest, _) = run(&rare.decide("a", state, at("2026-05-01T00:00:30Z")));
    assert_eq!(latest, at("2025-11-01T23:59:00Z"));
}

#[test]
fn nothing_is_caught_up_where_that_is_not_wanted() {
    let hourly = with("0 * * * *", |spec| spec.catch_up = CatchUp::None);
    let state = settled("2026-05-01T00:00:00Z");
    let late = hourly.decide("a", state, at("2026-05-01T05:30:00Z"));
    let Decision::Pass { fire, passed: Passed::Missed, missed: 4 } = late else { panic!("{late}") };
    assert_eq!(fire.at, at("2026-05-01T05:00:00Z"));
    // A restart of the scheduler is not an outage.
    assert_eq!(run(&hourly.decide("a", state, at("2026-05-01T05:04:00Z"))), (at("2026-05-01T05:00:00Z"), 4));
}

#[test]
fn every_missed_fire_is_caught_up_in_order_up_to_the_bound() {
    let hourly = with("0 * * * *", |spec| spec.catch_up = CatchUp::All(3));
    let now = at("2026-05-01T05:30:00Z");
    let mut state = settled("2026-05-01T00:00:00Z");
    let mut caught_up = Vec::new();
    while let Decision::Run { fire, missed } = hourly.decide("a", state, now) {
        caught_up.push((fire.at, missed));
        state.settled_until = fire.at;
    }
    let expected = [("2026-05-01T03:00:00Z", 2), ("2026-05-01T04:00:00Z", 0), ("2026-05-01T05:00:00Z", 0)];
    assert_eq!(caught_up, expected.map(|(fire, missed)| (at(fire), missed)));
}

#[test]
fn a_fire_during_a_run_is_skipped_or_waits() {
    let now = at("2026-05-01T02:30:00Z");
    let state = ScheduleState { has_open_run: true, ..settled("2026-05-01T00:30:00Z") };
    let skipped = schedule("0 * * * *", "UTC").decide("a", state, now);
    assert!(matches!(skipped, Decision::Pass { passed: Passed::Overlap, missed: 1, .. }), "{skipped}");
    let waiting = with("0 * * * *", |spec| spec.overlap = Some(Overlap::Wait));
    let decision = waiting.decide("a", state, now);
    assert!(matches!(decision, Decision::Wait { reason: WaitReason::Overlap(_), .. }), "{decision}");
    let ended = ScheduleState { has_open_run: false, ..state };
    assert_eq!(run(&waiting.decide("a", ended, now)).0, at("2026-05-01T02:00:00Z"));
}

#[test]
fn what_is_held_does_not_run_and_says_why() {
    for (hold, word) in [(Hold::Paused, "paused"), (Hold::Closed, "closed"), (Hold::Suspended, "suspended")] {
        let state = ScheduleState { hold: Some(hold), ..settled("2026-05-01T00:00:00Z") };
        let decision = schedule("0 * * * *", "UTC").decide("a", state, at("2026-05-02T00:00:00Z"));
        assert!(matches!(decision, Decision::Wait { until: None, .. }), "{decision}");
        assert!(decision.to_string().contains(word), "{decision}");
    }
}

#[test]
fn a_clock_that_is_set_back_starts_nothing_twice() {
    let hourly = schedule("0 * * * *", "UTC");
    let state = settled("2026-05-01T05:00:00Z");
    for now in ["2026-05-01T04:30:00Z", "2026-05-01T05:00:00Z", "2020-01-01T00:00:00Z"] {
        let decision = hourly.decide("a", state, at(now));
        assert!(
            matches!(decision, Decision::Wait { reason: WaitReason::NotDue(_), .. }),
            "{now}: {decision}"
        );
    }
}

#[test]
fn decisions_read_as_sentences() {
    let hourly = schedule("0 * * * *", "UTC");
    let state = settled("2026-05-01T00:00:00Z");
    let words = |now: &str, state| hourly.decide("a", state, at(now)).to_string();
    assert_eq!(
        words("2026-05-01T02:30:00Z", state),
        "due since 2026-05-01T02:00:00Z, and one before it was missed"
    );
    assert_eq!(
        words("2026-05-01T00:30:00Z", state),
        "the next fire is that of 2026-05-01T01:00:00Z; nothing happens before 2026-05-01T01:00:00Z"
    );
    assert_eq!(
        words("2026-05-01T01:30:00Z", ScheduleState { has_open_run: true, ..state }),
        "the fire of 2026-05-01T01:00:00Z was passed over: the run before was still going"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// A scheduler that looks at random moments deals with every fire exactly once, whatever the jumps of the clock.
    #[test]
    fn every_fire_is_dealt_with_once_by_a_scheduler_that_comes_and_goes(
        zone in prop::sample::select(vec!["Europe/Berlin", "Australia/Lord_Howe", "America/New_York"]),
        cron in prop::sample::select(vec!["0 2 * * *", "30 1,2,14 * * *", "*/20 * * * *"]),
        id in "[a-z]{1,8}",
        pauses_s in prop::collection::vec(1_i64..30_000, 200),
        month in 1_u8..12,
    ) {
        let schedule = Schedule::new(ScheduleSpec::new(cron, zone)).unwrap();
        let start = at(&format!("2026-{month:02}-20T00:00:00Z"));
        let mut state = ScheduleState { settled_until: start, has_open_run: false, hold: None };
        let (mut now, mut dealt_with, mut last) = (start, 0, None);
        for pause in pauses_s {
            now += Span::new().seconds(pause);
            if let Decision::Run { fire, missed } = schedule.decide(&id, state, now) {
                prop_assert!(last < Some(fire.at) && fire.at <= now);
                dealt_with += missed + 1;
                last = Some(fire.at);
                state.settled_until = fire.at;
            }
        }
        let jitter = Span::try_from(schedule.jitter(&id)).unwrap();
        let expected = schedule.fires_after(start).take_while(|fire| fire.at + jitter <= now).count();
        prop_assert_eq!(dealt_with, expected);
    }
}
