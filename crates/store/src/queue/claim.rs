//! Claiming runs: one decision at a time, so that limits hold exactly however many workers ask.

use std::collections::HashSet;

use model::{Epoch, Error, Result};
use sqlx::any::AnyRow;

use super::choose::{Candidate, Share, choose};
use super::{Claimed, Queue, Ticket, Worker};
use crate::database::{Tx, sql};
use crate::error::lease_lost;
use crate::id::Id;
use crate::row::Columns;

/// Runs that one choice looks at, the best first. Bounds the work of a claim when many thousands wait.
const CANDIDATES_MAX: i64 = 1_000;

/// Tenants that one choice looks at, beyond one for each run that it may give: some of them have no room.
const SPARE_TENANTS: i64 = 50;

/// Tenants with a run that is due.
const DUE_TENANTS: &str = "SELECT count(DISTINCT tenant_id) AS tenants FROM runs
    WHERE state IN ('queued', 'retrying') AND due_at <= $1";

/// Runs that wait and that have room by themselves, of the tenants that are next: of each pair of connections no more than could be claimed, since
/// they stand in each other's way. A connection that has failed too often lets one run try. A file of DuckDB is open in one
/// process at a time, so runs over one that another worker has open wait for that worker.
const CANDIDATES: &str = "
WITH going AS (
    SELECT tenant_id, source_id, destination_id, count(*) AS runs FROM runs WHERE state = 'running'
    GROUP BY tenant_id, source_id, destination_id
), of_tenant AS (
    SELECT tenant_id, CAST(sum(runs) AS BIGINT) AS runs FROM going GROUP BY tenant_id
), of_connection AS (
    SELECT id, CAST(sum(runs) AS BIGINT) AS runs FROM (
        SELECT source_id AS id, runs FROM going
        UNION ALL SELECT destination_id, runs FROM going WHERE destination_id <> source_id
    ) AS used GROUP BY id
), due AS (
    SELECT tenant_id, min(due_at) AS due_at FROM runs WHERE state IN ('queued', 'retrying') AND due_at <= $1
    GROUP BY tenant_id
), next_tenants AS (
    SELECT t.id, t.runs_max, t.turn, coalesce(u.runs, 0) AS runs FROM due
    JOIN tenants t ON t.id = due.tenant_id
    LEFT JOIN of_tenant u ON u.tenant_id = t.id
    WHERE t.suspended_at IS NULL AND coalesce(u.runs, 0) < t.runs_max
    ORDER BY coalesce(u.runs, 0), t.turn, due.due_at, t.id LIMIT $6
), elsewhere AS (
    SELECT source_id AS id FROM runs WHERE state = 'running' AND worker_id <> $5
    UNION SELECT destination_id FROM runs WHERE state = 'running' AND worker_id <> $5
), usable AS (
    SELECT c.id, coalesce(u.runs, 0) AS runs, CASE WHEN c.failures >= $4 THEN 1 ELSE c.runs_max END AS runs_max
    FROM connections c LEFT JOIN of_connection u ON u.id = c.id
    WHERE c.tenant_id IN (SELECT id FROM next_tenants) AND c.closed_at IS NULL AND (c.broken_until IS NULL OR c.broken_until <= $1)
        AND coalesce(u.runs, 0) < CASE WHEN c.failures >= $4 THEN 1 ELSE c.runs_max END
        AND NOT (c.system = 'duckdb' AND c.id IN (SELECT id FROM elsewhere))
), waiting AS (
    SELECT r.id, r.tenant_id, t.runs AS tenant_runs, t.runs_max AS tenant_runs_max, t.turn,
        r.source_id, f.runs AS source_runs, f.runs_max AS source_runs_max,
        r.destination_id, d.runs AS destination_runs, d.runs_max AS destination_runs_max,
        r.priority, r.due_at,
        row_number() OVER (PARTITION BY r.source_id, r.destination_id ORDER BY r.priority DESC, r.due_at, r.id) AS place
    FROM runs r
    JOIN next_tenants t ON t.id = r.tenant_id
    JOIN syncs s ON s.id = r.sync_id
    JOIN usable f ON f.id = r.source_id
    JOIN usable d ON d.id = r.destination_id
    WHERE r.state IN ('queued', 'retrying') AND r.due_at <= $1 AND s.paused_at IS NULL
)
SELECT * FROM (
    SELECT waiting.*, row_number() OVER (PARTITION BY tenant_id ORDER BY priority DESC, due_at, id) AS rank
    FROM waiting WHERE place <= $2
) AS ranked
ORDER BY tenant_runs + rank, turn, due_at, tenant_id, rank LIMIT $3";

impl Queue {
    /// Gives a worker up to `capacity` runs that are due, each under a new epoch. A worker whose lease has run out gets
    /// none and an error: it has to stop what it does.
    pub async fn claim(&self, worker: &Id<Worker>, capacity: usize) -> Result<Vec<Claimed>> {
        let mut tx = self.store.database.begin_queue_decision().await?;
        tx.require_lease(worker).await?;
        let candidates = self.candidates(&mut tx, worker, capacity).await?;
        let mut claimed = Vec::new();
        for position in choose(&candidates, capacity) {
            claimed.extend(tx.claim(&candidates[position], worker).await?);
        }
        tx.commit().await?;
        Ok(claimed)
    }
}

impl Queue {
    /// The runs that may be next. Each tenant gets its turn before any gets two, so the tenants that are next are enough, as
    /// long as some run of so many of them has room; where that is not so, all of them are looked at.
    async fn candidates(&self, tx: &mut Tx, worker: &Id<Worker>, capacity: usize) -> Result<Vec<Candidate>> {
        let now = tx.now_micros();
        let due = tx.one(sql(DUE_TENANTS).bind(now)).await?.map_or(Ok(0), |row| row.number("tenants"))?;
        if due == 0 {
            return Ok(Vec::new());
        }
        let few = i64::try_from(capacity).unwrap_or(i64::MAX).saturating_add(SPARE_TENANTS);
        let candidates = self.candidates_of(tx, worker, capacity, few).await?;
        let tenants: HashSet<&str> = candidates.iter().map(|one| one.tenant.id.as_str()).collect();
        if tenants.len() >= capacity || few >= due {
            return Ok(candidates);
        }
        self.candidates_of(tx, worker, capacity, due).await
    }

    async fn candidates_of(
        &self,
        tx: &mut Tx,
        worker: &Id<Worker>,
        capacity: usize,
        tenants_max: i64,
    ) -> Result<Vec<Candidate>> {
        let query = sql(CANDIDATES)
            .bind(tx.now_micros())
            .bind(i64::try_from(capacity).unwrap_or(i64::MAX))
            .bind(CANDIDATES_MAX)
            .bind(i64::from(self.policy.breaker.failures_max))
            .bind(worker.to_string())
            .bind(tenants_max);
        tx.all(query).await?.iter().map(Candidate::read).collect()
    }
}

impl Candidate {
    fn read(row: &AnyRow) -> Result<Self> {
        let share = |id: &str, running: &str, running_max: &str| {
            Ok::<_, Error>(Share {
                id: row.text(id)?,
                running: row.count(running)?,
                running_max: row.count(running_max)?,
            })
        };
        Ok(Self {
            run: row.text("id")?,
            tenant: share("tenant_id", "tenant_runs", "tenant_runs_max")?,
            source: share("source_id", "source_runs", "source_runs_max")?,
            destination: share("destination_id", "destination_runs", "destination_runs_max")?,
            turn: row.number("turn")?,
            due_at: row.number("due_at")?,
        })
    }
}

impl Tx {
    /// The worker's lease must still hold, and is held still until this transaction ends.
    async fn require_lease(&mut self, worker: &Id<Worker>) -> Result<()> {
        let touch = "UPDATE workers SET lease_until = lease_until WHERE id = $1 AND lease_until > $2";
        let now = self.now_micros();
        match self.execute(sql(touch).bind(worker.to_string()).bind(now)).await? {
            0 => Err(lease_lost()),
            _ => Ok(()),
        }
    }

    /// Nothing where the run was cancelled while we chose.
    async fn claim(&mut self, candidate: &Candidate, worker: &Id<Worker>) -> Result<Option<Claimed>> {
        let now = self.now_micros();
        let update =
            "UPDATE runs SET state = 'running', worker_id = $2, attempt = attempt + 1, spent = spent + 1,
                started_at = coalesce(started_at, $3)
            WHERE id = $1 AND state IN ('queued', 'retrying')
            RETURNING tenant_id, sync_id, source_id, destination_id, attempt, options";
        let update = sql(update).bind(candidate.run.clone()).bind(worker.to_string()).bind(now);
        let Some(run) = self.one(update).await? else { return Ok(None) };
        let epoch = "UPDATE syncs SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch";
        let epoch = self.one(sql(epoch).bind(run.text("sync_id")?)).await?;
        let epoch = epoch.ok_or_else(|| Error::internal("a run has no sync"))?.count("epoch")?;
        let set_epoch = sql("UPDATE runs SET epoch = $2 WHERE id = $1").bind(candidate.run.clone());
        self.execute(set_epoch.bind(epoch.cast_signed())).await?;
        let attempt = "INSERT INTO attempts (run_id, number, epoch, worker_id, started_at)
            VALUES ($1, $2, $3, $4, $5)";
        let attempt = sql(attempt)
            .bind(candidate.run.clone())
            .bind(run.number("attempt")?)
            .bind(epoch.cast_signed())
            .bind(worker.to_string())
            .bind(now);
        self.execute(attempt).await?;
        let turn = "UPDATE tenants SET turn = (SELECT max(turn) + 1 FROM tenants) WHERE id = $1";
        self.execute(sql(turn).bind(candidate.tenant.id.clone())).await?;
        Ok(Some(Claimed {
            ticket: Ticket {
                run: Id::from(candidate.run.clone()),
                worker: worker.clone(),
                epoch: Epoch(epoch),
            },
            tenant: run.id("tenant_id")?,
            sync: run.id("sync_id")?,
            source: run.id("source_id")?,
            destination: run.id("destination_id")?,
            attempt: run.count("attempt")?,
            options: run.document("options")?,
        }))
    }
}
