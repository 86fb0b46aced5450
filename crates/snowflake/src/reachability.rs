//! How an account is reached, looked at step by step before anybody logs in.

use std::io;
use std::net::IpAddr;

use jiff::SignedDuration;

use crate::config::ConnectionConfig;
use crate::http::{Network, Proxy};
use crate::{Error, ErrorKind, Result};

/// The variables by which a proxy is named for everybody on a machine.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// What was found on the way to an account's host.
#[derive(Debug)]
pub struct Reachability {
    /// The host that was looked for.
    pub host: String,
    /// Where its name leads; empty where resolving it is a proxy's business.
    pub addresses: Result<Vec<IpAddr>>,
    /// What came of a connection; absent where the name already leads nowhere.
    pub greeting: Option<Result<Greeting>>,
}

/// The first word with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Whether it was spoken over TLS, with a certificate that is trusted.
    pub is_encrypted: bool,
    /// How far the host's clock is ahead of this machine's, to the second, where it told.
    pub clock_skew: Option<SignedDuration>,
}

impl Reachability {
    /// Resolves the host's name, connects, and reads the host's clock. No secret is sent.
    pub async fn of(config: &ConnectionConfig) -> Self {
        let endpoint = config.target();
        let host = endpoint.host().to_owned();
        let addresses = resolve(&host, config).await;
        if addresses.is_err() {
            return Self { host, addresses, greeting: None };
        }
        let greeting = match network(config) {
            Ok(network) => network.greet(&endpoint).await,
            Err(error) => Err(error),
        };
        let greeting = greeting.map(|clock_skew| Greeting { is_encrypted: !endpoint.is_plain(), clock_skew });
        Self { host, addresses, greeting: Some(greeting) }
    }
}

async fn resolve(host: &str, config: &ConnectionConfig) -> Result<Vec<IpAddr>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match tokio::net::lookup_host((bare, 0)).await {
        Ok(found) => {
            let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            addresses.sort_unstable();
            addresses.dedup();
            Ok(addresses)
        }
        Err(_) if is_behind_proxy(config) => Ok(Vec::new()),
        Err(source) => Err(unresolved(host, source)),
    }
}

fn unresolved(host: &str, source: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the name {host} cannot be resolved")).with_source(source)
}

/// Whether somebody else connects on our behalf, and so has to know the host.
fn is_behind_proxy(config: &ConnectionConfig) -> bool {
    match &config.proxy {
        Proxy::Environment => {
            PROXY_VARIABLES.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
        }
        Proxy::Direct => false,
        Proxy::Explicit { .. } => true,
    }
}

/// The clients that a session of this configuration uses.
pub(crate) fn network(config: &ConnectionConfig) -> Result<Network> {
    match &config.network {
        Some(network) => Ok(network.clone()),
        None => Network::new(way_out(config), &config.extra_roots),
    }
}

/// The proxy that is taken. One that the environment names for the outside world cannot reach this machine's loopback.
pub(crate) fn way_out(config: &ConnectionConfig) -> &Proxy {
    match &config.proxy {
        Proxy::Environment if config.target().is_loopback() => &Proxy::Direct,
        proxy => proxy,
    }
}
