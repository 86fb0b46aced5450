//! What a schedule wants right now, and why: the one decision, which `snowferry why` prints.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::{CatchUp, Fire, Overlap, Schedule};

/// A fire that starts within this time is not late: schedulers look every few seconds, and may be restarted.
const ON_TIME: Duration = Duration::from_secs(5 * 60);

/// Missed fires that are counted one by one; beyond that the count says "at least".
const COUNTED_MAX: usize = 1_000;

/// Windows that follow each other without a gap are joined, up to so many.
const WINDOWS_JOINED_MAX: usize = 1_000;

/// What is known of a sync when its schedule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleState {
    /// Every fire up to here has been dealt with. It starts as the moment at which the schedule was set.
    pub settled_until: Timestamp,
    /// Whether a run of the sync waits or is going.
    pub has_open_run: bool,
    /// What keeps the sync from running at all.
    pub hold: Option<Hold>,
}

/// What keeps a sync from running at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The sync is paused.
    Paused,
    /// Its tenant is suspended.
    Suspended,
    /// One of its connections is closed.
    Closed,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Start a run for `fire`, and note that everything up to `fire.at` has been dealt with. `missed` earlier fires get
    /// no run of their own.
    Run { fire: Fire, missed: usize },
    /// Start nothing, and note that everything up to `fire.at` has been dealt with.
    Pass { fire: Fire, passed: Passed, missed: usize },
    /// Nothing to do. Ask again at `until`, or when the reason is gone.
    Wait { reason: WaitReason, until: Option<Timestamp> },
}

/// Why a fire gets no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// The run before was still going.
    Overlap,
    /// It was missed, and the schedule does not catch up.
    Missed,
}

/// Why nothing is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// The next fire, with this sync's jitter, is still to come.
    NotDue(Fire),
    /// No fire is to come.
    NoMoreFires,
    /// A fire is due, and the run before is still going.
    Overlap(Fire),
    /// A fire is due, and now is a time during which nothing starts.
    Excluded(Fire),
    Held(Hold),
}

/// Fires that are due and have not been dealt with.
struct Due {
    oldest: Fire,
    latest: Fire,
    count: usize,
}

impl Schedule {
    /// What is to be done at `now` for the sync called `id`.
    pub fn decide(&self, id: &str, state: ScheduleState, now: Timestamp) -> Decision {
        if let Some(hold) = state.hold {
            return Decision::Wait { reason: WaitReason::Held(hold), until: None };
        }
        // A sync with a jitter lives that much behind the schedule's own time.
        let jitter = self.jitter(id);
        let Some(due) = back(now, jitter).and_then(|until| self.due(state.settled_until, until)) else {
            return self.wait_for_next(state.settled_until, jitter);
        };
        if let Some(until) = self.excluded_until(now) {
            return Decision::Wait { reason: WaitReason::Excluded(due.latest), until };
        }
        if state.has_open_run {
            return match self.overlap {
                Overlap::Wait => Decision::Wait { reason: WaitReason::Overlap(due.latest), until: None },
                Overlap::Skip => pass(&due, Passed::Overlap),
            };
        }
        self.catch_up(state.settled_until, due, now, jitter)
    }

    fn catch_up(&self, settled: Timestamp, due: Due, now: Timestamp, jitter: Duration) -> Decision {
        match self.spec.catch_up {
            CatchUp::One => Decision::Run { fire: due.latest, missed: due.count - 1 },
            CatchUp::None if is_on_time(due.latest, now, jitter) => {
                Decision::Run { fire: due.latest, missed: due.count - 1 }
            }
            CatchUp::None => pass(&due, Passed::Missed),
            CatchUp::All(most) => {
                let dropped = due.count.saturating_sub(most as usize);
                let fire = self.fires_after(settled).nth(dropped).unwrap_or(due.oldest);
                Decision::Run { fire, missed: dropped }
            }
        }
    }

    fn wait_for_next(&self, settled: Timestamp, jitter: Duration) -> Decision {
        match self.fires_after(settled).next() {
            Some(fire) => {
                Decision::Wait { reason: WaitReason::NotDue(fire), until: fire.at.checked_add(jitter).ok() }
            }
            None => Decision::Wait { reason: WaitReason::NoMoreFires, until: None },
        }
    }

    /// The fires after `settled` and up to `until`.
    fn due(&self, settled: Timestamp, until: Timestamp) -> Option<Due> {
        let mut fires = self.fires_after(settled).take_while(|fire| fire.at <= until);
        let oldest = fires.next()?;
        let mut due = Due { oldest, latest: oldest, count: 1 };
        for fire in fires.by_ref().take(COUNTED_MAX) {
            due.latest = fire;
            due.count += 1;
        }
        if due.count > COUNTED_MAX {
            due.latest = self.latest_up_to(until, due.latest);
        }
        Some(due)
    }

    /// The last fire up to `until`, where `known` is one: looked for further and further back.
    fn latest_up_to(&self, until: Timestamp, known: Fire) -> Fire {
        let mut reach = Duration::from_secs(3_600);
        loop {
            let from = back(until, reach).unwrap_or(known.at).max(known.at);
            if let Some(latest) = self.fires_after(from).take_while(|fire| fire.at <= until).last() {
                return latest;
            }
            if from == known.at {
                return known;
            }
            reach = reach.saturating_mul(2);
        }
    }

    /// Nothing where `now` is not excluded; the end of the windows that it is in, as far as it is known, where it is.
    fn excluded_until(&self, now: Timestamp) -> Option<Option<Timestamp>> {
        let mut local = self.zone.to_datetime(now);
        let end_of = |local| self.spec.exclude.iter().filter_map(|window| window.end(local)).max();
        local = end_of(local)?;
        for _ in 0..WINDOWS_JOINED_MAX {
            let Some(later) = end_of(local) else {
                return Some(self.zone.to_ambiguous_timestamp(local).compatible().ok());
            };
            local = later;
        }
        Some(None)
    }
}

fn pass(due: &Due, passed: Passed) -> Decision {
    Decision::Pass { fire: due.latest, passed, missed: due.count - 1 }
}

fn is_on_time(fire: Fire, now: Timestamp, jitter: Duration) -> bool {
    back(now, jitter + ON_TIME).is_none_or(|earliest| fire.at >= earliest)
}

fn back(from: Timestamp, by: Duration) -> Option<Timestamp> {
    from.checked_sub(by).ok()
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decision::Run { fire, missed } => {
                write!(f, "due since {}{}", fire.at, Missed(*missed))
            }
            Decision::Pass { fire, passed, missed } => {
                let reason = match passed {
                    Passed::Overlap => "the run before was still going",
                    Passed::Missed => "it was missed, and the schedule does not catch up",
                };
                write!(f, "the fire of {} was passed over: {reason}{}", fire.at, Missed(*missed))
            }
            Decision::Wait { reason, until } => {
                write!(f, "{reason}")?;
                until.map_or(Ok(()), |until| write!(f, "; nothing happens before {until}"))
            }
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitReason::NotDue(fire) => write!(f, "the next fire is that of {}", fire.at),
            WaitReason::NoMoreFires => f.write_str("the schedule does not fire any more"),
            WaitReason::Overlap(fire) => {
                write!(f, "the fire of {} waits for the run before to end", fire.at)
            }
            WaitReason::Excluded(fire) => {
                write!(f, "the fire of {} is due, and nothing may start now", fire.at)
            }
            WaitReason::Held(Hold::Paused) => f.write_str("the sync is paused"),
            WaitReason::Held(Hold::Suspended) => f.write_str("the tenant is suspended"),
            WaitReason::Held(Hold::Closed) => f.write_str("a connection of the sync is closed"),
        }
    }
}

/// How many fires got no run of their own, in words.
struct Missed(usize);

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str(", and one before it was missed"),
            missed if missed >= COUNTED_MAX => write!(f, ", and {COUNTED_MAX} or more before it were missed"),
            missed => write!(f, ", and {missed} before it were missed"),
        }
    }
}
