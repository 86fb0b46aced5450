//! A place where requests or statements wait until a test lets them go.

use std::sync::Arc;

use tokio::sync::watch;

/// Copies are the same gate.
#[derive(Clone, Debug)]
pub struct Gate {
    arrivals: Arc<watch::Sender<u64>>,
    is_open: Arc<watch::Sender<bool>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { arrivals: Arc::new(watch::Sender::new(0)), is_open: Arc::new(watch::Sender::new(false)) }
    }
}

impl Gate {
    pub(super) fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Says that somebody has come, and waits until the gate is open.
    pub(crate) async fn pass(&self) {
        self.arrivals.send_modify(|arrivals| *arrivals += 1);
        let mut is_open = self.is_open.subscribe();
        if is_open.wait_for(|is_open| *is_open).await.is_err() {
            tracing::debug!("gate is gone");
        }
    }

    pub(super) async fn reached(&self, count: u64) {
        let mut arrivals = self.arrivals.subscribe();
        if arrivals.wait_for(|arrivals| *arrivals >= count).await.is_err() {
            tracing::debug!("gate is gone");
        }
    }
}
