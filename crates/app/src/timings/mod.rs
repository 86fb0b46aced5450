//! `--timings`: how long a command was at each step, and what its parts took on all threads.
//!
//! Every crate marks its parts by spans of the target `timings`. Nobody listens to them unless asked to, and then a span
//! that nobody listens to costs no more than a comparison.

mod clock;
mod spent;
mod table;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use self::spent::{Open, Spent, Work};

/// The target of the spans that are timed.
const TARGET: &str = "timings";

/// What the parts of the program have taken so far. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Timings {
    started: Instant,
    spent: Arc<Mutex<BTreeMap<&'static str, Spent>>>,
}

impl Timings {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), spent: Arc::default() }
    }

    /// What listens to the spans.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Listener { timings: self.clone() }.with_filter(filter_fn(|span| span.target() == TARGET))
    }

    fn spent(&self) -> MutexGuard<'_, BTreeMap<&'static str, Spent>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Listener {
    timings: Timings,
}

impl<S> Layer<S> for Listener
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Open::now());
        }
    }

    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        Work::begin();
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let worked = Work::end();
        if let Some(span) = context.span(id) {
            self.timings.spent().entry(span.name()).or_default().processor += worked;
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<Open>() else { return };
        let elapsed = open.elapsed();
        if let Some(parent) = span.parent()
            && let Some(outer) = parent.extensions_mut().get_mut::<Open>()
        {
            outer.inner += elapsed;
        }
        let mut spent = self.timings.spent();
        let spent = spent.entry(span.name()).or_default();
        spent.times += 1;
        spent.elapsed += elapsed;
        spent.own += elapsed.saturating_sub(open.inner);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tracing::dispatcher::{Dispatch, with_default};
    use tracing::trace_span;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn what_a_part_does_inside_another_counts_once() {
        let timings = Timings::start();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(timings.layer()), || {
            let _outer = trace_span!(target: "timings", "decode").entered();
            trace_span!(target: "timings", "gunzip").in_scope(|| work_for(Duration::from_millis(20)));
            trace_span!("another target").in_scope(|| work_for(Duration::from_millis(1)));
        });
        let spent = timings.spent();
        assert_eq!(spent.keys().copied().collect::<Vec<_>>(), ["decode", "gunzip"]);
        let (outer, inner) = (&spent["decode"], &spent["gunzip"]);
        assert_eq!([outer.times, inner.times], [1, 1]);
        assert!(inner.processor >= Duration::from_millis(20) && outer.processor < inner.processor);
        assert!(outer.elapsed >= inner.elapsed + outer.own, "{spent:?}");
    }

    #[test]
    fn work_on_another_thread_is_known_by_the_span_it_belongs_to() {
        let timings = Timings::start();
        let subscriber = Dispatch::new(tracing_subscriber::registry().with(timings.layer()));
        with_default(&subscriber, || {
            let outer = trace_span!(target: "timings", "insert");
            let inner = trace_span!(target: "timings", parent: &outer, "starve");
            let work = || with_default(&subscriber, || inner.in_scope(|| work_for(Duration::from_millis(5))));
            std::thread::scope(|scope| scope.spawn(work).join().unwrap());
        });
        let spent = timings.spent();
        assert!(spent["starve"].processor >= Duration::from_millis(5), "{spent:?}");
        assert_eq!(spent["insert"].own, spent["insert"].elapsed - spent["starve"].elapsed);
    }

    /// Works until the thread has taken so much of a processor.
    fn work_for(time: Duration) {
        let begun = clock::thread();
        while clock::thread() - begun < time {
            std::hint::spin_loop();
        }
    }
}
