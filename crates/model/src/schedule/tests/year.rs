//! Every fire of a whole year in zones whose clocks jump in different ways, against a slow reading of the same rules.

use std::collections::BTreeSet;

use jiff::civil::{DateTime, date};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};
use proptest::prelude::*;

use super::{at, fires, schedule, shown};
use crate::schedule::ClockChange;

/// What a minute of a local clock has to look like; all fields are plain lists.
struct Named {
    text: &'static str,
    minutes: &'static [i8],
    hours: &'static [i8],
    /// Any day where empty.
    days: &'static [i8],
}

const EVERY_HOUR: [i8; 24] =
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23];

const PATTERNS: [Named; 7] = [
    Named { text: "0 2 * * *", minutes: &[0], hours: &[2], days: &[] },
    Named { text: "30 2 * * *", minutes: &[30], hours: &[2], days: &[] },
    Named { text: "0 0 * * *", minutes: &[0], hours: &[0], days: &[] },
    Named { text: "15,45 1,2,3 * * *", minutes: &[15, 45], hours: &[1, 2, 3], days: &[] },
    Named { text: "*/30 * * * *", minutes: &[0, 30], hours: &EVERY_HOUR, days: &[] },
    Named { text: "5 * * * *", minutes: &[5], hours: &EVERY_HOUR, days: &[] },
    Named { text: "59 23 31 * *", minutes: &[59], hours: &[23], days: &[31] },
];

/// Zones and years: an hour at night, half an hour, midnight that does not exist, a day that does not exist, none.
const ZONES: [(&str, i16); 7] = [
    ("Europe/Berlin", 2026),
    ("America/New_York", 2026),
    ("Australia/Lord_Howe", 2026),
    ("Asia/Kolkata", 2026),
    ("America/Sao_Paulo", 2018),
    ("Pacific/Apia", 2011),
    ("Africa/Casablanca", 2026),
];

impl Named {
    fn names(&self, local: DateTime) -> bool {
        self.minutes.contains(&local.minute())
            && self.hours.contains(&local.hour())
            && (self.days.is_empty() || self.days.contains(&local.day()))
    }

    /// The rules of docs/schedule.md, minute by minute and without a thought for time.
    fn year(&self, zone: &TimeZone, year: i16) -> BTreeSet<Timestamp> {
        let minute = Span::new().minutes(1);
        let follows_clock = self.hours.len() == 24;
        let in_year = |at: &Timestamp| at.to_zoned(TimeZone::UTC).year() == year;
        let begin = date(year, 1, 1).at(0, 0, 0, 0).checked_sub(Span::new().days(2)).unwrap();
        let end = date(year + 1, 1, 1).at(0, 0, 0, 0).checked_add(Span::new().days(2)).unwrap();
        let mut expected = BTreeSet::new();
        let mut local = begin;
        while local < end {
            if self.names(local) {
                let ambiguous = zone.to_ambiguous_timestamp(local);
                match ambiguous.offset() {
                    AmbiguousOffset::Unambiguous { .. } => {
                        expected.insert(ambiguous.earlier().unwrap());
                    }
                    AmbiguousOffset::Fold { .. } => {
                        expected.insert(ambiguous.earlier().unwrap());
                        if follows_clock {
                            expected.insert(zone.to_ambiguous_timestamp(local).later().unwrap());
                        }
                    }
                    AmbiguousOffset::Gap { .. } if follows_clock => {}
                    AmbiguousOffset::Gap { before, .. } => {
                        // The moment of the jump is the next one after any instant before it.
                        let just_before = before.to_timestamp(local).unwrap() - Span::new().hours(25);
                        let jumps = zone.following(just_before).map(|jump| jump.timestamp());
                        let jump = jumps.take_while(|jump| *jump <= before.to_timestamp(local).unwrap());
                        expected.insert(jump.last().unwrap());
                    }
                }
            }
            local = local.checked_add(minute).unwrap();
        }
        expected.into_iter().filter(in_year).collect()
    }
}

#[test]
fn every_fire_of_a_year_is_where_the_rules_say() {
    for (zone, year) in ZONES {
        for pattern in &PATTERNS {
            let schedule = schedule(pattern.text, zone);
            let expected: Vec<Timestamp> = pattern.year(schedule.zone(), year).into_iter().collect();
            let from = format!("{}-12-31T23:59:59Z", year - 1);
            let until = format!("{}-01-01T00:00:00Z", year + 1);
            let found: Vec<Timestamp> = schedule
                .all_fires_after(at(&from))
                .map(|fire| fire.at)
                .take_while(|fire| *fire < at(&until))
                .collect();
            assert_eq!(found.len(), expected.len(), "{} in {zone}", pattern.text);
            assert_eq!(found, expected, "{} in {zone}", pattern.text);
        }
    }
}

#[test]
fn a_time_that_is_jumped_over_fires_when_the_clock_jumps() {
    let berlin = schedule("30 2 * * *", "Europe/Berlin");
    let spring = shown(&berlin, "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z");
    assert_eq!(spring, ["03-28 02:30 +01:00", "03-29 03:00 +02:00", "03-30 02:30 +02:00"]);
    let sao_paulo = schedule("0 0 * * *", "America/Sao_Paulo");
    let midnight = shown(&sao_paulo, "2018-11-03T12:00:00Z", "2018-11-05T12:00:00Z");
    assert_eq!(midnight, ["11-04 01:00 -02:00", "11-05 00:00 -02:00"]);
    let apia = schedule("0 2 * * *", "Pacific/Apia");
    let december = shown(&apia, "2011-12-29T00:00:00Z", "2011-12-31T11:00:00Z");
    assert_eq!(december, ["12-29 02:00 -10:00", "12-31 00:00 +14:00", "12-31 02:00 +14:00"]);
}

#[test]
fn two_times_that_are_jumped_over_together_fire_once() {
    let berlin = schedule("0,30 2,3 * * *", "Europe/Berlin");
    let spring = shown(&berlin, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z");
    assert_eq!(spring, ["03-29 03:00 +02:00", "03-29 03:30 +02:00"]);
}

#[test]
fn a_time_that_is_there_twice_fires_the_first_time() {
    let new_york = schedule("30 1 * * *", "America/New_York");
    let autumn = shown(&new_york, "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z");
    assert_eq!(autumn, ["11-01 01:30 -04:00", "11-02 01:30 -05:00"]);
    let lord_howe = schedule("45 1 * * *", "Australia/Lord_Howe");
    let autumn = shown(&lord_howe, "2026-04-03T18:00:00Z", "2026-04-05T18:00:00Z");
    assert_eq!(autumn, ["04-05 01:45 +11:00", "04-06 01:45 +10:30"]);
}

#[test]
fn a_pattern_of_every_hour_keeps_its_pace_through_both_jumps() {
    let berlin = schedule("*/30 * * * *", "Europe/Berlin");
    for (from, until) in
        [("2026-03-29T00:00:00Z", "2026-03-29T06:00:00Z"), ("2026-10-25T00:00:00Z", "2026-10-25T06:00:00Z")]
    {
        let fires = fires(&berlin, from, until);
        assert_eq!(fires.len(), 11, "{from}");
        assert!(fires.windows(2).all(|pair| pair[0].at + Span::new().minutes(30) == pair[1].at), "{from}");
    }
}

#[test]
fn a_fire_says_what_the_clock_did_to_it() {
    let change =
        |cron: &str, from: &str| schedule(cron, "Europe/Berlin").fires_after(at(from)).next().unwrap();
    let skipped = change("30 2 * * *", "2026-03-28T12:00:00Z");
    assert_eq!(skipped.clock_change, Some(ClockChange::Skipped));
    assert_eq!(skipped.local, date(2026, 3, 29).at(2, 30, 0, 0));
    assert_eq!(change("30 2 * * *", "2026-10-24T12:00:00Z").clock_change, Some(ClockChange::First));
    assert_eq!(change("30 * * * *", "2026-10-25T00:59:00Z").clock_change, Some(ClockChange::Second));
    assert_eq!(change("30 3 * * *", "2026-10-24T12:00:00Z").clock_change, None);
}

fn any_pattern() -> impl Strategy<Value = String> {
    let field = |max: u8| {
        prop_oneof![
            2 => Just("*".to_owned()),
            3 => (0..=max).prop_map(|value| value.to_string()),
            1 => (2..=max.max(3) / 2).prop_map(|step| format!("*/{step}")),
            1 => (0..=max, 0..=max).prop_map(|(one, other)| format!("{one},{other}")),
            1 => (0..=max, 0..=max).prop_map(|(one, other)| format!("{}-{}", one.min(other), one.max(other))),
        ]
    };
    (field(59), field(23), prop_oneof![4 => Just("*"), 1 => Just("1"), 1 => Just("29"), 1 => Just("L")])
        .prop_map(|(minute, hour, day)| format!("{minute} {hour} {day} * *"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Two consecutive windows have together exactly the fires of both: none lost, none doubled, all in order.
    #[test]
    fn no_fire_is_lost_or_doubled_between_two_windows(
        pattern in any_pattern(),
        zone in prop::sample::select(ZONES.as_slice()),
        start_s in 0_i64..400 * 86_400,
        first_ms in 0_i64..3 * 86_400_000,
        second_ms in 0_i64..3 * 86_400_000,
    ) {
        let (zone, year) = zone;
        let schedule = schedule(&pattern, zone);
        let start = at(&format!("{year}-01-01T00:00:00Z")) + Span::new().seconds(start_s);
        let middle = start + Span::new().milliseconds(first_ms);
        let end = middle + Span::new().milliseconds(second_ms);
        let window = |from, until| {
            schedule.all_fires_after(from).map(|fire| fire.at).take_while(|at| *at <= until).collect::<Vec<_>>()
        };
        let whole = window(start, end);
        prop_assert!(whole.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(&whole, &[window(start, middle), window(middle, end)].concat());
        // And a fire is always in the future of the moment that it is asked from.
        prop_assert!(whole.iter().all(|fire| *fire > start && *fire <= end));
    }
}
