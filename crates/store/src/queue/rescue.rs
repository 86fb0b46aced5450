//! Rescuing runs whose worker has not been heard of for too long.

use model::{Error, ErrorKind, Result};

use super::finish::{Ending, OpenRun};
use super::{Queue, Worker};
use crate::database::{DatabaseKind, sql};
use crate::id::Id;
use crate::row::Columns;
use crate::run::Run;

/// Workers that one rescue takes care of; the next one follows in seconds.
const EXPIRED: &str = "SELECT id FROM workers WHERE lease_until < $1 ORDER BY lease_until LIMIT 20";
/// The same, leaving those alone that another rescuer has in hand.
const EXPIRED_IN_POSTGRES: &str =
    "SELECT id FROM workers WHERE lease_until < $1 ORDER BY lease_until LIMIT 20 FOR UPDATE SKIP LOCKED";

impl Queue {
    /// Takes the runs of silent workers from them, and answers which. A run that keeps losing its workers has failed in
    /// the end, like any other one that was tried often enough.
    pub async fn rescue(&self) -> Result<Vec<Id<Run>>> {
        let mut tx = self.store.database.begin().await?;
        let grace = i64::try_from(self.policy.grace.as_micros()).unwrap_or(i64::MAX);
        let query = match tx.kind {
            DatabaseKind::Sqlite => EXPIRED,
            DatabaseKind::Postgres => EXPIRED_IN_POSTGRES,
        };
        let silent_since = tx.now_micros().saturating_sub(grace);
        let workers = tx.all(sql(query).bind(silent_since)).await?;
        let mut rescued = Vec::new();
        for row in &workers {
            let worker: Id<Worker> = row.id("id")?;
            for run in OpenRun::held_by(&mut tx, &worker).await? {
                let lost =
                    Error::new(ErrorKind::Unavailable, "worker_lost", "the worker was not heard of any more")
                        .with_remedy("see what became of it: a crash, a lack of memory, a lost network");
                run.end(&mut tx, Ending::Lost(&lost), &self.policy).await?;
                rescued.push(run.id);
            }
            tx.execute(sql("DELETE FROM workers WHERE id = $1").bind(worker.to_string())).await?;
        }
        tx.commit().await?;
        Ok(rescued)
    }
}
