//! How often to ask for a result that is not there yet.

use std::time::Duration;

/// The service holds a poll back for about 45 seconds while the query runs. One that returns sooner than this was
/// not held, and must not be repeated at once.
const HELD_MIN: Duration = Duration::from_secs(1);
/// The first pause: most queries that are not finished at once are finished soon.
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// The longest pause: a finished query waits no longer than this to be noticed.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The pauses between polls.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Duration,
}

impl Pace {
    /// The pause after a poll that took `took`.
    pub(super) fn pause_after(&mut self, took: Duration) -> Duration {
        self.last = match took >= HELD_MIN {
            true => Duration::ZERO,
            false => (self.last * 2).clamp(PAUSE_MIN, PAUSE_MAX),
        };
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_polls_slow_down_and_held_ones_do_not() {
        let mut pace = Pace::default();
        let pauses: Vec<u128> = (0..12).map(|_| pace.pause_after(Duration::ZERO).as_millis()).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000, 5000]);
        assert_eq!(pace.pause_after(Duration::from_secs(45)), Duration::ZERO);
        assert_eq!(pace.pause_after(Duration::ZERO), PAUSE_MIN);
    }
}
