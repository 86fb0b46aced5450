//! The file that says whom to tell: channels by name, each a webhook or an address of e-mail.

use std::collections::BTreeMap;
use std::path::Path;

use alerts::{Channel, Email, EmailSecurity, Webhook};
use model::{Error, Result};
use secrecy::SecretString;
use serde::Deserialize;

use super::secret::SecretReference;
use super::span::described;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertsDocument {
    channels: BTreeMap<String, ChannelConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ChannelConfig {
    /// Where the webhook's address is kept: whoever knows it can post there.
    Webhook(SecretReference),
    Email(EmailConfig),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EmailConfig {
    host: String,
    port: u16,
    security: Security,
    user: Option<String>,
    password: Option<SecretReference>,
    from: String,
    to: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Security {
    Tls,
    StartTls,
    None,
}

/// Reads the channels of a file, with their secrets. Relative files of secrets are looked for beside it.
pub(crate) fn read_channels(path: &Path) -> Result<BTreeMap<String, Channel>> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::config("alerts_file_unreadable", format!("{} cannot be read: {error}", path.display()))
            .with_remedy("give the path of a file with `channels`")
    })?;
    let document: AlertsDocument = serde_saphyr::from_str(&text).map_err(|error| {
        Error::config("alerts_file_invalid", described(path, &error))
            .with_remedy("docs/alerts.md has an example of every field")
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let channels = document.channels.into_iter().map(|(name, config)| {
        let channel =
            config.channel(folder).map_err(|error| error.while_doing(format_args!("channel {name}")))?;
        Ok((name, channel))
    });
    channels.collect()
}

impl ChannelConfig {
    fn channel(&self, folder: &Path) -> Result<Channel> {
        match self {
            ChannelConfig::Webhook(address) => {
                Ok(Channel::Webhook(Webhook::new(address.read(folder)?.expose())?))
            }
            ChannelConfig::Email(config) => Ok(Channel::Email(Box::new(config.email(folder)?))),
        }
    }
}

impl EmailConfig {
    fn email(&self, folder: &Path) -> Result<Email> {
        let password = self.password.as_ref().map(|password| password.read(folder)).transpose()?;
        let log_in = match (&self.user, password) {
            (Some(user), Some(password)) => Some((user.clone(), SecretString::from(password.expose()))),
            (None, None) => None,
            _ => {
                return Err(Error::config("alert_channel", "user and password of a mail server go together")
                    .with_remedy("give both, or neither"));
            }
        };
        let security = match self.security {
            Security::Tls => EmailSecurity::Tls,
            Security::StartTls => EmailSecurity::StartTls,
            Security::None => EmailSecurity::None,
        };
        Email::new(&self.host, self.port, security, log_in, &self.from, &self.to)
    }
}
