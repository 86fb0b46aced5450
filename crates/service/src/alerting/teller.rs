//! One channel: whoever has its duty looks at the syncs, and tells it what is new.

use std::time::Duration;

use alerts::{Alert, Channel};
use model::{Error, ErrorKind, Result};
use store::{Holder, Id, Store};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::AlertOptions;
use super::look::{News, look};
use crate::metrics::Metrics;

/// So long a process keeps a duty that it says nothing about: longer than one alert may take. While a channel that does not
/// work is left alone for longer, another process may try it.
const DUTY: Duration = Duration::from_secs(90);

/// So long a channel may take for one alert, its own tries included.
const SEND_MAX: Duration = Duration::from_secs(60);

/// So long a channel may still take at shutdown: what it took without our noting it would be told again by the next process.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// Changes that are told one by one. Where more come at once they have one cause, and people need one alert.
const APART_MAX: usize = 5;

/// What tells one channel.
#[derive(Debug)]
pub(super) struct Teller {
    pub(super) store: Store,
    pub(super) metrics: Metrics,
    pub(super) holder: Id<Holder>,
    pub(super) options: AlertOptions,
    pub(super) name: String,
    pub(super) channel: Channel,
}

impl Teller {
    pub(super) async fn run(&self, shutdown: &CancellationToken) {
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            match self.tell_what_is_new(shutdown).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(
                        channel = self.name, error = %error, error.code = error.code(), failures,
                        "a channel was not told"
                    );
                }
            }
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {}
                () = sleep(self.pause(failures)) => {}
            }
        }
        if let Err(error) = self.store.leave_duty(&self.duty(), &self.holder).await {
            tracing::debug!(channel = self.name, error = %error, "a duty was not left");
        }
    }

    fn pause(&self, failures: u32) -> Duration {
        let longest = self.options.pause_max.max(self.options.look_every);
        self.options.look_every.saturating_mul(1 << failures.min(16)).min(longest)
    }

    fn duty(&self) -> String {
        format!("alerts:{}", self.name)
    }

    /// Keeps the duty, where it is or becomes ours.
    async fn has_duty(&self) -> Result<bool> {
        self.store.take_duty(&self.duty(), &self.holder, DUTY).await
    }

    async fn tell_what_is_new(&self, shutdown: &CancellationToken) -> Result<()> {
        if !self.has_duty().await? {
            return Ok(());
        }
        let now = self.store.now().await?;
        let news = look(&self.store, &self.name, now).await?;
        if news.len() > APART_MAX {
            let named: Vec<_> = news.iter().map(News::named).collect();
            return self.tell(&Alert::of_many(&named), &news, shutdown).await;
        }
        for one in &news {
            self.tell(&one.alert(now), std::slice::from_ref(one), shutdown).await?;
        }
        Ok(())
    }

    async fn tell(&self, alert: &Alert, news: &[News], shutdown: &CancellationToken) -> Result<()> {
        // The looks before may have taken their time.
        if shutdown.is_cancelled() || !self.has_duty().await? {
            return Ok(());
        }
        let stopped = async {
            shutdown.cancelled().await;
            sleep(STOP_PATIENCE).await;
        };
        let sent = tokio::select! {
            biased;
            sent = timeout(SEND_MAX, self.channel.send(alert)) => sent.unwrap_or_else(|_elapsed| Err(unanswered())),
            () = stopped => return Ok(()),
        };
        self.metrics.alert(&self.name, if sent.is_ok() { "sent" } else { "failed" });
        sent?;
        let told: Vec<_> = news.iter().map(News::told).collect();
        self.store.note_told(&self.name, &told).await?;
        tracing::info!(channel = self.name, syncs = news.len(), "a channel was told");
        Ok(())
    }
}

fn unanswered() -> Error {
    Error::new(ErrorKind::Unavailable, "alert_undelivered", "the channel does not answer")
        .with_remedy("see whether its host can be reached from here; it is tried again")
}
