//! One network for all configurations that go the same way.

use std::sync::{Mutex, PoisonError};

use crate::reachability::{network, way_out};
use crate::{ConnectionConfig, Network, Proxy, Result};

/// The networks that a program has made. Connections of sessions that go the same way share pools, and the system's
/// roots of trust are read once.
#[derive(Debug, Default)]
pub struct Networks {
    made: Mutex<Vec<(Way, Network)>>,
}

/// What tells one way out from another.
#[derive(Debug, PartialEq, Eq)]
struct Way {
    is_direct: bool,
    extra_roots: Vec<Vec<u8>>,
}

impl Networks {
    /// None so far.
    pub const fn new() -> Self {
        Self { made: Mutex::new(Vec::new()) }
    }

    /// `config` with the network of its way, made now where it is the first to go it. A configuration that has a
    /// network keeps it, and one with a proxy of its own gets one of its own.
    pub fn share(&self, config: ConnectionConfig) -> Result<ConnectionConfig> {
        let is_direct = match way_out(&config) {
            Proxy::Direct => true,
            Proxy::Environment => false,
            Proxy::Explicit { .. } => return Ok(config),
        };
        if config.network.is_some() {
            return Ok(config);
        }
        let way = Way { is_direct, extra_roots: config.extra_roots.clone() };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let network = match made.iter().find(|(other, _)| *other == way) {
            Some((_, network)) => network.clone(),
            None => {
                let network = network(&config)?;
                made.push((way, network.clone()));
                network
            }
        };
        Ok(config.network(network))
    }
}
