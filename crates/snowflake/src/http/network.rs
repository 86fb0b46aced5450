//! The HTTP clients: proxies, trusted roots and time limits, built once and shared.

use std::fmt;
use std::time::Duration;

use reqwest::redirect;

use super::trust;
use crate::result::chunk_http;
use crate::{Error, ErrorKind, Result, Secret};

/// Time to reach the service, TLS included. A firewall that drops packets shows within this.
const CONNECT_MAX: Duration = Duration::from_secs(30);
/// Idle connections are closed before load balancers on the way close them silently.
const POOL_IDLE_MAX: Duration = Duration::from_secs(50);

/// How the service is reached.
#[derive(Clone, Debug, Default)]
pub enum Proxy {
    /// `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, as other programs do.
    #[default]
    Environment,
    /// No proxy, whatever the environment says.
    Direct,
    /// This proxy, for everything.
    Explicit {
        /// `http://host:port` or `https://host:port`, without credentials.
        url: String,
        /// User name and password, where the proxy wants them.
        credentials: Option<(String, Secret)>,
    },
}

/// Connections to the outside: shared by all sessions that go the same way.
///
/// Cloning is cheap. A program with many accounts should make one and give it to every configuration, so that they
/// share connection pools to cloud storage.
#[derive(Clone)]
pub struct Network {
    /// For the service itself: sends tokens, follows no redirect.
    pub(crate) service: reqwest::Client,
    /// For chunks in cloud storage: never sees a token.
    pub(crate) storage: reqwest::Client,
    /// For uploads to cloud storage: like `storage`, but without a bound on silence, as a large body has no answer
    /// until all of it is sent.
    pub(crate) uploads: reqwest::Client,
}

impl Network {
    /// Clients behind `proxy` that also trust `extra_roots`, each a PEM file of certificates.
    pub fn new(proxy: &Proxy, extra_roots: &[Vec<u8>]) -> Result<Self> {
        let tls = trust::tls(extra_roots)?;
        Ok(Self {
            service: sender(builder(proxy, &tls)?)?,
            storage: chunk_http(builder(proxy, &tls)?.referer(false))?,
            uploads: sender(builder(proxy, &tls)?)?,
        })
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

/// A client whose callers decide for themselves how long to wait and whether to send again.
fn sender(builder: reqwest::ClientBuilder) -> Result<reqwest::Client> {
    builder
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_MAX)
        .pool_idle_timeout(POOL_IDLE_MAX)
        .build()
        .map_err(|source| unusable(source.without_url()))
}

fn builder(proxy: &Proxy, tls: &rustls::ClientConfig) -> Result<reqwest::ClientBuilder> {
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls.clone());
    match proxy {
        Proxy::Environment => Ok(builder),
        Proxy::Direct => Ok(builder.no_proxy()),
        Proxy::Explicit { url, credentials } => {
            let mut proxy = reqwest::Proxy::all(url)
                .map_err(|_| Error::new(ErrorKind::Config, "the proxy's address cannot be read"))?;
            if let Some((user, password)) = credentials {
                proxy = proxy.basic_auth(user, password.expose());
            }
            Ok(builder.no_proxy().proxy(proxy))
        }
    }
}

fn unusable(source: reqwest::Error) -> Error {
    Error::new(ErrorKind::Config, "the HTTP client cannot be set up").with_source(source)
}
