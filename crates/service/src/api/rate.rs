//! How many requests a token may make: a bucket that fills with time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Tokens whose buckets are remembered; beyond that the full ones are forgotten, which changes nothing for them.
const BUCKETS_MAX: usize = 10_000;

/// A bucket holds what two seconds bring.
const BURST_SECONDS: f64 = 2.0;

/// The limit of all tokens, each with a bucket of its own.
#[derive(Debug)]
pub(crate) struct RateLimit {
    per_second: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl RateLimit {
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second), buckets: Mutex::default() }
    }

    /// Whether the token may make a request at `now`.
    pub(crate) fn admits(&self, token: &str, now: Instant) -> bool {
        let full = self.per_second * BURST_SECONDS;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = |bucket: &Bucket| {
            let since = now.saturating_duration_since(bucket.at).as_secs_f64();
            (bucket.left + since * self.per_second).min(full)
        };
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, bucket| filled(bucket) < full);
        }
        let left = buckets.get(token).map_or(full, filled);
        let is_admitted = left >= 1.0;
        let left = if is_admitted { left - 1.0 } else { left };
        buckets.insert(token.to_owned(), Bucket { left, at: now });
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_admitted_and_then_as_much_as_time_brings() {
        let (limit, now) = (RateLimit::new(10), Instant::now());
        let admitted = |at| (0..100).filter(|_| limit.admits("one", at)).count();
        assert_eq!(admitted(now), 20);
        assert_eq!(admitted(now + Duration::from_millis(500)), 5);
        assert!(limit.admits("other", now), "another token has a bucket of its own");
        assert_eq!(admitted(now + Duration::from_secs(60)), 20, "no more than a full bucket");
    }
}
