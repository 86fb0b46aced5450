//! Short-lived credentials for the object store: what each of them may touch, and until when.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::StageId;
use crate::clock::Clock;
use crate::random;

/// Credentials remembered, expired ones too: their use is answered with `ExpiredToken`.
const CREDENTIALS_MAX: usize = 10_000;

/// What a PUT or GET reply gives a client.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub key_id: String,
    pub secret: String,
    pub token: String,
}

/// What credentials allow.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub stage: StageId,
    /// Empty for the whole stage, or with a slash at its end.
    pub folder: String,
    pub may_write: bool,
    /// Whether files in this stage are encrypted by whoever uploads them.
    pub is_client_side_encrypted: bool,
    /// The text of the PUT or GET.
    pub statement: String,
}

/// Credentials as the store knows them.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub credentials: Credentials,
    pub scope: Scope,
    pub expires_at: Timestamp,
}

/// All credentials of the account.
#[derive(Debug)]
pub(crate) struct StageCredentials {
    clock: Clock,
    validity: Duration,
    issued: Mutex<VecDeque<Issued>>,
}

impl StageCredentials {
    pub(crate) fn new(clock: Clock, validity: Duration) -> Self {
        Self { clock, validity, issued: Mutex::default() }
    }

    pub(crate) fn issue(&self, scope: Scope) -> Credentials {
        let key_id = format!("ASIA{:016X}", random::number());
        let credentials = Credentials { key_id, secret: random::token(), token: random::token() };
        let expires_at = self.clock.after(self.validity);
        let mut issued = self.lock();
        if issued.len() == CREDENTIALS_MAX {
            issued.pop_front();
        }
        issued.push_back(Issued { credentials: credentials.clone(), scope, expires_at });
        credentials
    }

    pub(crate) fn by_key_id(&self, key_id: &str) -> Option<Issued> {
        self.lock().iter().rev().find(|issued| issued.credentials.key_id == key_id).cloned()
    }

    pub(crate) fn is_expired(&self, issued: &Issued) -> bool {
        issued.expires_at <= self.clock.now()
    }

    /// Lets these credentials expire now.
    pub(crate) fn expire(&self, key_id: &str) {
        let now = self.clock.now();
        let mut issued = self.lock();
        let wanted = issued.iter_mut().filter(|issued| issued.credentials.key_id == key_id);
        wanted.for_each(|issued| issued.expires_at = issued.expires_at.min(now));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Issued>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}
