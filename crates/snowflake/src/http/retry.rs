//! Whether, when and why a request is sent again: pure decisions, no IO.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

/// Tries of one request, the first included. Official clients give up after about as many.
const ATTEMPTS_MAX: u32 = 7;
/// The first wait.
const DELAY_MIN: Duration = Duration::from_millis(250);
/// No wait of our own is longer; the service may ask for more.
const DELAY_MAX: Duration = Duration::from_secs(16);
/// All tries of one request together. A front end that is away for longer is an outage to report.
const BUDGET: Duration = Duration::from_secs(300);
/// A longer `Retry-After` is not waited for: the caller is told instead.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(120);
/// Decorrelated jitter: a wait lies between the least one and this many times the last one.
const GROWTH: u32 = 3;

/// How patiently a request is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries of one request, the first included.
    pub attempts_max: u32,
    /// The shortest wait between two tries.
    pub delay_min: Duration,
    /// The longest wait of our own choice between two tries.
    pub delay_max: Duration,
    /// All tries and waits together.
    pub budget: Duration,
    /// The longest wait that the service may ask for with `Retry-After`; if it asks for more, the call fails.
    pub retry_after_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: ATTEMPTS_MAX,
            delay_min: DELAY_MIN,
            delay_max: DELAY_MAX,
            budget: BUDGET,
            retry_after_max: RETRY_AFTER_MAX,
        }
    }
}

/// One attempt went wrong in a way that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setback {
    /// The HTTP status, or 0 where there was none: the service wants it as `retryReason`.
    pub(crate) reason: u16,
    pub(crate) retry_after: Option<Duration>,
}

impl RetryPolicy {
    /// The wait before the next try, or `None` when it is time to give up.
    ///
    /// `attempts` counts those made, `spent` is the time since the first began, `last` the wait before this one, and
    /// `random` lies in 0..1.
    pub(crate) fn next_delay(
        &self,
        attempts: u32,
        spent: Duration,
        last: Duration,
        setback: Setback,
        random: f64,
    ) -> Option<Duration> {
        let asked = setback.retry_after.unwrap_or_default();
        if attempts >= self.attempts_max || asked > self.retry_after_max {
            return None;
        }
        let top = (last.max(self.delay_min) * GROWTH).min(self.delay_max).max(self.delay_min);
        let own = self.delay_min + (top - self.delay_min).mul_f64(random.clamp(0.0, 1.0));
        let delay = own.max(asked);
        (spent + delay <= self.budget).then_some(delay)
    }
}

/// Statuses that a later try may turn into an answer.
pub(crate) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=504)
}

/// `Retry-After` in either of its forms: seconds or a date.
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = http_date(value)?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// A date as HTTP writes it.
pub(crate) fn http_date(value: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(value.trim()).ok().map(|date| date.timestamp())
}

/// In 0..1, for spreading retries; the bits that the format of a UUID fixes are shifted out.
pub(crate) fn random() -> f64 {
    let bits = Uuid::new_v4().as_u64_pair().1 << 2;
    bits as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: Setback = Setback { reason: 0, retry_after: None };

    #[test]
    fn waits_grow_and_stay_inside_their_bounds() {
        let policy = RetryPolicy::default();
        let mut last = Duration::ZERO;
        for attempt in 1..ATTEMPTS_MAX {
            let delay = policy.next_delay(attempt, Duration::ZERO, last, LOST, 1.0).unwrap();
            assert!(delay > last && delay <= DELAY_MAX || delay == DELAY_MAX);
            assert_eq!(policy.next_delay(attempt, Duration::ZERO, last, LOST, 0.0), Some(DELAY_MIN));
            last = delay;
        }
        assert_eq!(policy.next_delay(ATTEMPTS_MAX, Duration::ZERO, last, LOST, 0.5), None);
    }

    #[test]
    fn the_service_may_ask_for_more_but_not_for_ever() {
        let policy = RetryPolicy::default();
        let asked = |seconds| Setback { reason: 429, retry_after: Some(Duration::from_secs(seconds)) };
        assert_eq!(
            policy.next_delay(1, Duration::ZERO, Duration::ZERO, asked(30), 0.1),
            Some(Duration::from_secs(30))
        );
        assert_eq!(policy.next_delay(1, Duration::ZERO, Duration::ZERO, asked(3600), 0.1), None);
    }

    #[test]
    fn the_budget_ends_the_tries() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.next_delay(1, BUDGET, Duration::ZERO, LOST, 0.0), None);
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now: Timestamp = "2015-10-21T07:28:00Z".parse().unwrap();
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:27:30 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
