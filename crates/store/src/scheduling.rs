//! Schedules at work: what is due becomes a run, and why a sync did or did not run is answered.

use jiff::Timestamp;
use model::{Decision, Hold, Passed, Result, Schedule, ScheduleState};
use serde_json::{Map, Value};
use sqlx::any::AnyRow;

use crate::database::{Tx, sql};
use crate::id::Id;
use crate::queue::{Cause, Enqueued, Queue};
use crate::row::Columns;
use crate::run::Run;
use crate::store::Store;
use crate::sync::{Sync, read_schedule, sync_not_found};
use crate::tenant::Tenant;

/// Syncs that one look takes care of; the next one follows at once where there may be more.
const LOOKED_AT_MAX: i64 = 500;

/// What a schedule's decision depends on.
const ASKED: &str = "SELECT s.id, s.tenant_id, s.name, s.schedule, s.settled_until, s.paused_at, s.passed_fire_at,
    s.passed_reason, t.name AS tenant_name, t.suspended_at, coalesce(f.closed_at, d.closed_at) AS closed_at,
    (SELECT max(r.id) FROM runs r WHERE r.sync_id = s.id AND r.state IN ('queued', 'running', 'retrying')) AS open_run
    FROM syncs s JOIN tenants t ON t.id = s.tenant_id
    JOIN connections f ON f.id = s.source_id JOIN connections d ON d.id = s.destination_id ";

/// What one look at the schedules did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Syncs whose schedule was asked.
    pub asked: usize,
    /// Runs that were queued.
    pub queued: usize,
    /// Fires that get no run.
    pub passed: usize,
    /// Whether there may be more to look at now.
    pub is_full: bool,
}

/// Why a sync does or does not run now.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// What its schedule says; nothing where it has none.
    pub decision: Option<Decision>,
    pub open_run: Option<Id<Run>>,
    /// The last fire that got no run.
    pub passed: Option<PassedFire>,
    pub last_run: Option<Run>,
}

/// A fire that got no run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedFire {
    pub at: Timestamp,
    /// `overlap` or `missed`.
    pub reason: String,
}

impl Queue {
    /// Looks at the schedules that may have something to say now. Any number of processes may do so at once.
    pub async fn tick(&self) -> Result<Tick> {
        let mut tx = self.store().database.begin_queue_decision().await?;
        let due = "WHERE s.look_at <= $1 ORDER BY s.look_at, s.id LIMIT $2";
        let query = sqlx::query(sqlx::AssertSqlSafe(format!("{ASKED}{due}")));
        let now = tx.now_micros();
        let rows = tx.all(query.bind(now).bind(LOOKED_AT_MAX)).await?;
        let is_full = rows.len() as i64 == LOOKED_AT_MAX;
        let mut tick = Tick { asked: rows.len(), is_full, ..Tick::default() };
        for row in &rows {
            let asked = Asked::read(row)?;
            let look_at = tx.ask(&asked, &mut tick).await?;
            let note = sql("UPDATE syncs SET look_at = $2 WHERE id = $1");
            tx.execute(note.bind(asked.sync.to_string()).bind(look_at)).await?;
        }
        tx.commit().await?;
        Ok(tick)
    }
}

impl Store {
    /// Why a sync of the tenant does or does not run now.
    pub async fn why(&self, tenant: &Id<Tenant>, sync: &Id<Sync>) -> Result<Why> {
        let mut tx = self.database.begin().await?;
        let query = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{ASKED}WHERE s.tenant_id = $1 AND s.id = $2 AND s.removed_at IS NULL"
        )));
        let row = tx.one(query.bind(tenant.to_string()).bind(sync.to_string())).await?;
        let asked = Asked::read(&row.ok_or_else(sync_not_found)?)?;
        let last = "SELECT * FROM runs WHERE sync_id = $1 ORDER BY queued_at DESC, id DESC LIMIT 1";
        let last = tx.one(sql(last).bind(sync.to_string())).await?;
        Ok(Why {
            decision: asked.decide(tx.now),
            open_run: asked.open_run,
            passed: asked.passed,
            last_run: last.as_ref().map(Run::read).transpose()?,
        })
    }
}

/// A sync whose schedule is asked.
struct Asked {
    sync: Id<Sync>,
    /// What its jitter follows from: the same as for a sync in a file.
    name: String,
    schedule: Option<Schedule>,
    state: ScheduleState,
    open_run: Option<Id<Run>>,
    passed: Option<PassedFire>,
}

impl Asked {
    fn read(row: &AnyRow) -> Result<Self> {
        let hold =
            [("closed_at", Hold::Closed), ("suspended_at", Hold::Suspended), ("paused_at", Hold::Paused)];
        let mut held = None;
        for (column, hold) in hold {
            held = held.or(row.optional_number(column)?.map(|_| hold));
        }
        let open_run = row.optional_text("open_run")?.map(Id::from);
        let passed = row.optional_moment("passed_fire_at")?.zip(row.optional_text("passed_reason")?);
        Ok(Self {
            sync: row.id("id")?,
            name: format!("{}/{}", row.text("tenant_name")?, row.text("name")?),
            schedule: read_schedule(row)?.map(Schedule::new).transpose()?,
            state: ScheduleState {
                settled_until: row.moment("settled_until")?,
                has_open_run: open_run.is_some(),
                hold: held,
            },
            open_run,
            passed: passed.map(|(at, reason)| PassedFire { at, reason }),
        })
    }

    fn decide(&self, now: Timestamp) -> Option<Decision> {
        Some(self.schedule.as_ref()?.decide(&self.name, self.state, now))
    }
}

impl Tx {
    /// Does what a schedule decides, and answers when to ask it again.
    async fn ask(&mut self, asked: &Asked, tick: &mut Tick) -> Result<Option<i64>> {
        match asked.decide(self.now) {
            None => Ok(None),
            Some(Decision::Wait { until, .. }) => Ok(until.map(Timestamp::as_microsecond)),
            Some(Decision::Run { fire, .. }) => {
                let options = Value::Object(Map::new());
                let enqueued =
                    self.enqueue(&asked.sync, Cause::Schedule, Some(fire.at), self.now, &options).await?;
                if matches!(enqueued, Enqueued::Queued(_)) {
                    tick.queued += 1;
                    self.settle(asked, fire.at).await?;
                }
                Ok(Some(self.now_micros()))
            }
            Some(Decision::Pass { fire, passed, .. }) => {
                tick.passed += 1;
                self.settle(asked, fire.at).await?;
                let reason = match passed {
                    Passed::Overlap => "overlap",
                    Passed::Missed => "missed",
                };
                let note = sql("UPDATE syncs SET passed_fire_at = $2, passed_reason = $3 WHERE id = $1");
                let note = note.bind(asked.sync.to_string()).bind(fire.at.as_microsecond()).bind(reason);
                self.execute(note).await?;
                Ok(Some(self.now_micros()))
            }
        }
    }

    async fn settle(&mut self, asked: &Asked, until: Timestamp) -> Result<()> {
        let settle = sql("UPDATE syncs SET settled_until = $2 WHERE id = $1");
        self.execute(settle.bind(asked.sync.to_string()).bind(until.as_microsecond())).await.map(drop)
    }
}
