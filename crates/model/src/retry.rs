//! When to try again: a pure function of the policy, the number of tries and a seed.

use std::time::Duration;

use crate::{Disposition, Error};

/// How often and how patiently an attempt is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included.
    pub attempts_max: u32,
    pub delay_min: Duration,
    pub delay_max: Duration,
}

impl Default for RetryPolicy {
    /// Five attempts over about a minute: enough for a restart of the other side, short enough for a person waiting.
    fn default() -> Self {
        Self { attempts_max: 5, delay_min: Duration::from_secs(1), delay_max: Duration::from_secs(30) }
    }
}

impl RetryPolicy {
    /// How long to wait before attempt `attempt + 1`, or `None` where trying again is not for us to do.
    ///
    /// `seed` spreads the delays of many runs; the same seed gives the same delays.
    pub fn delay_after(&self, error: &Error, attempt: u32, seed: u64) -> Option<Duration> {
        if attempt >= self.attempts_max {
            return None;
        }
        match error.kind().disposition() {
            Disposition::RetryOnce => (attempt == 1).then_some(Duration::ZERO),
            Disposition::RetryLater => {
                let delay = self.jittered(attempt, seed);
                Some(error.retry_after().map_or(delay, |asked| asked.max(delay)))
            }
            Disposition::AskOperator | Disposition::Stop | Disposition::Report => None,
        }
    }

    /// Doubles with each attempt, between half and all of the full delay.
    fn jittered(&self, attempt: u32, seed: u64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(16);
        let full = self.delay_min.saturating_mul(1 << doublings).min(self.delay_max);
        let mixed = (seed ^ u64::from(attempt)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let share = 0.5 + (mixed as f64 / f64::from(u32::MAX)) / 2.0;
        full.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, "test", "test")
    }

    #[test]
    fn delays_grow_up_to_the_maximum_and_end_with_the_last_attempt() {
        let policy = RetryPolicy::default();
        for seed in 0..100 {
            let mut previous = Duration::ZERO;
            for attempt in 1..policy.attempts_max {
                let delay = policy.delay_after(&error(ErrorKind::Unavailable), attempt, seed).unwrap();
                assert!(
                    delay >= previous.mul_f64(0.5) && delay <= policy.delay_max,
                    "seed {seed}: {delay:?}"
                );
                previous = delay;
            }
            assert_eq!(policy.delay_after(&error(ErrorKind::Unavailable), policy.attempts_max, seed), None);
        }
    }

    #[test]
    fn what_a_person_has_to_mend_is_never_tried_again() {
        let policy = RetryPolicy::default();
        for kind in
            [ErrorKind::Auth, ErrorKind::Permission, ErrorKind::Data, ErrorKind::Config, ErrorKind::Cancelled]
        {
            assert_eq!(policy.delay_after(&error(kind), 1, 7), None, "{kind:?}");
        }
    }

    #[test]
    fn a_lost_session_is_replaced_once_and_at_once() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.delay_after(&error(ErrorKind::SessionExpired), 1, 7), Some(Duration::ZERO));
        assert_eq!(policy.delay_after(&error(ErrorKind::SessionExpired), 2, 7), None);
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept() {
        let asked = error(ErrorKind::Throttled).with_retry_after(Duration::from_secs(60));
        assert_eq!(RetryPolicy::default().delay_after(&asked, 1, 7), Some(Duration::from_secs(60)));
    }
}
