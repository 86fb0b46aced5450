//! The circuit breaker of a connection: after some failures nothing is tried for a while, and then one run at a time.

use std::time::Duration;

use model::ErrorKind;

/// When a connection is left alone, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// So many failures without a success between them break the circuit.
    pub failures_max: u32,
    pub pause_min: Duration,
    pub pause_max: Duration,
}

impl Default for BreakerPolicy {
    /// Five wrong log-ins lock a user of Snowflake for a quarter of an hour, so the fifth is not made in one go.
    fn default() -> Self {
        Self { failures_max: 4, pause_min: Duration::from_secs(60), pause_max: Duration::from_secs(30 * 60) }
    }
}

impl BreakerPolicy {
    /// How long to leave a connection alone after its `failures`th failure; nothing where one more may be tried at once.
    pub(super) fn pause_after(&self, failures: u64) -> Option<Duration> {
        let beyond = failures.checked_sub(u64::from(self.failures_max))?;
        let doublings = u32::try_from(beyond).unwrap_or(u32::MAX).min(16);
        Some(self.pause_min.saturating_mul(1 << doublings).min(self.pause_max))
    }
}

/// Whether an error says that the connection does not work. Any other one was made over a connection that does.
pub(super) fn is_of_connection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::SessionExpired | ErrorKind::Auth
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_the_failure_that_breaks_up_to_the_maximum() {
        let policy = BreakerPolicy::default();
        let pauses: Vec<_> =
            (1..=12).map(|failures| policy.pause_after(failures).map(|p| p.as_secs())).collect();
        let expected = [0, 0, 0, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800, 1_800];
        assert_eq!(pauses, expected.map(|seconds| (seconds > 0).then_some(seconds)));
        assert_eq!(policy.pause_after(u64::MAX), Some(policy.pause_max));
    }
}
