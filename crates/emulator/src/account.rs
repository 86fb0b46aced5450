//! Everything that one running emulator holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::EmulatorConfig;
use crate::fault::Faults;
use crate::login::failures::LoginFailures;
use crate::login::oauth::OauthClients;
use crate::s3::Multiparts;
use crate::server::request_log::RequestLog;
use crate::session::Sessions;
use crate::sql::Database;
use crate::stage::StageCredentials;
use crate::statement::Statements;
use crate::statement::cache::ResultCache;
use crate::statement::canned::CannedResults;
use crate::users::Users;

/// One emulated Snowflake account.
pub(crate) struct Account {
    pub config: EmulatorConfig,
    pub clock: Clock,
    pub users: Users,
    pub oauth: OauthClients,
    pub login_failures: LoginFailures,
    pub database: Database,
    pub sessions: Sessions,
    pub statements: Statements,
    pub canned: CannedResults,
    pub cache: ResultCache,
    pub stage_credentials: StageCredentials,
    pub multiparts: Multiparts,
    pub faults: Faults,
    pub requests: RequestLog,
    pub shutdown: watch::Sender<bool>,
    queries: AtomicU64,
}

impl Account {
    pub(crate) fn new(config: EmulatorConfig, database: Database, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            users: Users::new(config.users.clone()),
            oauth: OauthClients::new(config.oauth_clients.clone()),
            login_failures: LoginFailures::default(),
            sessions: Sessions::new(clock.clone(), config.validity),
            statements: Statements::new(clock.clone(), config.validity.result, config.results.kept_bytes_max),
            canned: CannedResults::default(),
            cache: ResultCache::default(),
            stage_credentials: StageCredentials::new(clock.clone(), config.validity.stage_credentials),
            multiparts: Multiparts::default(),
            faults: Faults::default(),
            requests: RequestLog::default(),
            shutdown: watch::Sender::new(false),
            queries: AtomicU64::new(0),
            clock,
            config,
            database,
        })
    }

    /// A query id in Snowflake's shape: time first, so that ids sort by age.
    pub(crate) fn next_query_id(&self) -> String {
        let seconds = self.clock.now().as_second().unsigned_abs() & 0xffff_ffff;
        let number = self.queries.fetch_add(1, Ordering::Relaxed);
        let noise = crate::random::number() & 0xffff;
        format!("01c{:05x}-{:04x}-{:04x}-0000-{:012x}", seconds >> 12, seconds & 0xfff, noise, number + 1)
    }
}
