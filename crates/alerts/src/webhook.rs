//! A webhook in the form that Slack and its like take: one JSON object with a text.

use std::fmt;
use std::time::Duration;

use model::{Error, ErrorKind, Result};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::{Host, Url};

use super::Alert;

/// A hook that answers later than this is not well.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
/// Tries of one alert; after that the next look at the syncs tries again.
const ATTEMPTS_MAX: u32 = 3;
/// The pause before the second try; it doubles.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// A place to post alerts to. Its address is a secret: whoever knows it can post there.
#[derive(Clone)]
pub struct Webhook {
    url: SecretString,
    client: reqwest::Client,
}

impl Webhook {
    /// Takes `https` addresses, and `http` on this machine for tests.
    pub fn new(url: &str) -> Result<Self> {
        let refused = |why: &str| {
            Error::config("alert_channel", format!("the address of a webhook cannot be used: {why}"))
                .with_remedy("copy it whole from the page that made the webhook")
        };
        let parsed = Url::parse(url.trim()).map_err(|_| refused("it is not an address"))?;
        let is_loopback = match parsed.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        match parsed.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            _ => return Err(refused("it does not begin with https")),
        }
        let client = reqwest::Client::builder().redirect(Policy::none()).timeout(ANSWER_WAIT_MAX).build();
        let client = client.map_err(|error| {
            Error::internal("the client of a webhook cannot be set up").with_source(error.without_url())
        })?;
        Ok(Self { url: SecretString::from(url.trim()), client })
    }

    /// Posts an alert, and tries again where that may help.
    pub async fn send(&self, alert: &Alert) -> Result<()> {
        let mut pause = PAUSE_MIN;
        let mut attempt = 1;
        loop {
            match self.post(alert).await {
                Err(error) if error.kind() == ErrorKind::Unavailable && attempt < ATTEMPTS_MAX => {
                    tracing::debug!(error = %error, attempt, "a webhook is tried again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn post(&self, alert: &Alert) -> Result<()> {
        let body = json!({ "text": slack_text(alert) }).to_string();
        let request = self.client.post(self.url.expose_secret()).header("content-type", "application/json");
        let response = request.body(body).send().await.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "alert_undelivered", "a webhook cannot be reached")
                .with_remedy("see whether its host can be reached from here; it is tried again")
                .with_source(error.without_url())
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let message = format!("a webhook answered HTTP {}", status.as_u16());
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(Error::new(ErrorKind::Unavailable, "alert_undelivered", message)
                .with_remedy("it is tried again"));
        }
        Err(Error::config("alert_channel", message)
            .with_remedy("make the webhook anew, and replace its address"))
    }
}

/// Slack reads these three as its own marks.
fn slack_text(alert: &Alert) -> String {
    let escaped = alert.text().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    match escaped.split_once('\n') {
        Some((headline, lines)) => format!("*{headline}*\n{lines}"),
        None => format!("*{escaped}*"),
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}
