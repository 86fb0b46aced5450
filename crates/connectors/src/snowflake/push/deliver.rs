//! The publishing step: one statement that shows all rows at once, noted before it is sent and counted afterwards.

use arrow_array::RecordBatch;
use model::{Checkpoint, Committed, Error, ErrorKind, JournalWrite, Publish, Result, StreamPlan};
use snowflake::StageLocation;

use super::copied::{self, Repeated};
use super::destination::{Delivery, SnowflakeDestination};
use super::grants::{self, Grant, explained};
use super::guards;
use super::intent::{Intent, IntentKind, Notes, SentFile};
use super::progress::DeliveryStep;
use super::settings::MisfitPolicy;
use super::sql;
use super::target;
use crate::guard::repeated_keys;
use crate::snowflake::error::from_client;

/// The publishing statement, which carries the tag that query history is asked for.
const PUBLISH: &str = "publish";

impl SnowflakeDestination {
    /// Publishes what was staged, and notes how far the target has got.
    pub(super) async fn publish(
        &self,
        plan: &StreamPlan,
        delivery: &mut Delivery,
        checkpoint: Checkpoint,
    ) -> Result<Committed> {
        let files = match delivery.upload.take() {
            Some(upload) => upload.finish().await?,
            None => Vec::new(),
        };
        if self.settings.on_misfit == MisfitPolicy::RejectRun {
            delivery.rejects().refuse(&plan.target)?;
        }
        let sent: u64 = files.iter().map(|file| file.row_count).sum();
        guards::row_counts(&self.settings, &plan.target, &plan.publish, delivery.target.row_count, sent)?;
        let mut committed = if self.settings.is_dry_run {
            self.dry_run(plan, delivery, &files, sent).await?
        } else if files.is_empty() && !empties_target(plan, delivery) {
            self.note_committed(plan, delivery, checkpoint).await?;
            Committed::default()
        } else {
            self.create_target(plan, delivery).await?;
            self.change_target(plan, delivery, files, sent, checkpoint).await?
        };
        committed.rejected = delivery.rejects().report();
        Ok(committed)
    }

    async fn change_target(
        &self,
        plan: &StreamPlan,
        delivery: &mut Delivery,
        files: Vec<SentFile>,
        sent: u64,
        checkpoint: Checkpoint,
    ) -> Result<Committed> {
        let before = delivery.target.row_count.unwrap_or_default();
        let (kind, statement) = match &plan.publish {
            Publish::Append { .. } => {
                let statement = sql::copy_into_target(&delivery.shape, &location(delivery)?, &files)?;
                (IntentKind::Copy { statement: statement.clone(), files }, statement)
            }
            Publish::Replace { .. } => {
                let deadline_ms = self.fill_temporary(plan, delivery, &files, sent).await?;
                (IntentKind::Fenced { deadline_ms }, sql::overwrite(&delivery.shape, deadline_ms)?)
            }
            Publish::Merge { .. } => {
                let deadline_ms = self.fill_temporary(plan, delivery, &files, sent).await?;
                (IntentKind::Fenced { deadline_ms }, sql::merge(&delivery.shape, deadline_ms)?)
            }
            Publish::ReplaceFrom { .. } | Publish::ReplaceBuckets { .. } | Publish::RemoveRows { .. } => {
                return Err(not_delivered(plan));
            }
        };
        self.step(DeliveryStep::Publishing);
        let intent = self.note_intent(plan, delivery, kind, sent, checkpoint).await?;
        let changed = match self.link.rows(&intent.query_tag, &statement).await {
            Ok(changed) => changed,
            Err(error) => return Err(self.not_published(plan, delivery, error).await),
        };
        self.drop_temporary(delivery).await;
        self.note_committed(plan, delivery, intent.checkpoint.clone()).await?;
        let committed = effect(&plan.publish, &intent, &changed, before)?;
        Ok(committed)
    }

    /// Loads the files into the temporary table, refuses what the target shall not see, and gives the moment after which
    /// the publishing statement does not begin any more.
    pub(super) async fn fill_temporary(
        &self,
        plan: &StreamPlan,
        delivery: &mut Delivery,
        files: &[SentFile],
        sent: u64,
    ) -> Result<i64> {
        self.step(DeliveryStep::Copying);
        let tag = |step: &str| self.link.tag(&delivery.attempt, step);
        let (create, copy, count) = (tag("create_temporary"), tag("copy"), tag("count"));
        let made = self.link.run(&create, &sql::create_temporary(&delivery.shape)?).await;
        self.explained(plan, &[], made).await?;
        delivery.has_temporary = true;
        if !files.is_empty() {
            let statement = sql::copy_into_temporary(&delivery.shape, &location(delivery)?, files)?;
            let copied = self.explained(plan, &[], self.link.rows(&copy, &statement).await).await?;
            copied::verify(files, &copied::files(&copied), Repeated::No)?;
        }
        let counts = self.link.counts(&count, &sql::counts(&delivery.shape)?).await?;
        let counted = |name: &str| {
            let missing = || Error::internal(format!("the temporary table was counted without {name}"));
            counts.get(name).copied().ok_or_else(missing)
        };
        let (loaded, keys) = (counted("sent")?, counted("keys")?);
        if u64::try_from(loaded).ok() != Some(sent) {
            return Err(count_mismatch(format!("{sent} rows were sent, and {loaded} were loaded")));
        }
        if keys < loaded {
            return Err(repeated_keys(&plan.stream, plan.key(), (loaded - keys).unsigned_abs()));
        }
        let window_ms = i64::try_from(self.publish_window.as_millis()).unwrap_or(i64::MAX);
        Ok(counted("clock_ms")?.saturating_add(window_ms))
    }

    /// Notes what is about to be published, with the rows that were left out of it.
    async fn note_intent(
        &self,
        plan: &StreamPlan,
        delivery: &mut Delivery,
        kind: IntentKind,
        row_count: u64,
        checkpoint: Checkpoint,
    ) -> Result<Intent> {
        let intent = Intent {
            kind,
            query_tag: self.link.tag(&delivery.attempt, PUBLISH),
            session_id: self.link.session().await?.session_id(),
            row_count,
            checkpoint,
            target: delivery.known_target(),
        };
        let mut notes = delivery.notes.clone();
        let attempt = notes.attempt.get_or_insert_with(|| super::intent::Attempt {
            id: delivery.attempt.clone(),
            folder: delivery.folder(),
            intent: None,
        });
        attempt.intent = Some(intent.clone());
        let quarantine = delivery.rejects().take_quarantine();
        self.note(plan, &notes, JournalWrite { quarantine, ..JournalWrite::default() }).await?;
        delivery.notes = notes;
        Ok(intent)
    }

    /// After a refusal nothing was published. After anything else nobody knows: then the note stays, and the next attempt
    /// asks the account.
    async fn not_published(&self, plan: &StreamPlan, delivery: &mut Delivery, error: Error) -> Error {
        let is_refused = matches!(
            error.kind(),
            ErrorKind::Permission
                | ErrorKind::NotFound
                | ErrorKind::Data
                | ErrorKind::Config
                | ErrorKind::SchemaChanged
        );
        if !is_refused {
            return error;
        }
        if let Some(attempt) = &mut delivery.notes.attempt {
            attempt.intent = None;
        }
        let has_values = delivery.shape.columns.iter().any(|column| !column.is_key);
        explained(&self.link, &plan.target, &grants::on_table(&plan.publish, has_values), error).await
    }

    /// Notes that the target has reached `checkpoint`, then clears the files away, then notes that they are gone.
    async fn note_committed(
        &self,
        plan: &StreamPlan,
        delivery: &mut Delivery,
        checkpoint: Checkpoint,
    ) -> Result<()> {
        let mut notes = Notes { attempt: None, ..delivery.notes.clone() };
        if delivery.target.exists {
            notes.target = Some(delivery.known_target());
        }
        if delivery.has_folder {
            notes.leftovers.push(delivery.folder());
        }
        let quarantine = delivery.rejects().take_quarantine();
        let write = JournalWrite { committed: Some(checkpoint), quarantine, ..JournalWrite::default() };
        self.note(plan, &notes, write).await?;
        delivery.notes = notes;
        if !delivery.has_folder {
            return Ok(());
        }
        self.step(DeliveryStep::Removing);
        if self.remove_folder(&delivery.attempt, &delivery.folder()).await {
            let folder = delivery.folder();
            delivery.has_folder = false;
            delivery.notes.leftovers.retain(|leftover| *leftover != folder);
            // The rows are published and that is noted: a folder that is noted once too often is emptied once more.
            if let Err(error) = self.note(plan, &delivery.notes, JournalWrite::default()).await {
                tracing::debug!(error = %error, "the removal of files was not noted");
            }
        }
        Ok(())
    }

    /// Makes the target where it is absent and the sync says so.
    async fn create_target(&self, plan: &StreamPlan, delivery: &mut Delivery) -> Result<()> {
        if delivery.target.exists {
            return Ok(());
        }
        let statement = sql::create_table(&plan.target, &delivery.target.columns)?;
        let created = self.link.run(&self.link.tag(&delivery.attempt, "create_table"), &statement).await;
        self.explained(plan, &[Grant::CreateTable], created).await?;
        let session = self.link.session().await?;
        if let Some((_, found)) = target::find(&session, &plan.target).await? {
            delivery.target.created_on = found.created_on;
            delivery.target.exists = true;
        }
        Ok(())
    }

    pub(super) async fn drop_temporary(&self, delivery: &mut Delivery) {
        if !std::mem::take(&mut delivery.has_temporary) {
            return;
        }
        let dropped = async {
            let tag = self.link.tag(&delivery.attempt, "drop_temporary");
            self.link.run(&tag, &sql::drop_temporary(&delivery.shape)?).await
        };
        // It ends with the session at the latest.
        if let Err(error) = dropped.await {
            tracing::debug!(error = %error, "the temporary table was not dropped");
        }
    }

    /// Names the grant that is missing where a statement was refused for that.
    pub(super) async fn explained<T>(
        &self,
        plan: &StreamPlan,
        needed: &[Grant],
        outcome: Result<T>,
    ) -> Result<T> {
        match outcome {
            Ok(done) => Ok(done),
            Err(error) => Err(explained(&self.link, &plan.target, needed, error).await),
        }
    }
}

pub(super) fn location(delivery: &Delivery) -> Result<StageLocation> {
    StageLocation::user(&delivery.folder()).map_err(from_client)
}

/// A customer's table is no mirror: rows that nobody asked to be removed stay in it.
pub(super) fn not_delivered(plan: &StreamPlan) -> Error {
    Error::config("write_unsupported", format!("{} cannot be made a mirror of {}", plan.target, plan.stream))
        .with_remedy("choose append, rewrite or upsert under `write`")
}

/// A rewrite without rows still changes a target that has some.
fn empties_target(plan: &StreamPlan, delivery: &Delivery) -> bool {
    matches!(plan.publish, Publish::Replace { .. }) && delivery.target.row_count != Some(0)
}

/// What the statement says it did, compared with what it was given.
fn effect(publish: &Publish, intent: &Intent, changed: &[RecordBatch], before: u64) -> Result<Committed> {
    let sent = intent.row_count;
    match (publish, &intent.kind) {
        (Publish::Append { .. }, IntentKind::Copy { files, .. }) => {
            copied::verify(files, &copied::files(changed), Repeated::No)?;
            Ok(Committed { inserted: sent, ..Committed::default() })
        }
        (Publish::Replace { .. }, _) => {
            let inserted = changed_rows(changed, "inserted");
            if inserted != sent {
                return Err(count_mismatch(format!(
                    "{sent} rows were sent, and the target has {inserted} now"
                )));
            }
            Ok(Committed { inserted, deleted: before, total: Some(inserted), ..Committed::default() })
        }
        _ => {
            let [inserted, updated, deleted] =
                ["inserted", "updated", "deleted"].map(|what| changed_rows(changed, what));
            if inserted > sent {
                return Err(count_mismatch(format!(
                    "{sent} rows were sent, and {inserted} are new in the target"
                )));
            }
            Ok(Committed { inserted, updated, deleted, ..Committed::default() })
        }
    }
}

/// The count in the column `number of rows …`.
fn changed_rows(changed: &[RecordBatch], what: &str) -> u64 {
    let name = format!("number of rows {what}");
    let counts = changed.iter().find(|rows| rows.num_rows() > 0).map(super::link::counts).unwrap_or_default();
    counts.get(&name).and_then(|count| u64::try_from(*count).ok()).unwrap_or_default()
}

fn count_mismatch(message: String) -> Error {
    Error::new(ErrorKind::Internal, "delivery_count_mismatch", message).with_remedy(
        "look at the statements in the account's query history, and report them to the developers",
    )
}
