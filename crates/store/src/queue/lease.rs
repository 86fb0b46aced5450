//! Workers and their leases: one for all runs of a worker, kept by a heartbeat, given up at shutdown.

use jiff::Timestamp;
use model::{Epoch, Result};

use super::finish::{Ending, OpenRun};
use super::{Queue, Ticket};
use crate::database::sql;
use crate::error::lease_lost;
use crate::id::Id;
use crate::row::Columns;

/// A process that works on runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    pub id: Id<Worker>,
    pub name: String,
    pub lease_until: Timestamp,
}

/// A run that a worker holds, as the database sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub ticket: Ticket,
    /// Somebody wants it to stop.
    pub is_cancel_asked: bool,
}

impl Queue {
    /// Takes up work under a name for people, such as the host's. Each start of a process is a worker of its own.
    pub async fn register(&self, name: &str) -> Result<Id<Worker>> {
        let mut tx = self.store.database.begin().await?;
        let id = Id::generate();
        let insert = "INSERT INTO workers (id, name, started_at, lease_until) VALUES ($1, $2, $3, $4)";
        let insert = sql(insert)
            .bind(id.to_string())
            .bind(name.to_owned())
            .bind(tx.now_micros())
            .bind(tx.after(self.policy.lease));
        tx.execute(insert).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Extends the worker's lease and answers what it holds. With `lease_lost` the worker has to stop all its runs at
    /// once: somebody else may have them by now. A worker that hears nothing for as long as the lease, counted on its
    /// own clock from before it asked, has to do the same.
    pub async fn heartbeat(&self, worker: &Id<Worker>) -> Result<Vec<Held>> {
        let mut tx = self.store.database.begin().await?;
        let update = "UPDATE workers SET lease_until = $2 WHERE id = $1 AND lease_until > $3";
        let update =
            sql(update).bind(worker.to_string()).bind(tx.after(self.policy.lease)).bind(tx.now_micros());
        if tx.execute(update).await? == 0 {
            return Err(lease_lost());
        }
        let query =
            "SELECT id, epoch, cancel_at FROM runs WHERE worker_id = $1 AND state = 'running' ORDER BY id";
        let rows = tx.all(sql(query).bind(worker.to_string())).await?;
        tx.commit().await?;
        let held = |row: &sqlx::any::AnyRow| {
            let ticket =
                Ticket { run: row.id("id")?, worker: worker.clone(), epoch: Epoch(row.count("epoch")?) };
            Ok(Held { ticket, is_cancel_asked: row.optional_number("cancel_at")?.is_some() })
        };
        rows.iter().map(held).collect()
    }

    /// Hands back everything that the worker holds, to be started elsewhere at once, and ends its lease. Attempts that
    /// are handed back do not count as failed.
    pub async fn give_back(&self, worker: &Id<Worker>) -> Result<usize> {
        let mut tx = self.store.database.begin().await?;
        // In the same order as a rescue: first the worker, then its runs.
        let delete = sql("DELETE FROM workers WHERE id = $1 AND lease_until > $2");
        let now = tx.now_micros();
        if tx.execute(delete.bind(worker.to_string()).bind(now)).await? == 0 {
            return Err(lease_lost());
        }
        let runs = OpenRun::held_by(&mut tx, worker).await?;
        for run in &runs {
            run.end(&mut tx, Ending::GivenBack, &self.policy).await?;
        }
        tx.commit().await?;
        Ok(runs.len())
    }

    /// The workers that are known, by name.
    pub async fn workers(&self) -> Result<Vec<Worker>> {
        let rows = self.store.database.all(sql("SELECT * FROM workers ORDER BY name, id")).await?;
        let read = |row: &sqlx::any::AnyRow| {
            Ok(Worker { id: row.id("id")?, name: row.text("name")?, lease_until: row.moment("lease_until")? })
        };
        rows.iter().map(read).collect()
    }
}
