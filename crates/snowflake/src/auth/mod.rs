//! Ways to prove who we are.

mod jwt;
mod login;
mod oauth;

use std::fmt;

pub(crate) use self::login::{LoggedIn, log_in};
pub use self::oauth::OAuthClient;
use crate::{Error, ErrorKind, PrivateKey, Result, Secret};

/// How to prove who we are. None of it is ever printed.
#[derive(Clone)]
pub enum Credentials {
    /// A private key whose public half is set on the user: the right way for programs.
    KeyPair(PrivateKey),
    /// A programmatic access token.
    ProgrammaticAccessToken(Secret),
    /// An OAuth access token that somebody else keeps fresh.
    OAuthToken(Secret),
    /// A client id and secret with which this crate fetches OAuth access tokens itself.
    OAuthClient(OAuthClient),
    /// A password. Most accounts no longer take one without a second factor.
    Password {
        /// The password.
        password: Secret,
        /// The current code of an authenticator application.
        passcode: Option<Secret>,
    },
}

impl Credentials {
    /// A password without a second factor.
    pub fn password(password: impl Into<Secret>) -> Self {
        Self::Password { password: password.into(), passcode: None }
    }

    /// The kind of proof, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::KeyPair(_) => "key pair",
            Self::ProgrammaticAccessToken(_) => "programmatic access token",
            Self::OAuthToken(_) => "OAuth token",
            Self::OAuthClient(_) => "OAuth client credentials",
            Self::Password { .. } => "password",
        }
    }

    /// What a service could echo.
    fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::KeyPair(_) => Vec::new(),
            Self::ProgrammaticAccessToken(secret) | Self::OAuthToken(secret) => vec![secret],
            Self::OAuthClient(client) => vec![&client.client_secret],
            Self::Password { password, passcode } => {
                std::iter::once(password).chain(passcode.as_ref()).collect()
            }
        }
    }

    pub(crate) fn check(&self, user: &str, allow_http_loopback: bool) -> Result<()> {
        let needs_user = matches!(self, Self::KeyPair(_) | Self::Password { .. });
        if needs_user && user.trim().is_empty() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("a log-in by {} needs a user name", self.name()),
            ));
        }
        match self {
            Self::ProgrammaticAccessToken(secret)
            | Self::OAuthToken(secret)
            | Self::Password { password: secret, .. }
                if secret.is_empty() =>
            {
                Err(Error::new(ErrorKind::Config, format!("the {} is empty", self.name())))
            }
            Self::OAuthClient(client) => client.check(allow_http_loopback),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
