//! A way to tell people.

use model::Result;

use super::{Alert, Email, Webhook};

/// One way to tell people.
#[derive(Clone, Debug)]
pub enum Channel {
    Webhook(Webhook),
    Email(Box<Email>),
}

impl Channel {
    /// Sends an alert. Only where this succeeds was the channel told.
    pub async fn send(&self, alert: &Alert) -> Result<()> {
        match self {
            Channel::Webhook(webhook) => webhook.send(alert).await,
            Channel::Email(email) => email.send(alert).await,
        }
    }
}
