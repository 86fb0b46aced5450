//! The first word with a host, before anybody logs in: whether it can be reached, is who it says, and what time it has.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::header::USER_AGENT;

use super::Network;
use super::attempt::{clock_skew, lost, within};
use crate::endpoint::Endpoint;
use crate::{Error, ErrorKind, Result};

/// Longer than a connection may take, shorter than a person waits.
const GREETING_WAIT_MAX: Duration = Duration::from_secs(15);

impl Network {
    /// Asks for the host's front page, without a token, and gives how far its clock is ahead of ours. Whatever it
    /// answers, it was reached.
    pub(crate) async fn greet(&self, endpoint: &Endpoint) -> Result<Option<SignedDuration>> {
        let request = self.service.get(endpoint.join("/")?).header(USER_AGENT, "snowferry");
        match within(GREETING_WAIT_MAX, request.send()).await {
            Some(Ok(response)) => Ok(clock_skew(response.headers())),
            Some(Err(error)) => Err(lost(error)),
            None => Err(Error::new(ErrorKind::Unavailable, "the service did not answer in time")),
        }
    }
}
