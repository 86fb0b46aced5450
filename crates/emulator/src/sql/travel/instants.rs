//! The account's instants: each later than every one before, whatever the machine's clock does.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;

/// Gives instants, in nanoseconds since 1970. What is committed gets a later one than any that was given before, so
/// what is seen at an instant never changes any more.
#[derive(Debug)]
pub(crate) struct Instants {
    clock: Clock,
    last: Mutex<i64>,
}

/// An instant that nobody else is given a later one than, until this is dropped.
#[derive(Debug)]
pub(crate) struct Held<'i> {
    last: MutexGuard<'i, i64>,
}

impl Instants {
    /// Instants after `last`.
    pub(crate) fn after(last: i64, clock: Clock) -> Self {
        Self { clock, last: Mutex::new(last) }
    }

    pub(crate) fn next(&self) -> i64 {
        self.hold().at()
    }

    /// The next instant, held while something happens at it.
    pub(crate) fn hold(&self) -> Held<'_> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = i64::try_from(self.clock.now().as_nanosecond()).unwrap_or(i64::MAX);
        *last = now.max(*last + 1);
        Held { last }
    }
}

impl Held<'_> {
    pub(crate) fn at(&self) -> i64 {
        *self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_later_than_the_one_before_even_where_the_clock_stands_behind() {
        let behind = Clock::with_offset_ms(-3_600_000);
        let last = i64::try_from(Clock::default().now().as_nanosecond()).unwrap();
        let instants = Instants::after(last, behind);
        assert_eq!([instants.next(), instants.next()], [last + 1, last + 2]);
    }
}
