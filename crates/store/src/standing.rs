//! How syncs stand: what is expected of each, how it did last, and what people were told of it.

use std::time::Duration;

use jiff::Timestamp;
use model::{Result, RunState};
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::database::sql;
use crate::id::Id;
use crate::row::{Columns, damaged};
use crate::run::RunError;
use crate::store::Store;
use crate::sync::{Sync, sync_not_found};
use crate::tenant::Tenant;

/// A sync with what is known of its runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub sync: Id<Sync>,
    pub tenant_name: String,
    pub name: String,
    /// Nobody expects it to run: it is paused, its tenant suspended, or a connection closed.
    pub is_resting: bool,
    /// Since when it is expected to run.
    pub expected_since: Timestamp,
    /// How old its last success may become.
    pub late_after: Option<Duration>,
    pub last_success_at: Option<Timestamp>,
    /// When its last run that succeeded or failed has ended, and why it failed.
    pub last_ended: Option<(Timestamp, Option<RunError>)>,
    /// What was noted as told, and when.
    pub told: Option<(Value, Timestamp)>,
}

/// How many syncs stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    pub well: u64,
    pub failing: u64,
    pub late: u64,
    pub resting: u64,
    /// How much older than it may be the last success of the sync is that is most overdue.
    pub overdue: Duration,
}

const STANDINGS: &str = "
SELECT s.id, s.name, t.name AS tenant_name, s.late_after_ms, s.last_success_at,
    coalesce(s.expected_since, s.created_at) AS expected_since,
    coalesce(s.paused_at, t.suspended_at, f.closed_at, d.closed_at) AS resting_since,
    r.state, r.ended_at, r.error_kind, r.error_code, r.error_message, r.error_remedy,
    w.condition, w.told_at
FROM syncs s
JOIN tenants t ON t.id = s.tenant_id
JOIN connections f ON f.id = s.source_id
JOIN connections d ON d.id = s.destination_id
LEFT JOIN runs r ON r.id = s.last_ended_run_id
LEFT JOIN told w ON w.sync_id = s.id AND w.channel = $1
WHERE s.removed_at IS NULL ";

/// The same decision as that of whoever alerts, for the figures of all syncs in one answer.
const COUNTED: &str = "
WITH expected AS (
    SELECT s.last_ended_run_id, s.late_after_ms,
        coalesce(s.paused_at, t.suspended_at, f.closed_at, d.closed_at) AS resting_since,
        CASE WHEN s.last_success_at > coalesce(s.expected_since, s.created_at) THEN s.last_success_at
            ELSE coalesce(s.expected_since, s.created_at) END AS fresh_at
    FROM syncs s
    JOIN tenants t ON t.id = s.tenant_id
    JOIN connections f ON f.id = s.source_id
    JOIN connections d ON d.id = s.destination_id
    WHERE s.removed_at IS NULL
), sorted AS (
    SELECT CASE WHEN e.resting_since IS NOT NULL THEN 'resting' WHEN r.state = 'failed' THEN 'failing'
            WHEN $1 - e.fresh_at > e.late_after_ms * 1000 THEN 'late' ELSE 'well' END AS condition,
        CASE WHEN e.resting_since IS NULL THEN $1 - e.fresh_at - e.late_after_ms * 1000 END AS overdue
    FROM expected e LEFT JOIN runs r ON r.id = e.last_ended_run_id
)
SELECT condition, count(*) AS syncs, max(overdue) AS overdue FROM sorted GROUP BY condition";

impl Store {
    /// Up to `count` syncs of all tenants in the order of their ids, from the one after `after` on, with what `channel`
    /// was told of each.
    pub async fn standings(
        &self,
        channel: &str,
        after: Option<&Id<Sync>>,
        count: u32,
    ) -> Result<Vec<Standing>> {
        let page = sqlx::AssertSqlSafe(format!("{STANDINGS} AND s.id > $2 ORDER BY s.id LIMIT $3"));
        let after = after.map(ToString::to_string).unwrap_or_default();
        let page = sqlx::query(page).bind(channel.to_owned()).bind(after).bind(i64::from(count));
        self.database.all(page).await?.iter().map(Standing::read).collect()
    }

    /// How one sync of the tenant stands.
    pub async fn standing(&self, tenant: &Id<Tenant>, sync: &Id<Sync>) -> Result<Standing> {
        let one = sqlx::AssertSqlSafe(format!("{STANDINGS} AND s.tenant_id = $2 AND s.id = $3"));
        let one = sqlx::query(one).bind(String::new()).bind(tenant.to_string()).bind(sync.to_string());
        Standing::read(&self.database.one(one).await?.ok_or_else(sync_not_found)?)
    }

    /// How the syncs of the tenant stand, in the order of their names.
    pub async fn standings_of(&self, tenant: &Id<Tenant>) -> Result<Vec<Standing>> {
        let all = sqlx::AssertSqlSafe(format!("{STANDINGS} AND s.tenant_id = $2 ORDER BY s.name"));
        let all = sqlx::query(all).bind(String::new()).bind(tenant.to_string());
        self.database.all(all).await?.iter().map(Standing::read).collect()
    }

    /// How many syncs stand how at this moment.
    pub async fn count_standings(&self) -> Result<Standings> {
        let mut tx = self.database.begin().await?;
        let now = tx.now_micros();
        let mut standings = Standings::default();
        for row in tx.all(sql(COUNTED).bind(now)).await? {
            let count = match row.text("condition")?.as_str() {
                "resting" => &mut standings.resting,
                "failing" => &mut standings.failing,
                "late" => &mut standings.late,
                _ => &mut standings.well,
            };
            *count = row.count("syncs")?;
            let overdue = u64::try_from(row.optional_number("overdue")?.unwrap_or_default()).unwrap_or(0);
            standings.overdue = standings.overdue.max(Duration::from_micros(overdue));
        }
        Ok(standings)
    }

    /// Notes that `channel` was told of these syncs what stands beside each.
    pub async fn note_told(&self, channel: &str, told: &[(Id<Sync>, Value)]) -> Result<()> {
        let mut tx = self.database.begin().await?;
        for (sync, condition) in told {
            let upsert = "INSERT INTO told (sync_id, channel, condition, told_at) VALUES ($1, $2, $3, $4)
                ON CONFLICT (sync_id, channel)
                DO UPDATE SET condition = excluded.condition, told_at = excluded.told_at";
            let upsert = sql(upsert)
                .bind(sync.to_string())
                .bind(channel.to_owned())
                .bind(condition.to_string())
                .bind(tx.now_micros());
            tx.execute(upsert).await?;
        }
        tx.commit().await
    }
}

impl Standing {
    fn read(row: &AnyRow) -> Result<Self> {
        let ended_at = row.optional_moment("ended_at")?;
        let error = RunError::read(row)?;
        let state = row.optional_text("state")?.and_then(|word| RunState::parse(&word));
        // A run that succeeded in the end may keep the error of an attempt before.
        let error = error.filter(|_| state == Some(RunState::Failed));
        let told = row.optional_text("condition")?.map(|text| serde_json::from_str(&text));
        let told = told.transpose().map_err(|_| damaged("condition"))?;
        Ok(Self {
            sync: row.id("id")?,
            tenant_name: row.text("tenant_name")?,
            name: row.text("name")?,
            is_resting: row.optional_number("resting_since")?.is_some(),
            expected_since: row.moment("expected_since")?,
            late_after: row.optional_duration("late_after_ms")?,
            last_success_at: row.optional_moment("last_success_at")?,
            last_ended: ended_at.map(|at| (at, error)),
            told: told.zip(row.optional_moment("told_at")?),
        })
    }
}
