//! The source: one session per account, opened when first needed and replaced when it is gone.

use std::fmt;

use async_trait::async_trait;
use model::{
    Audit, AuditPlan, Audited, BatchStream, BucketSummary, Cursor, Error, ErrorKind, Profile, ProfilePlan,
    ReadPlan, Result, RowMark, SNAPSHOT_UNAVAILABLE, Source, StreamFilter, StreamName, StreamPlan,
    StreamSchema,
};
use snowflake::{ConnectionConfig, Session, SessionContext};
use tokio::sync::Mutex;

use super::error::from_client;
use super::moment::Moment;
use super::object::Object;
use super::position::Position;
use super::sql::{audit_marks_sql, audit_summary_sql, read_sql, table_sql};
use super::strategy::Strategy;
use super::{audit, catalog, changes, profile, read};
use crate::audit::{marks, summaries};
use crate::watermark::lower_bound;

/// A Snowflake account as source.
pub struct SnowflakeSource {
    config: ConnectionConfig,
    session: Mutex<Option<Session>>,
}

impl SnowflakeSource {
    /// A source that logs in when it is first used.
    pub fn new(config: ConnectionConfig) -> Self {
        // Nothing that a source asks depends on its session, so where that is gone another one goes on.
        Self { config: config.relogin(true), session: Mutex::new(None) }
    }

    /// Logs in where that has not happened yet, and says what the session stands on.
    pub async fn log_in(&self) -> Result<SessionContext> {
        Ok(self.session().await?.context())
    }

    /// How `plan` would be read, from what the account says of the stream.
    pub async fn strategy(&self, plan: &StreamPlan) -> Result<Strategy> {
        let object = self.on_session(async |session| Object::of(session, &plan.stream).await).await?;
        Ok(Strategy::of(&object, plan))
    }

    /// Logs out, where logged in. A failure to do so harms nobody: the session ends by itself.
    pub async fn close(&self) {
        if let Some(session) = self.session.lock().await.take()
            && let Err(error) = session.close().await
        {
            tracing::debug!(error = %error, "log-out failed");
        }
    }

    /// Looks at columns that a sync follows or could follow, which needs a virtual warehouse.
    pub async fn profile(&self, plan: &ProfilePlan) -> Result<Profile> {
        let profiled = self.on_session(async |session| profile::profile(session, plan).await).await;
        profiled.map_err(|error| self.with_grants(error, &plan.stream))
    }

    async fn session(&self) -> Result<Session> {
        let mut slot = self.session.lock().await;
        if let Some(session) = &*slot {
            return Ok(session.clone());
        }
        let session = Session::connect(self.config.clone()).await.map_err(from_client)?;
        *slot = Some(session.clone());
        Ok(session)
    }

    /// Runs `work` on the session, and forgets the session where it turns out to be gone: the next attempt logs in.
    async fn on_session<T>(&self, work: impl AsyncFnOnce(&Session) -> Result<T>) -> Result<T> {
        let session = self.session().await?;
        let result = work(&session).await;
        if let Err(error) = &result
            && error.kind() == ErrorKind::SessionExpired
        {
            *self.session.lock().await = None;
        }
        result
    }

    /// Adds the statements that would mend a missing privilege, or a name that cannot be seen.
    fn with_grants(&self, error: Error, stream: &StreamName) -> Error {
        let StreamName::Table(table) = stream else { return error };
        if !matches!(error.kind(), ErrorKind::Permission | ErrorKind::NotFound)
            || error.code() == SNAPSHOT_UNAVAILABLE
        {
            return error;
        }
        let (Some(role), Ok(name)) = (&self.config.role, table_sql(table)) else { return error };
        let remedy = format!(
            "check the name with `snowferry discover`, or let the customer run: \
             GRANT USAGE ON DATABASE {database} TO ROLE {role}; \
             GRANT USAGE ON SCHEMA {database}.{schema} TO ROLE {role}; GRANT SELECT ON TABLE {name} TO ROLE {role};",
            database = super::sql::database_of(table).and_then(super::sql::quoted).unwrap_or_default(),
            schema = super::sql::quoted(&table.schema).unwrap_or_default(),
            role = super::sql::quoted(role).unwrap_or_default(),
        );
        error.with_remedy(remedy)
    }
}

impl fmt::Debug for SnowflakeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnowflakeSource").field("account", &self.config.account).finish_non_exhaustive()
    }
}

#[async_trait]
impl Source for SnowflakeSource {
    async fn discover(&self, filter: &StreamFilter) -> Result<Vec<StreamSchema>> {
        self.on_session(async |session| catalog::discover(session, filter).await).await
    }

    async fn describe(&self, stream: &StreamName) -> Result<StreamSchema> {
        let described = self.on_session(async |session| catalog::describe(session, stream).await).await;
        described.map_err(|error| self.with_grants(error, stream))
    }

    fn statement(&self, plan: &StreamPlan) -> Result<String> {
        read_sql(plan, &committed(plan)?)
    }

    async fn read(&self, plan: &StreamPlan) -> Result<BatchStream> {
        let committed = committed(plan)?;
        let read = self.on_session(async |session| {
            if let (ReadPlan::Changes, StreamName::Table(table)) = (&plan.read, &plan.stream) {
                return changes::start(session, plan, table, &committed).await;
            }
            let statement = read_sql(plan, &committed)?;
            read::start(session, plan, committed, statement).await
        });
        let read = read.await;
        read.map_err(|error| self.with_grants(error, &plan.stream))
    }

    fn lower_bound(&self, plan: &StreamPlan) -> Result<Option<String>> {
        let ReadPlan::ByCursor { cursor_type, lookback, from, .. } = &plan.read else { return Ok(None) };
        let committed = committed(plan)?;
        let bound = |watermark: String| lower_bound(cursor_type, &watermark, *lookback, *from);
        committed.watermark.map(bound).transpose()
    }

    /// Asks for the table's change token, which needs no virtual warehouse.
    async fn is_unchanged(&self, plan: &StreamPlan) -> Result<bool> {
        let committed = committed(plan)?;
        let (StreamName::Table(table), Some(token)) = (&plan.stream, &committed.change_token) else {
            return Ok(false);
        };
        if committed.next_statement != Some(read::digest(&read_sql(plan, &committed)?)) {
            return Ok(false);
        }
        let now = self.on_session(async |session| Moment::with_token(session, table).await).await?;
        Ok(now.is_some_and(|now| now.change_token.as_ref() == Some(token)))
    }

    async fn position_now(&self, plan: &StreamPlan) -> Result<Option<Cursor>> {
        let StreamName::Table(table) = &plan.stream else { return Ok(None) };
        let position =
            self.on_session(async |session| changes::position_now(session, plan, table).await).await?;
        Cursor::from_position(&position).map(Some)
    }

    async fn position_of_unchanged(&self, plan: &StreamPlan) -> Result<Option<Cursor>> {
        let (ReadPlan::Changes, StreamName::Table(table)) = (&plan.read, &plan.stream) else {
            return Ok(None);
        };
        let committed = committed(plan)?;
        let later = self
            .on_session(async |session| changes::position_of_unchanged(session, plan, table, committed).await)
            .await?;
        later.as_ref().map(Cursor::from_position).transpose()
    }
}

#[async_trait]
impl Audit for SnowflakeSource {
    async fn summarize(&self, plan: &AuditPlan) -> Result<Audited<Vec<BucketSummary>>> {
        let sql = audit_summary_sql(plan, &plan.committed.position()?)?;
        let answer = self.on_session(async |session| audit::ask(session, plan, sql).await).await;
        let Audited { found, cost } = answer.map_err(|error| self.with_grants(error, &plan.stream.stream))?;
        Ok(Audited { found: summaries(found)?, cost })
    }

    async fn mark_rows(&self, plan: &AuditPlan, buckets: &[u32]) -> Result<Audited<Vec<RowMark>>> {
        let sql = audit_marks_sql(plan, &plan.committed.position()?, buckets)?;
        let answer = self.on_session(async |session| audit::ask(session, plan, sql).await).await;
        let Audited { found, cost } = answer.map_err(|error| self.with_grants(error, &plan.stream.stream))?;
        Ok(Audited { found: marks(found)?, cost })
    }
}

fn committed(plan: &StreamPlan) -> Result<Position> {
    let position: Position = plan.since.as_ref().map(Cursor::position).transpose()?.unwrap_or_default();
    if let Some(followed) = &position.followed {
        followed.refuse_another(plan)?;
    }
    Ok(position)
}
