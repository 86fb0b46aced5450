//! Where requests go: the account's own host, or one that was set on purpose.

use std::fmt;
use std::net::IpAddr;

use url::Url;

use crate::{Account, Error, ErrorKind, Result};

/// Scheme, host and port of the service.
///
/// Normally derived from the [`Account`]. An explicit one serves a reverse proxy, a private link with a name of its
/// own, or an emulator. Plain `http` is only taken for a loopback address, and only when the configuration allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Always without path, query, fragment and user.
    base: Url,
}

impl Endpoint {
    /// Parses `https://host[:port]` or `http://host:port`; nothing may follow the port but one slash.
    pub fn parse(input: &str) -> Result<Self> {
        let typed = input.trim();
        let base = Url::parse(typed).map_err(|source| {
            refused("it is not an address such as https://host:port").with_source(source)
        })?;
        if !matches!(base.scheme(), "https" | "http") {
            return Err(refused("its scheme is neither https nor http"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(refused("it holds a user name or a password"));
        }
        if base.query().is_some() || base.fragment().is_some() || base.path() != "/" || typed.contains('\\') {
            return Err(refused("something follows the host"));
        }
        if base.host_str().is_none_or(str::is_empty) {
            return Err(refused("it has no host"));
        }
        Ok(Self { base })
    }

    /// The account's own host, over TLS.
    pub fn of(account: &Account) -> Self {
        let base =
            Url::parse(&format!("https://{}", account.host())).expect("checked labels make an address");
        Self { base }
    }

    /// The host without port.
    pub fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// Whether requests travel without TLS.
    pub fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// Whether the host is this very machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    /// Resolves a path of our own or one the service sent; anything that leaves this origin is refused.
    pub(crate) fn join(&self, path: &str) -> Result<Url> {
        let url = self.base.join(path).map_err(|_| {
            Error::new(ErrorKind::Protocol, "the service sent an address that cannot be read")
        })?;
        let same_user = url.username().is_empty() && url.password().is_none();
        if url.origin() != self.base.origin() || !same_user {
            let message = "the service sent an address on another host; it was not followed";
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        Ok(url)
    }

    /// Plain HTTP needs both the switch and a loopback address, because the log-in would travel readable.
    pub(crate) fn check(&self, allow_http_loopback: bool) -> Result<()> {
        if !self.is_plain() {
            return Ok(());
        }
        match (self.is_loopback(), allow_http_loopback) {
            (true, true) => Ok(()),
            (true, false) => Err(refused("plain http needs allow_http_loopback")),
            (false, _) => Err(refused("plain http is only allowed on a loopback address")),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("this endpoint cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_needs_loopback_and_the_switch() {
        for (input, with_switch, without) in [
            ("http://127.0.0.1:8080", true, false),
            ("http://[::1]:8080/", true, false),
            ("http://localhost:1", true, false),
            ("http://127.0.0.1.evil.example", false, false),
            ("http://localhost.evil.example", false, false),
            ("http://10.0.0.1", false, false),
            ("https://10.0.0.1:8443", true, true),
        ] {
            let endpoint = Endpoint::parse(input).unwrap();
            assert_eq!(endpoint.check(true).is_ok(), with_switch, "{input}");
            assert_eq!(endpoint.check(false).is_ok(), without, "{input}");
        }
    }

    #[test]
    fn an_endpoint_is_an_origin_and_nothing_else() {
        for input in [
            "127.0.0.1:80",
            "https://",
            "https://host/path",
            "https://host/?q",
            "https://host/#f",
            "https://u@host",
            "https://u:p@host",
            "ftp://host",
            "file:///etc/passwd",
        ] {
            assert!(Endpoint::parse(input).is_err(), "{input}");
        }
    }

    #[test]
    fn paths_stay_on_the_origin() {
        let endpoint = Endpoint::parse("https://a.snowflakecomputing.com").unwrap();
        assert!(endpoint.join("/queries/1/result").is_ok());
        assert!(endpoint.join("https://a.snowflakecomputing.com/queries/1/result").is_ok());
        for stranger in [
            "https://evil.example/queries/1/result",
            "//evil.example/x",
            "\\\\evil.example/x",
            "http://a.snowflakecomputing.com/x",
            "https://a.snowflakecomputing.com:8443/x",
            "https://u@a.snowflakecomputing.com/x",
        ] {
            assert!(endpoint.join(stranger).is_err(), "{stranger}");
        }
    }
}
