//! How much waits and goes on, for whoever watches.

use jiff::Timestamp;
use model::{Result, RunState};

use super::Queue;
use crate::database::sql;
use crate::row::{Columns, damaged};

/// How full the queue is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub queued: u64,
    pub running: u64,
    pub retrying: u64,
    /// Since when the run has been due that has waited longest, where one is due.
    pub due_since: Option<Timestamp>,
    /// Workers whose lease holds.
    pub workers: u64,
    /// The time of the database.
    pub now: Timestamp,
}

impl Queue {
    /// How full the queue is now.
    pub async fn depth(&self) -> Result<Depth> {
        let mut tx = self.store.database.begin().await?;
        let mut depth = Depth { now: tx.now, ..Depth::default() };
        let now = tx.now_micros();
        let query = "SELECT state, count(*) AS runs, min(CASE WHEN due_at <= $1 THEN due_at END) AS due_since
            FROM runs WHERE state IN ('queued', 'running', 'retrying') GROUP BY state";
        for row in tx.all(sql(query).bind(now)).await? {
            let runs = row.count("runs")?;
            let state = RunState::parse(&row.text("state")?).ok_or_else(|| damaged("state"))?;
            match state {
                RunState::Running => depth.running = runs,
                RunState::Retrying => depth.retrying = runs,
                _ => depth.queued = runs,
            }
            let due_since = row.optional_moment("due_since")?.filter(|_| state != RunState::Running);
            depth.due_since = depth.due_since.into_iter().chain(due_since).min();
        }
        let workers = sql("SELECT count(*) AS workers FROM workers WHERE lease_until > $1").bind(now);
        depth.workers = tx.one(workers).await?.map_or(Ok(0), |row| row.count("workers"))?;
        Ok(depth)
    }
}
