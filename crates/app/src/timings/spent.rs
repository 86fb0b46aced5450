//! The time of one part: how long it was open, and what it took of a processor without what ran inside it.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::clock;

/// The time of all spans of one name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) times: u64,
    /// From opening to closing, added up over those that were open side by side.
    pub(super) elapsed: Duration,
    /// The same without the spans inside.
    pub(super) own: Duration,
    /// Processor time of the threads that were in it, without the spans inside.
    pub(super) processor: Duration,
}

/// A span that has not been closed yet.
#[derive(Debug)]
pub(super) struct Open {
    since: Instant,
    /// How long spans inside it were open.
    pub(super) inner: Duration,
}

impl Open {
    pub(super) fn now() -> Self {
        Self { since: Instant::now(), inner: Duration::ZERO }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }
}

/// What the current thread does inside a span.
pub(super) struct Work {
    since: Duration,
    inner: Duration,
}

thread_local! {
    /// The spans that this thread is in, the innermost last.
    static ENTERED: RefCell<Vec<Work>> = const { RefCell::new(Vec::new()) };
}

impl Work {
    pub(super) fn begin() {
        let work = Self { since: clock::thread(), inner: Duration::ZERO };
        ENTERED.with_borrow_mut(|entered| entered.push(work));
    }

    /// Ends the innermost, and gives its own processor time.
    pub(super) fn end() -> Duration {
        ENTERED.with_borrow_mut(|entered| {
            let Some(work) = entered.pop() else { return Duration::ZERO };
            let all = clock::thread().saturating_sub(work.since);
            if let Some(outer) = entered.last_mut() {
                outer.inner += all;
            }
            all.saturating_sub(work.inner)
        })
    }
}
