//! After a crash: whether the publishing statement of an earlier run was carried out, and what that run has left.

use std::time::Duration;

use arrow_array::RecordBatch;
use model::{Error, ErrorKind, JournalEntry, JournalWrite, Result, StreamName, TableName};
use snowflake::StageLocation;
use tokio::time::Instant;

use super::copied::{self, Repeated};
use super::destination::{SnowflakeDestination, epoch_of};
use super::intent::{Attempt, Intent, IntentKind, Notes, SentFile};
use super::progress::DeliveryStep;
use super::sql;
use crate::snowflake::catalog::ShownRows;
use crate::snowflake::error::from_client;

/// The pauses between two looks at a statement that still runs.
const POLL_MIN: Duration = Duration::from_millis(100);
const POLL_MAX: Duration = Duration::from_secs(5);
/// A cancelled statement that takes longer than this to end is reported.
const SETTLE_WAIT_MAX: Duration = Duration::from_secs(600);
/// Query history may show a statement this much after it began.
const HISTORY_LAG_MAX: Duration = Duration::from_secs(5);

/// What query history says about the statements with one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Succeeded,
    /// One of them has not ended.
    Unfinished {
        query_id: String,
    },
    Failed,
    Nothing,
}

impl SnowflakeDestination {
    /// Brings what earlier runs have begun to an end: first the question whether they have published, then their files.
    pub(super) async fn settle(
        &self,
        stream: &StreamName,
        target: &TableName,
        entry: JournalEntry,
    ) -> Result<JournalEntry> {
        let mut notes = Notes::read(entry.notes.as_deref())?;
        if notes.is_settled() {
            return Ok(entry);
        }
        if self.settings.is_dry_run {
            let message = format!("an earlier delivery into {target} has not been brought to an end");
            return Err(Error::new(ErrorKind::Conflict, "delivery_unsettled", message)
                .with_remedy("run the sync once without --dry-run"));
        }
        self.step(DeliveryStep::Recovering);
        let epoch = epoch_of(&entry);
        let note = async |notes: &Notes, write: JournalWrite| {
            let write = JournalWrite { notes: Some(notes.text()?), ..write };
            self.journal.write(stream, target, epoch, write).await
        };
        if let Some(attempt) = notes.attempt.clone() {
            let published = match &attempt.intent {
                Some(intent) => self.was_published(target, &attempt, intent).await?,
                None => false,
            };
            notes.end_attempt();
            let write = match attempt.intent.filter(|_| published) {
                Some(intent) => {
                    notes.target = Some(intent.target);
                    JournalWrite { committed: Some(intent.checkpoint), ..JournalWrite::default() }
                }
                None => JournalWrite { forgotten_attempt: Some(attempt.id), ..JournalWrite::default() },
            };
            note(&notes, write).await?;
        }
        let mut left = Vec::new();
        for folder in notes.leftovers.drain(..) {
            let attempt = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            if !self.remove_folder(attempt, &folder).await {
                left.push(folder.clone());
            }
        }
        notes.leftovers = left;
        note(&notes, JournalWrite::default()).await?;
        self.journal.entry(stream, target).await
    }

    /// Whether the target holds the rows of this intent. When this returns, that does not change any more.
    async fn was_published(&self, target: &TableName, attempt: &Attempt, intent: &Intent) -> Result<bool> {
        tracing::info!(attempt = attempt.id, "asking the account whether an earlier delivery was published");
        match (&intent.kind, self.seen(target, intent).await?) {
            (_, Seen::Succeeded) => Ok(true),
            (_, Seen::Failed | Seen::Unfinished { .. }) => Ok(false),
            (IntentKind::Copy { statement, files }, Seen::Nothing) => {
                self.repeat_copy(attempt, intent, statement, files).await
            }
            (IntentKind::Fenced { deadline_ms }, Seen::Nothing) => {
                self.wait_until(attempt, *deadline_ms).await?;
                Ok(self.seen(target, intent).await? == Seen::Succeeded)
            }
        }
    }

    /// What became of the statements with the intent's tag, after cancelling what still runs.
    async fn seen(&self, target: &TableName, intent: &Intent) -> Result<Seen> {
        let statement = sql::history(target, intent.session_id, &intent.query_tag)?;
        let started = Instant::now();
        let mut pause = POLL_MIN;
        loop {
            let rows = self.link.rows(&format!("{}/history", intent.query_tag), &statement).await?;
            let seen = verdict(statuses(&rows));
            let Seen::Unfinished { query_id } = seen else { return Ok(seen) };
            if started.elapsed() > SETTLE_WAIT_MAX {
                let message =
                    "the publishing statement of an earlier run does not end, though it was cancelled";
                return Err(Error::new(ErrorKind::Unavailable, "delivery_still_running", message)
                    .with_query_id(query_id));
            }
            self.link.on_session(async |session| session.cancel(&query_id).await).await?;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(POLL_MAX);
        }
    }

    /// Sends the same COPY of the same files again: what the first one has loaded, or is going to load, is loaded once.
    async fn repeat_copy(
        &self,
        attempt: &Attempt,
        intent: &Intent,
        statement: &str,
        files: &[SentFile],
    ) -> Result<bool> {
        let outcome = self.link.rows(&intent.query_tag, statement).await;
        let copied = outcome.as_ref().map(|rows| copied::files(rows)).unwrap_or_default();
        match outcome {
            Ok(_) if !copied.is_empty() => copied::verify(files, &copied, Repeated::Yes).map(|()| true),
            // Nothing was loaded: all of it was loaded before, or the files are gone and no COPY can load them.
            Ok(_) => Ok(self.has_files(attempt).await?),
            Err(error) if is_refused(&error) && self.has_files(attempt).await? => {
                tracing::warn!(error = %error, "the COPY of an earlier run is refused now, so its rows are sent anew");
                Ok(false)
            }
            Err(error) if is_refused(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn has_files(&self, attempt: &Attempt) -> Result<bool> {
        let folder = StageLocation::user(&attempt.folder).map_err(from_client)?;
        let files = self.link.rows(&self.link.tag(&attempt.id, "list"), &format!("LIST {folder}")).await?;
        Ok(files.iter().any(|batch| batch.num_rows() > 0))
    }

    /// Waits until no statement of an earlier run can begin any more, by the account's own clock.
    async fn wait_until(&self, attempt: &Attempt, deadline_ms: i64) -> Result<()> {
        let lag = HISTORY_LAG_MAX.min(self.publish_window);
        let until_ms = deadline_ms.saturating_add(i64::try_from(lag.as_millis()).unwrap_or(i64::MAX));
        loop {
            let counts = self.link.counts(&self.link.tag(&attempt.id, "clock"), &sql::clock()).await?;
            let now_ms = counts
                .get("clock_ms")
                .copied()
                .ok_or_else(|| Error::internal("the account was asked for the time and did not say it"))?;
            let Ok(left_ms @ 1..) = u64::try_from(until_ms.saturating_sub(now_ms)) else { return Ok(()) };
            tokio::time::sleep(Duration::from_millis(left_ms)).await;
        }
    }
}

fn is_refused(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Permission
            | ErrorKind::NotFound
            | ErrorKind::Data
            | ErrorKind::Config
            | ErrorKind::SchemaChanged
    )
}

/// The ids and states of statements, as query history gives them.
fn statuses(rows: &[RecordBatch]) -> Vec<(String, String)> {
    let of_batch = |batch: &RecordBatch| -> Vec<(String, String)> {
        let shown = ShownRows(batch);
        let of = |row| Some((shown.text("QUERY_ID", row)?, shown.text("EXECUTION_STATUS", row)?));
        (0..batch.num_rows()).filter_map(of).collect()
    };
    rows.iter().flat_map(of_batch).collect()
}

/// One success is a success, whatever else was tried under the same tag.
fn verdict(statuses: Vec<(String, String)>) -> Seen {
    let mut seen = Seen::Nothing;
    for (query_id, status) in statuses {
        match status.to_ascii_uppercase().as_str() {
            "SUCCESS" => return Seen::Succeeded,
            status
                if status.starts_with("FAIL") || status.starts_with("ABORT") || status == "DISCONNECTED" =>
            {
                if seen == Seen::Nothing {
                    seen = Seen::Failed;
                }
            }
            _ => seen = Seen::Unfinished { query_id },
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_success_counts_and_one_unfinished_statement_is_waited_for() {
        let seen = |statuses: &[&str]| {
            verdict(statuses.iter().map(|status| ("id".to_owned(), (*status).to_owned())).collect())
        };
        let unfinished = Seen::Unfinished { query_id: "id".into() };
        assert_eq!(seen(&[]), Seen::Nothing);
        assert_eq!(seen(&["FAILED_WITH_ERROR", "SUCCESS"]), Seen::Succeeded);
        assert_eq!(seen(&["running", "FAILED_WITH_ERROR"]), unfinished);
        assert_eq!(seen(&["RESUMING_WAREHOUSE"]), unfinished);
        assert_eq!(seen(&["FAILED_WITH_INCIDENT"]), Seen::Failed);
    }
}
