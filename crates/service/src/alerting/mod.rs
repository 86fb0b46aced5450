//! Tells people when syncs change their condition: each channel by itself, so that one that does not answer holds up neither runs
//! nor other channels.
//!
//! Of all processes one at a time looks after a channel. What it was told is noted after it was told: where a process dies
//! between the two, the next one tells it again, and nothing is ever left untold.

mod look;
mod teller;

use std::collections::BTreeMap;
use std::time::Duration;

use alerts::Channel;
use store::{Holder, Id, Store};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use self::look::{condition_word, runs_of};
use self::teller::Teller;
use crate::metrics::Metrics;

/// How people are told.
#[derive(Clone, Copy, Debug)]
pub struct AlertOptions {
    /// How often each channel looks at the syncs.
    pub look_every: Duration,
    /// A channel that does not take an alert is left alone for twice as long each time, up to this.
    pub pause_max: Duration,
}

impl Default for AlertOptions {
    /// Somebody who is paged does not miss ten seconds; a channel that is well again is used within minutes.
    fn default() -> Self {
        Self { look_every: Duration::from_secs(10), pause_max: Duration::from_secs(300) }
    }
}

/// What looks at the syncs and tells channels what has changed.
#[derive(Debug)]
pub struct Alerting {
    store: Store,
    metrics: Metrics,
    channels: BTreeMap<String, Channel>,
    options: AlertOptions,
}

impl Alerting {
    /// Alerts to `channels`, by their names.
    pub fn new(
        store: Store,
        metrics: Metrics,
        channels: BTreeMap<String, Channel>,
        options: AlertOptions,
    ) -> Self {
        Self { store, metrics, channels, options }
    }

    /// Goes on until `shutdown`. What fails is tried again with a later look.
    pub async fn run(self, shutdown: &CancellationToken) {
        let holder: Id<Holder> = Holder::new_id();
        let mut tellers = JoinSet::new();
        for (name, channel) in self.channels {
            let teller = Teller {
                store: self.store.clone(),
                metrics: self.metrics.clone(),
                holder: holder.clone(),
                options: self.options,
                name,
                channel,
            };
            let shutdown = shutdown.clone();
            tellers.spawn(async move { teller.run(&shutdown).await });
        }
        while let Some(ended) = tellers.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "alerts of a channel ended badly");
            }
        }
    }
}
