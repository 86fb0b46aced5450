//! Runs that wait next to nothing between their attempts.

use std::time::Duration;

use engine::RunOptions;
use model::RetryPolicy;

pub(crate) fn attempts(attempts_max: u32) -> RunOptions {
    let (delay_min, delay_max) = (Duration::from_millis(1), Duration::from_millis(5));
    RunOptions { retry: RetryPolicy { attempts_max, delay_min, delay_max }, ..RunOptions::default() }
}
