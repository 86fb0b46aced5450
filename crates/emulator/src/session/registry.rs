//! All sessions by their tokens.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use jiff::Timestamp;

use super::Session;
use super::token::{Token, TokenKind};
use crate::clock::Clock;
use crate::config::Validity;
use crate::random;
use crate::wire::Refusal;

/// Tokens kept before those that are no longer good are swept out.
const TOKENS_MAX: usize = 10_000;

/// The sessions of the account.
pub(crate) struct Sessions {
    clock: Clock,
    validity: Validity,
    registry: Mutex<Registry>,
}

#[derive(Default)]
struct Registry {
    sessions: HashMap<i64, Arc<Session>>,
    tokens: HashMap<String, Token>,
}

/// The two tokens of a session, as a client gets them.
pub(crate) struct Tokens {
    pub session: String,
    pub master: String,
}

impl Sessions {
    pub(crate) fn new(clock: Clock, validity: Validity) -> Self {
        Self { clock, validity, registry: Mutex::default() }
    }

    /// Registers a session and issues its first tokens.
    pub(crate) fn add(&self, session: &Arc<Session>) -> Tokens {
        let mut registry = self.lock();
        let now = self.clock.now();
        registry.sweep(now);
        registry.sessions.insert(session.id, Arc::clone(session));
        self.issue(&mut registry, session.id)
    }

    /// The session of a session token.
    pub(crate) fn by_session_token(&self, token: &str) -> Result<Arc<Session>, Refusal> {
        let registry = self.lock();
        let known = registry.tokens.get(token).filter(|token| token.kind == TokenKind::Session);
        let Some(known) = known else { return Err(invalid_token()) };
        let Some(session) = registry.sessions.get(&known.session_id) else { return Err(session_gone()) };
        if known.expires_at <= self.clock.now() {
            return Err(expired_session_token());
        }
        Ok(Arc::clone(session))
    }

    /// Replaces both tokens of the session whose master token this is.
    pub(crate) fn renew(&self, master: &str) -> Result<(i64, Tokens), Refusal> {
        let mut registry = self.lock();
        let session_id = self.check_master(&registry, master)?;
        let now = self.clock.now();
        for token in registry.tokens.values_mut().filter(|token| token.session_id == session_id) {
            token.is_replaced |= token.kind == TokenKind::Master;
            token.expires_at = token.expires_at.min(now);
        }
        let tokens = self.issue(&mut registry, session_id);
        Ok((session_id, tokens))
    }

    /// One more session token for the session whose master token this is.
    pub(crate) fn issue_more(&self, master: &str) -> Result<(i64, String), Refusal> {
        let mut registry = self.lock();
        let session_id = self.check_master(&registry, master)?;
        let expires_at = self.clock.after(self.validity.session_token);
        Ok((session_id, registry.insert(session_id, TokenKind::Session, expires_at)))
    }

    /// Keeps the session of this id from ending: its master token lasts anew.
    pub(crate) fn keep_alive(&self, session_id: i64) {
        let expires_at = self.clock.after(self.validity.master_token);
        let mut registry = self.lock();
        let masters = registry.tokens.values_mut().filter(|token| {
            token.session_id == session_id && token.kind == TokenKind::Master && !token.is_replaced
        });
        masters.for_each(|token| token.expires_at = expires_at);
    }

    /// Ends a session. Its tokens stay known, so that their next use says that the session is gone.
    pub(crate) fn remove(&self, session_id: i64) -> Option<Arc<Session>> {
        self.lock().sessions.remove(&session_id)
    }

    pub(crate) fn get(&self, session_id: i64) -> Option<Arc<Session>> {
        self.lock().sessions.get(&session_id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.lock().sessions.values().cloned().collect()
    }

    /// Lets the session tokens of one session, and with it its master token, expire now.
    pub(crate) fn expire(&self, session_id: i64, with_master: bool) {
        let now = self.clock.now();
        let mut registry = self.lock();
        for token in registry.tokens.values_mut().filter(|token| token.session_id == session_id) {
            if token.kind == TokenKind::Session || with_master {
                token.expires_at = token.expires_at.min(now);
            }
        }
    }

    fn check_master(&self, registry: &Registry, master: &str) -> Result<i64, Refusal> {
        let known = registry.tokens.get(master).filter(|token| token.kind == TokenKind::Master);
        let Some(known) = known else {
            return Err(Refusal::new(
                "390113",
                "Master token was not found. The user must authenticate again.",
            ));
        };
        if known.is_replaced {
            return Err(Refusal::new(
                "390115",
                "Master token is not valid. The user must authenticate again.",
            ));
        }
        if known.expires_at <= self.clock.now() {
            let message = "Authentication token has expired.  The user must authenticate again.";
            return Err(Refusal::new("390114", message));
        }
        if !registry.sessions.contains_key(&known.session_id) {
            return Err(session_gone());
        }
        Ok(known.session_id)
    }

    fn issue(&self, registry: &mut Registry, session_id: i64) -> Tokens {
        let session_end = self.clock.after(self.validity.session_token);
        let master_end = self.clock.after(self.validity.master_token);
        Tokens {
            session: registry.insert(session_id, TokenKind::Session, session_end),
            master: registry.insert(session_id, TokenKind::Master, master_end),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    fn insert(&mut self, session_id: i64, kind: TokenKind, expires_at: Timestamp) -> String {
        let prefix = match kind {
            TokenKind::Session => "ver:1-hint",
            TokenKind::Master => "ver:1-master",
        };
        let text = format!("{prefix}:{session_id}-{}", random::token());
        self.tokens.insert(text.clone(), Token { session_id, kind, expires_at, is_replaced: false });
        text
    }

    /// Ends the sessions that cannot be renewed any more, and forgets tokens that nobody can use once there are many.
    fn sweep(&mut self, now: Timestamp) {
        let alive: HashSet<i64> = self
            .tokens
            .values()
            .filter(|token| token.expires_at > now)
            .map(|token| token.session_id)
            .collect();
        self.sessions.retain(|session_id, _| alive.contains(session_id));
        if self.tokens.len() < TOKENS_MAX {
            return;
        }
        let sessions = &self.sessions;
        self.tokens.retain(|_, token| token.expires_at > now && sessions.contains_key(&token.session_id));
    }
}

fn invalid_token() -> Refusal {
    Refusal::new("390104", "Session token is not valid. New login required to access the service.")
        .with_status(StatusCode::UNAUTHORIZED)
}

pub(crate) fn session_gone() -> Refusal {
    Refusal::new("390111", "Session no longer exists.  New login required to access the service.")
}

pub(crate) fn expired_session_token() -> Refusal {
    Refusal::new("390112", "Authentication token has expired.  The user must authenticate again.")
}
