//! A logged-in client: its tokens, its SQL session, what its last statement left behind.

mod authorization;
mod client;
pub(crate) mod parameters;
mod registry;
mod routes;
mod token;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use self::client::{ClientFamily, stage_access};
use self::parameters::Parameters;
pub(crate) use self::registry::{Sessions, Tokens};
pub(crate) use self::routes::{heartbeat, log_out, renew};
use crate::sql::{Interrupt, SessionContext, SqlSession};
use crate::stage::StageDialect;

/// One session. The SQL session inside runs one statement at a time.
pub(crate) struct Session {
    pub id: i64,
    pub user: String,
    pub family: ClientFamily,
    pub stage_dialect: StageDialect,
    pub sql: Arc<tokio::sync::Mutex<SqlSession>>,
    interrupt: Interrupt,
    running: Mutex<Option<String>>,
    settings: Mutex<Settings>,
}

/// The session's parameters and context after its last statement.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub parameters: Parameters,
    pub context: SessionContext,
}

impl Session {
    pub(crate) fn new(
        id: i64,
        user: String,
        family: ClientFamily,
        stage_dialect: StageDialect,
        sql: SqlSession,
        login_parameters: &BTreeMap<String, String>,
    ) -> Self {
        let mut parameters = Parameters::at_login(login_parameters);
        parameters.overlay(&sql.parameters());
        Self {
            id,
            user,
            family,
            stage_dialect,
            interrupt: sql.interrupt(),
            running: Mutex::new(None),
            settings: Mutex::new(Settings { parameters, context: sql.context() }),
            sql: Arc::new(tokio::sync::Mutex::new(sql)),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over what a statement changed.
    pub(crate) fn refresh(&self, sql: &SqlSession) -> Settings {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        settings.parameters.overlay(&sql.parameters());
        settings.context = sql.context();
        settings.clone()
    }

    /// Takes over the parameters that a statement says it changed.
    pub(crate) fn change(&self, changed: &[(String, String)]) {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).parameters.change(changed);
    }

    /// Says which statement the SQL session is on, so that an abort never hits the next one.
    pub(crate) fn set_running(&self, query_id: Option<&str>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = query_id.map(str::to_owned);
    }

    /// Interrupts the SQL session if it is on this statement.
    pub(crate) fn interrupt(&self, query_id: &str) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.as_deref() == Some(query_id) {
            self.interrupt.interrupt();
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("user", &self.user).finish_non_exhaustive()
    }
}
