//! Processor time, of one thread and of the program. Where the system does not tell, it is nothing.

use std::time::Duration;

/// What the thread that asks has taken.
pub(super) fn thread() -> Duration {
    #[cfg(unix)]
    return of(rustix::time::ClockId::ThreadCPUTime);
    #[cfg(not(unix))]
    Duration::ZERO
}

/// What all threads together have taken.
pub(super) fn program() -> Duration {
    #[cfg(unix)]
    return of(rustix::time::ClockId::ProcessCPUTime);
    #[cfg(not(unix))]
    Duration::ZERO
}

#[cfg(unix)]
fn of(clock: rustix::time::ClockId) -> Duration {
    rustix::time::clock_gettime(clock).try_into().unwrap_or_default()
}
