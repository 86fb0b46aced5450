//! The end of an attempt: what becomes of the run, and what the connection's breaker learns from it.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use model::{Error, Result, RunEvent, RunState, Usage};
use serde_json::Value;

use super::breaker::is_of_connection;
use super::{Queue, QueuePolicy, Ticket, Worker};
use crate::connection::Connection;
use crate::database::{Tx, sql};
use crate::error::lease_lost;
use crate::id::Id;
use crate::row::{Columns, damaged};
use crate::run::{RejectCount, Run};
use crate::sync::Sync;

/// What a worker says about a run that it had.
#[derive(Debug)]
pub enum Outcome<'a> {
    Succeeded {
        report: Value,
        rejects: Vec<RejectCount>,
    },
    /// `connection` is the one that did not work, where the error is about one.
    Failed {
        error: &'a Error,
        connection: Option<Id<Connection>>,
    },
    /// It stopped because it was told to.
    Cancelled,
    /// It could not begin here now, such as where another program has the tenant's file open. Costs no attempt.
    Postponed {
        reason: &'a Error,
        delay: Duration,
    },
}

/// How an attempt ended, in whoever's words.
pub(super) enum Ending<'a> {
    Succeeded,
    Failed(&'a Error),
    Cancelled,
    GivenBack,
    /// Handed back for later, with the reason.
    Postponed(&'a Error, Duration),
    /// The worker is gone.
    Lost(&'a Error),
}

impl Ending<'_> {
    /// The word in the table of attempts.
    fn word(&self) -> &'static str {
        match self {
            Ending::Succeeded => "succeeded",
            Ending::Failed(_) => "failed",
            Ending::Cancelled => "cancelled",
            Ending::GivenBack | Ending::Postponed(..) => "given_back",
            Ending::Lost(_) => "lost",
        }
    }

    fn error(&self) -> Option<&Error> {
        match self {
            Ending::Failed(error) | Ending::Lost(error) | Ending::Postponed(error, _) => Some(error),
            Ending::Succeeded | Ending::Cancelled | Ending::GivenBack => None,
        }
    }
}

impl Queue {
    /// Ends an attempt. `lease_lost` says that the run is somebody else's by now, and that nothing was changed.
    pub async fn finish(&self, ticket: &Ticket, outcome: Outcome<'_>) -> Result<RunState> {
        let mut tx = self.store.database.begin().await?;
        let run = OpenRun::of_ticket(&mut tx, ticket).await?.ok_or_else(lease_lost)?;
        let state = match outcome {
            Outcome::Succeeded { report, rejects } => {
                tx.note_result(&run.id, &report, &rejects).await?;
                tx.connections_work(&[&run.source, &run.destination]).await?;
                run.end(&mut tx, Ending::Succeeded, &self.policy).await?
            }
            Outcome::Failed { error, connection } => {
                self.blame(&mut tx, &run, error, connection.as_ref()).await?;
                run.end(&mut tx, Ending::Failed(error), &self.policy).await?
            }
            Outcome::Cancelled => run.end(&mut tx, Ending::Cancelled, &self.policy).await?,
            Outcome::Postponed { reason, delay } => {
                run.end(&mut tx, Ending::Postponed(reason, delay), &self.policy).await?
            }
        };
        tx.commit().await?;
        Ok(state)
    }

    /// Adds what an attempt took of the customer's account. `lease_lost` says that the run is somebody else's by now.
    pub async fn note_usage(&self, ticket: &Ticket, usage: &Usage) -> Result<()> {
        let mut tx = self.store.database.begin().await?;
        let lock = "UPDATE runs SET worker_id = worker_id
            WHERE id = $1 AND worker_id = $2 AND epoch = $3 AND state = 'running' RETURNING usage";
        let lock = sql(lock)
            .bind(ticket.run.to_string())
            .bind(ticket.worker.to_string())
            .bind(ticket.epoch.0.cast_signed());
        let mut all = tx.one(lock).await?.ok_or_else(lease_lost)?.usage()?;
        all.add(usage.clone());
        let all = serde_json::to_string(&all)
            .map_err(|error| Error::internal("a run's usage cannot be written as JSON").with_source(error))?;
        let note = sql("UPDATE runs SET usage = $2 WHERE id = $1");
        tx.execute(note.bind(ticket.run.to_string()).bind(all)).await?;
        tx.commit().await
    }

    async fn blame(
        &self,
        tx: &mut Tx,
        run: &OpenRun,
        error: &Error,
        connection: Option<&Id<Connection>>,
    ) -> Result<()> {
        let Some(connection) = connection.filter(|id| [&run.source, &run.destination].contains(id)) else {
            return Ok(());
        };
        if !is_of_connection(error.kind()) {
            return tx.connections_work(&[connection]).await;
        }
        let failed = "UPDATE connections SET failures = failures + 1 WHERE id = $1 RETURNING failures";
        let failed = tx.one(sql(failed).bind(connection.to_string())).await?;
        let failures = failed.ok_or_else(|| Error::internal("a run has no connection"))?.count("failures")?;
        let Some(pause) = self.policy.breaker.pause_after(failures) else { return Ok(()) };
        let broken_until = tx.after(pause);
        let pause = sql("UPDATE connections SET broken_until = $2 WHERE id = $1");
        tx.execute(pause.bind(connection.to_string()).bind(broken_until)).await.map(drop)
    }
}

/// A run that some worker has, with the row locked until the transaction ends.
pub(super) struct OpenRun {
    pub(super) id: Id<Run>,
    sync: Id<Sync>,
    source: Id<Connection>,
    destination: Id<Connection>,
    attempt: i64,
    spent: u32,
    is_cancel_asked: bool,
}

impl OpenRun {
    /// The run, where the ticket is still good for it. The update changes nothing and locks the row.
    async fn of_ticket(tx: &mut Tx, ticket: &Ticket) -> Result<Option<Self>> {
        let lock = "UPDATE runs SET worker_id = worker_id
            WHERE id = $1 AND worker_id = $2 AND epoch = $3 AND state = 'running' RETURNING *";
        let lock = sql(lock)
            .bind(ticket.run.to_string())
            .bind(ticket.worker.to_string())
            .bind(ticket.epoch.0.cast_signed());
        tx.one(lock).await?.map(|row| Self::read(&row)).transpose()
    }

    pub(super) async fn held_by(tx: &mut Tx, worker: &Id<Worker>) -> Result<Vec<Self>> {
        let lock =
            "UPDATE runs SET worker_id = worker_id WHERE worker_id = $1 AND state = 'running' RETURNING *";
        tx.all(sql(lock).bind(worker.to_string())).await?.iter().map(Self::read).collect()
    }

    fn read(row: &sqlx::any::AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.id("id")?,
            sync: row.id("sync_id")?,
            source: row.id("source_id")?,
            destination: row.id("destination_id")?,
            attempt: row.number("attempt")?,
            spent: u32::try_from(row.number("spent")?).map_err(|_| damaged("spent"))?,
            is_cancel_asked: row.optional_number("cancel_at")?.is_some(),
        })
    }

    /// Ends the attempt and answers the run's new state.
    pub(super) async fn end(
        &self,
        tx: &mut Tx,
        ending: Ending<'_>,
        policy: &QueuePolicy,
    ) -> Result<RunState> {
        let (event, delay) = self.event(&ending, policy);
        let state = RunState::Running.after(event)?;
        let now = tx.now_micros();
        let update = "UPDATE runs SET state = $2, worker_id = NULL, due_at = $3, spent = spent - $4,
                ended_at = $5, error_kind = $6, error_code = $7, error_message = $8, error_remedy = $9
            WHERE id = $1";
        let error = ending.error();
        let update = sql(update)
            .bind(self.id.to_string())
            .bind(state.as_str())
            .bind(tx.after(delay))
            .bind(i64::from(matches!(ending, Ending::GivenBack | Ending::Postponed(..))))
            .bind(state.is_final().then_some(now))
            .bind(error.map(|error| error.kind().as_str().to_owned()))
            .bind(error.map(|error| error.code().to_owned()))
            .bind(error.map(ToString::to_string))
            .bind(error.and_then(Error::remedy).map(str::to_owned));
        tx.execute(update).await?;
        self.end_attempt(tx, &ending).await?;
        if state.is_final() {
            // A schedule whose fire waits for this run to end is to be asked again. A run that was cancelled says nothing
            // about its sync.
            let note = "UPDATE syncs SET look_at = $2,
                    last_success_at = CASE WHEN $3 = 'succeeded' THEN $2 ELSE last_success_at END,
                    last_ended_run_id = CASE WHEN $3 = 'cancelled' THEN last_ended_run_id ELSE $4 END
                WHERE id = $1";
            let note = sql(note).bind(self.sync.to_string()).bind(now);
            tx.execute(note.bind(state.as_str()).bind(self.id.to_string())).await?;
        }
        Ok(state)
    }

    fn event(&self, ending: &Ending<'_>, policy: &QueuePolicy) -> (RunEvent, Duration) {
        match ending {
            Ending::Succeeded => (RunEvent::Succeeded, Duration::ZERO),
            Ending::Cancelled => (RunEvent::Cancelled, Duration::ZERO),
            // Whoever wanted it to stop does not want it to be tried again.
            _ if self.is_cancel_asked => (RunEvent::Cancelled, Duration::ZERO),
            Ending::GivenBack => (RunEvent::GivenBack, Duration::ZERO),
            Ending::Postponed(_, delay) => (RunEvent::GivenBack, *delay),
            Ending::Failed(error) | Ending::Lost(error) => {
                match policy.retry.delay_after(error, self.spent, seed(&self.id)) {
                    Some(delay) => (RunEvent::WillRetry, delay),
                    None => (RunEvent::FailedForGood, Duration::ZERO),
                }
            }
        }
    }

    async fn end_attempt(&self, tx: &mut Tx, ending: &Ending<'_>) -> Result<()> {
        let update = "UPDATE attempts SET ended_at = $3, outcome = $4, error_kind = $5, error_code = $6,
                error_message = $7
            WHERE run_id = $1 AND number = $2";
        let error = ending.error();
        let update = sql(update)
            .bind(self.id.to_string())
            .bind(self.attempt)
            .bind(tx.now_micros())
            .bind(ending.word())
            .bind(error.map(|error| error.kind().as_str().to_owned()))
            .bind(error.map(|error| error.code().to_owned()))
            .bind(error.map(ToString::to_string));
        tx.execute(update).await.map(drop)
    }
}

impl Tx {
    async fn note_result(&mut self, run: &Id<Run>, report: &Value, rejects: &[RejectCount]) -> Result<()> {
        let update = sql("UPDATE runs SET report = $2 WHERE id = $1");
        self.execute(update.bind(run.to_string()).bind(report.to_string())).await?;
        for reject in rejects {
            let upsert = "INSERT INTO rejects (run_id, column_name, code, row_count) VALUES ($1, $2, $3, $4)
                ON CONFLICT (run_id, column_name, code) DO UPDATE SET row_count = rejects.row_count + excluded.row_count";
            let upsert = sql(upsert)
                .bind(run.to_string())
                .bind(reject.column.clone())
                .bind(reject.code.clone())
                .bind(reject.row_count.cast_signed());
            self.execute(upsert).await?;
        }
        Ok(())
    }

    /// A connection that works is trusted again.
    async fn connections_work(&mut self, connections: &[&Id<Connection>]) -> Result<()> {
        for connection in connections {
            let mend =
                "UPDATE connections SET failures = 0, broken_until = NULL WHERE id = $1 AND failures > 0";
            self.execute(sql(mend).bind(connection.to_string())).await?;
        }
        Ok(())
    }
}

/// Spreads the retries of runs that failed together. It need not stay the same over releases.
fn seed(run: &Id<Run>) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(run.as_str())
}
