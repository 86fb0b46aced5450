//! E-mail over SMTP.

use std::fmt;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use model::{Error, ErrorKind, Result};
use secrecy::{ExposeSecret, SecretString};

use super::Alert;

/// A mail server that is silent for longer is not well.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(20);
/// Longer subjects are cut by most readers anyway.
const SUBJECT_CHARACTERS_MAX: usize = 120;

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailSecurity {
    /// TLS from the first byte on, usually on port 465.
    Tls,
    /// Plain words at first, and TLS before anything else, usually on port 587.
    StartTls,
    /// No TLS, for a mail server on this machine.
    None,
}

/// Somebody to write to, and the server that delivers it.
#[derive(Clone)]
pub struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Email {
    /// A server with the addresses of sender and receivers. Without TLS only on this machine, and without a password.
    pub fn new(
        host: &str,
        port: u16,
        security: EmailSecurity,
        log_in: Option<(String, SecretString)>,
        from: &str,
        to: &[String],
    ) -> Result<Self> {
        let mailbox = |address: &str| {
            address.parse::<Mailbox>().map_err(|_| refused(&format!("`{address}` is no address of e-mail")))
        };
        if to.is_empty() {
            return Err(refused("it has no receivers"));
        }
        let is_local = matches!(host, "127.0.0.1" | "::1" | "localhost");
        if security == EmailSecurity::None && (!is_local || log_in.is_some()) {
            return Err(refused("without TLS it is for a server on this machine that asks for no password"));
        }
        let tls = || TlsParameters::new(host.to_owned()).map_err(|_| refused("its host is no name for TLS"));
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .timeout(Some(ANSWER_WAIT_MAX))
            .tls(match security {
                EmailSecurity::Tls => Tls::Wrapper(tls()?),
                EmailSecurity::StartTls => Tls::Required(tls()?),
                EmailSecurity::None => Tls::None,
            });
        if let Some((user, password)) = log_in {
            transport = transport.credentials(Credentials::new(user, password.expose_secret().to_owned()));
        }
        let to = to.iter().map(|address| mailbox(address)).collect::<Result<_>>()?;
        Ok(Self { transport: transport.build(), from: mailbox(from)?, to })
    }

    /// Sends an alert.
    pub async fn send(&self, alert: &Alert) -> Result<()> {
        let subject: String = alert.headline.chars().take(SUBJECT_CHARACTERS_MAX).collect();
        let mut message =
            Message::builder().from(self.from.clone()).subject(format!("[Snowferry] {subject}"));
        for receiver in &self.to {
            message = message.to(receiver.clone());
        }
        let message = message
            .body(alert.text())
            .map_err(|error| Error::internal("an e-mail cannot be written").with_source(error))?;
        self.transport.send(message).await.map(|_accepted| ()).map_err(|error| sorted(&error))
    }
}

/// The server's own words may repeat what it was sent, so only their code is told.
fn sorted(error: &lettre::transport::smtp::Error) -> Error {
    let status = error.status().map_or_else(String::new, |code| format!(" (SMTP {code})"));
    if error.is_permanent() {
        return Error::config("alert_channel", format!("the mail server refuses the e-mail{status}"))
            .with_remedy("correct its user and password, the sender and the receivers");
    }
    let message = format!("the mail server cannot be reached, or is not well{status}");
    Error::new(ErrorKind::Unavailable, "alert_undelivered", message)
        .with_remedy("see whether its host and port can be reached from here; it is tried again")
}

fn refused(why: &str) -> Error {
    Error::config("alert_channel", format!("a channel of e-mail cannot be used: {why}"))
        .with_remedy("write host, port, security, from and to")
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email").field("to", &self.to.len()).finish_non_exhaustive()
    }
}
