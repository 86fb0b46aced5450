//! Fires of a pattern in a time zone, with a defined answer where the clock jumps.
//!
//! A zone is taken apart into stretches during which its offset stays the same. Within one, local time and instants are
//! the same line. What is left to decide is what happens at the jumps between them:
//!
//! ```text
//! clock put forward   a local time that never was fires at the moment of the jump, once
//! clock put back      a local time that was twice fires at its first
//! pattern of every hour   follows the clock: fires whenever the clock shows such a time, both times or not at all
//! ```

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::cron::CronPattern;

/// Fires that are looked at for the next one that is not excluded: two weeks of one every minute.
pub(super) const LOOKED_AT_MAX: usize = 14 * 24 * 60;

/// Jumps that are looked at for the next fire. The rarest pattern, 29 February, waits eight years.
const JUMPS_LOOKED_AT_MAX: usize = 400;

/// One moment at which a schedule wants a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fire {
    /// The moment.
    pub at: Timestamp,
    /// The local time that the pattern names.
    pub local: DateTime,
    /// What a jump of the clock did to it.
    pub clock_change: Option<ClockChange>,
}

/// What daylight saving, or any other jump of a zone's clock, does to a fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// The local time does not exist on that day: it fires when the clock jumps over it.
    Skipped,
    /// The local time exists twice: it fires the first time.
    First,
    /// The local time exists twice, and the pattern fires every hour: this is the second.
    Second,
}

/// All fires after a moment, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Fires<'a> {
    cron: &'a CronPattern,
    zone: &'a TimeZone,
    from: Timestamp,
    is_inclusive: bool,
}

impl<'a> Fires<'a> {
    /// The fires after, and not at, `after`.
    pub(super) fn after(cron: &'a CronPattern, zone: &'a TimeZone, after: Timestamp) -> Self {
        Self { cron, zone, from: after, is_inclusive: false }
    }

    /// The first local time from here on that the pattern names, as if the offset never changed.
    fn candidate(&self, offset: Offset) -> Option<DateTime> {
        let local = offset.to_datetime(self.from);
        if !self.cron.names_every_hour()
            && let Some(shown_before) = self.shown_before(offset)
            && local < shown_before
        {
            return self.cron.next(shown_before, true);
        }
        self.cron.next(local, self.is_inclusive)
    }

    /// Up to which local time the clock had come before it was last put back.
    fn shown_before(&self, offset: Offset) -> Option<DateTime> {
        // The jump may be at this very moment, and `preceding` leaves that out.
        let just_after = self.from.checked_add(jiff::Span::new().nanoseconds(1)).ok()?;
        let jump = self.zone.preceding(just_after).next()?.timestamp();
        let before = self.zone.to_offset(jump.checked_sub(jiff::Span::new().nanoseconds(1)).ok()?);
        (before > offset).then(|| before.to_datetime(jump))
    }

    fn fire(&self, at: Timestamp, local: DateTime, offset: Offset) -> Fire {
        let clock_change = match self.zone.to_ambiguous_timestamp(local).offset() {
            jiff::tz::AmbiguousOffset::Fold { before, .. } if before == offset => Some(ClockChange::First),
            jiff::tz::AmbiguousOffset::Fold { .. } => Some(ClockChange::Second),
            jiff::tz::AmbiguousOffset::Gap { .. } => Some(ClockChange::Skipped),
            jiff::tz::AmbiguousOffset::Unambiguous { .. } => None,
        };
        Fire { at, local, clock_change }
    }

    fn find(&mut self) -> Option<Fire> {
        for _ in 0..JUMPS_LOOKED_AT_MAX {
            let offset = self.zone.to_offset(self.from);
            let local = self.candidate(offset)?;
            let at = offset.to_timestamp(local).ok()?;
            let Some(jump) = self.zone.following(self.from).next().map(|jump| jump.timestamp()) else {
                return Some(self.fire(at, local, offset));
            };
            if at < jump {
                return Some(self.fire(at, local, offset));
            }
            (self.from, self.is_inclusive) = (jump, true);
            let is_jumped_over = local < self.zone.to_offset(jump).to_datetime(jump);
            if is_jumped_over && !self.cron.names_every_hour() {
                return Some(self.fire(jump, local, offset));
            }
        }
        None
    }
}

impl Iterator for Fires<'_> {
    type Item = Fire;

    fn next(&mut self) -> Option<Fire> {
        let fire = self.find()?;
        (self.from, self.is_inclusive) = (fire.at, false);
        Some(fire)
    }
}
