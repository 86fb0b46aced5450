//! The destination: rows wait as files in the user's own Snowflake stage until one statement shows them all.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use model::{
    Batch, Checkpoint, Committed, Destination, Epoch, Error, ErrorKind, Journal, JournalEntry, JournalWrite,
    Prepared, Progress, Publish, Result, Staged, StreamName, StreamPlan, TableName,
};
use snowflake::{ConnectionConfig, SessionContext, StageLocation, UploadOptions};
use tokio::sync::watch;
use uuid::Uuid;

use super::deliver::not_delivered;
use super::grants::{self, explained};
use super::guards;
use super::intent::{Attempt, KnownTarget, Notes};
use super::link::Link;
use super::misfits::Rejects;
use super::progress::{DeliveryProgress, DeliveryStep};
use super::settings::PushSettings;
use super::shape::Shape;
use super::sizes::Sizes;
use super::target::{self, Target};
use super::upload::{Upload, UploadPlan};
use crate::snowflake::error::from_client;
use crate::snowflake::fit::{Mapping, created_columns};

/// A publishing statement that has not begun this long after it was noted never will. Longer than any pause of a
/// healthy process, short enough to be waited for after a crash.
const PUBLISH_WINDOW: Duration = Duration::from_secs(60);

/// A table in a customer's account as destination. Nothing of ours stays behind there: what is known of earlier
/// deliveries is in the journal.
pub struct SnowflakeDestination {
    pub(super) link: Link,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) settings: PushSettings,
    pub(super) publish_window: Duration,
    pub(super) progress: watch::Sender<DeliveryProgress>,
    delivery: tokio::sync::Mutex<Option<Delivery>>,
    /// What the journal held when a run asked how far the target has got.
    seen: Mutex<Option<JournalEntry>>,
}

/// One attempt, from the look at the target to its last trace.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) attempt: String,
    pub(super) target: Target,
    pub(super) mapping: Arc<Mapping>,
    pub(super) shape: Shape,
    /// As they stand in the journal.
    pub(super) notes: Notes,
    pub(super) upload: Option<Upload>,
    pub(super) rejects: Arc<Mutex<Rejects>>,
    pub(super) has_folder: bool,
    pub(super) has_temporary: bool,
    row_count: u64,
}

impl SnowflakeDestination {
    /// A destination that logs in when it is first used.
    pub fn new(config: ConnectionConfig, journal: Arc<dyn Journal>, settings: PushSettings) -> Self {
        Self {
            link: Link::new(config),
            journal,
            settings,
            publish_window: PUBLISH_WINDOW,
            progress: watch::Sender::default(),
            delivery: tokio::sync::Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Sets how long after its note a publishing statement may still begin: a run that finds the note of a killed one
    /// waits as long before it concludes that nothing was published.
    pub fn with_publish_window(mut self, window: Duration) -> Self {
        self.publish_window = window;
        self
    }

    /// How far the delivery is.
    pub fn delivery(&self) -> watch::Receiver<DeliveryProgress> {
        self.progress.subscribe()
    }

    /// Logs in where that has not happened yet, and says what the session stands on.
    pub async fn log_in(&self) -> Result<SessionContext> {
        Ok(self.link.session().await?.context())
    }

    /// Clears away what an unfinished attempt has uploaded, and logs out.
    pub async fn close(&self) {
        if let Some(mut delivery) = self.delivery.lock().await.take() {
            self.discard(&mut delivery, None).await;
        }
        self.link.close().await;
    }

    pub(super) fn step(&self, step: DeliveryStep) {
        self.progress.send_modify(|progress| progress.step = step);
    }

    /// The target as it is, checked by every guard that needs no rows, and the mapping of the plan onto it.
    pub(super) async fn examine(
        &self,
        plan: &StreamPlan,
        known: Option<&KnownTarget>,
    ) -> Result<(Target, Mapping)> {
        let target = self.target(plan).await?;
        guards::recreated(&self.settings, &target, known)?;
        let mapping = Mapping::build(plan, &target.columns);
        guards::columns(&self.settings, &target.name, known, &mapping.target_names())?;
        Ok((target, mapping))
    }

    async fn target(&self, plan: &StreamPlan) -> Result<Target> {
        let name = &plan.target;
        let session = self.link.session().await?;
        let found = match target::find(&session, name).await {
            Ok(found) => found,
            Err(error) => return Err(explained(&self.link, name, &[], error).await),
        };
        match found {
            Some((kind, mut target)) => {
                guards::kind(&self.settings, name, kind)?;
                target.columns = target::columns(&session, kind, name).await?;
                Ok(target)
            }
            None if self.settings.create_table => Ok(Target::made_of(name.clone(), created_columns(plan))),
            None => Err(self.absent(plan).await),
        }
    }

    /// The table cannot be seen: it is absent, or something above it is closed to the role, or the table itself.
    async fn absent(&self, plan: &StreamPlan) -> Error {
        let name = &plan.target;
        let error = Error::new(
            ErrorKind::NotFound,
            "target_not_found",
            format!("{name} does not exist, or the role has no privilege on it"),
        );
        let explained = explained(&self.link, name, &[], error).await;
        if explained.code() == "grant_missing" {
            return explained;
        }
        let role = self.link.role().await.unwrap_or_default();
        let grants = grants::on_table(&plan.publish, true);
        let grants: Vec<String> =
            grants.into_iter().filter_map(|grant| grant.sql(name, &role).ok()).collect();
        explained.with_remedy(format!(
            "check the name; let the customer run: {} or have the table made with `create_table: true`",
            grants.join(" ")
        ))
    }

    /// Notes the attempt, opens its folder, and starts the encoders.
    async fn begin_upload(&self, plan: &StreamPlan, delivery: &mut Delivery) -> Result<()> {
        self.step(DeliveryStep::Uploading);
        let folder = delivery.folder();
        if !self.settings.is_dry_run {
            delivery.notes.attempt =
                Some(Attempt { id: delivery.attempt.clone(), folder: folder.clone(), intent: None });
            self.note(plan, &delivery.notes, JournalWrite::default()).await?;
        }
        delivery.has_folder = true;
        let location = StageLocation::user(&folder).map_err(from_client)?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let sizes = Sizes::of(self.settings.memory_bytes, processors);
        let mut options = UploadOptions::default();
        options.memory_bytes_max = sizes.encrypted_bytes;
        let uploads =
            self.link.on_session(async |session| session.begin_uploads(&location, options).await).await?;
        delivery.upload = Some(Upload::start(UploadPlan {
            attempt: delivery.attempt.clone(),
            key: plan.key().to_vec(),
            mapping: Arc::clone(&delivery.mapping),
            policy: self.settings.on_misfit,
            rejects: Arc::clone(&delivery.rejects),
            sizes,
            uploads,
            progress: self.progress.clone(),
        }));
        Ok(())
    }

    /// Writes the notes to the journal, together with whatever else is to be noted at that moment.
    pub(super) async fn note(&self, plan: &StreamPlan, notes: &Notes, write: JournalWrite) -> Result<()> {
        let write = JournalWrite { notes: Some(notes.text()?), ..write };
        self.journal.write(&plan.stream, &plan.target, plan.epoch, write).await
    }

    /// Clears away all that an attempt has left, unless it may have been published: then its files are the proof.
    ///
    /// What cannot be cleared away now stays noted, and the next run does it.
    pub(super) async fn discard(&self, delivery: &mut Delivery, plan: Option<&StreamPlan>) {
        if let Some(upload) = delivery.upload.take() {
            upload.abort().await;
        }
        if delivery.notes.attempt.as_ref().is_some_and(|attempt| attempt.intent.is_some()) {
            return;
        }
        self.drop_temporary(delivery).await;
        if delivery.has_folder && self.remove_folder(&delivery.attempt, &delivery.folder()).await {
            delivery.has_folder = false;
            let attempt = delivery.notes.attempt.take();
            if let (Some(plan), Some(attempt)) = (plan, attempt) {
                let forgotten =
                    JournalWrite { forgotten_attempt: Some(attempt.id), ..JournalWrite::default() };
                if let Err(error) = self.note(plan, &delivery.notes, forgotten).await {
                    tracing::debug!(error = %error, "the end of an attempt was not noted");
                }
            }
        }
        delivery.restart();
    }

    /// Takes the files of an attempt out of the Snowflake stage; false where that has to be done again.
    pub(super) async fn remove_folder(&self, attempt: &str, folder: &str) -> bool {
        let removed = async {
            let location = StageLocation::user(folder).map_err(from_client)?;
            self.link.run(&self.link.tag(attempt, "remove"), &format!("REMOVE {location}")).await
        };
        match removed.await {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(error = %error, folder, "uploaded files were not removed yet; the next run removes them");
                false
            }
        }
    }
}

impl Delivery {
    fn new(plan: &StreamPlan, target: Target, mapping: Mapping, notes: Notes) -> Self {
        let attempt = Uuid::now_v7().to_string();
        Self {
            shape: Shape::of(plan, &mapping, &attempt),
            attempt,
            target,
            mapping: Arc::new(mapping),
            notes,
            upload: None,
            rejects: Arc::default(),
            has_folder: false,
            has_temporary: false,
            row_count: 0,
        }
    }

    /// Where the files of this attempt are, in the user's Snowflake stage.
    pub(super) fn folder(&self) -> String {
        format!("snowferry/{}/", self.attempt)
    }

    /// Forgets all rows. What comes after that is another attempt, so that no name is used twice.
    fn restart(&mut self) {
        let attempt = Uuid::now_v7().to_string();
        self.shape.rename(&attempt);
        self.attempt = attempt;
        self.rejects = Arc::default();
        self.row_count = 0;
    }

    pub(super) fn rejects(&self) -> MutexGuard<'_, Rejects> {
        self.rejects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What makes the target the one that was delivered into.
    pub(super) fn known_target(&self) -> KnownTarget {
        KnownTarget {
            created_on: self.target.created_on.clone(),
            columns: self.mapping.target_names().into_iter().map(str::to_owned).collect(),
        }
    }
}

impl fmt::Debug for SnowflakeDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnowflakeDestination").field("link", &self.link).finish_non_exhaustive()
    }
}

#[async_trait]
impl Destination for SnowflakeDestination {
    async fn progress(&self, stream: &StreamName, target: &TableName) -> Result<Progress> {
        let entry = self.journal.entry(stream, target).await?;
        let entry = self.settle(stream, target, entry).await?;
        let progress = Progress { staged: None, ..entry.progress.clone() };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry);
        Ok(progress)
    }

    async fn prepare(&self, plan: &StreamPlan) -> Result<Prepared> {
        if matches!(
            plan.publish,
            Publish::ReplaceFrom { .. } | Publish::ReplaceBuckets { .. } | Publish::RemoveRows { .. }
        ) {
            return Err(not_delivered(plan));
        }
        let mut slot = self.delivery.lock().await;
        if let Some(mut earlier) = slot.take() {
            self.discard(&mut earlier, None).await;
        }
        self.progress.send_replace(DeliveryProgress { step: DeliveryStep::Checking, ..Default::default() });
        if !self.settings.is_dry_run {
            self.journal.take_over(plan).await?;
        }
        let entry = self.journal.entry(&plan.stream, &plan.target).await?;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        refuse_overtaken(plan, seen.as_ref(), &entry)?;
        let notes = Notes::read(entry.notes.as_deref())?;
        let (target, mapping) = self.examine(plan, notes.target.as_ref()).await?;
        mapping.refuse_misfits()?;
        *slot = Some(Delivery::new(plan, target, mapping, notes));
        Ok(Prepared::default())
    }

    async fn discard_staged(&self, plan: &StreamPlan) -> Result<()> {
        if let Some(delivery) = &mut *self.delivery.lock().await
            && delivery.row_count > 0
        {
            self.discard(delivery, Some(plan)).await;
        }
        Ok(())
    }

    async fn stage(&self, plan: &StreamPlan, batch: Batch) -> Result<Staged> {
        let mut slot = self.delivery.lock().await;
        let delivery = slot.as_mut().ok_or_else(not_prepared)?;
        let rows = batch.rows.num_rows() as u64;
        if rows > 0 {
            if delivery.upload.is_none() {
                self.begin_upload(plan, delivery).await?;
            }
            let first_row = delivery.row_count + 1;
            delivery.row_count += rows;
            if let Some(upload) = &mut delivery.upload {
                upload.take(batch, first_row).await?;
            }
        }
        Ok(Staged::default())
    }

    /// A push is never gone on with, so a read that broke off leaves nothing worth keeping.
    async fn flush(&self, plan: &StreamPlan) -> Result<Staged> {
        if let Some(delivery) = &mut *self.delivery.lock().await {
            self.discard(delivery, Some(plan)).await;
        }
        Ok(Staged::default())
    }

    async fn commit(&self, plan: &StreamPlan, checkpoint: Checkpoint) -> Result<Committed> {
        let mut slot = self.delivery.lock().await;
        let delivery = slot.as_mut().ok_or_else(not_prepared)?;
        let outcome = self.publish(plan, delivery, checkpoint).await;
        if outcome.is_err() {
            self.discard(delivery, Some(plan)).await;
        }
        *slot = None;
        let committed = outcome?;
        self.step(DeliveryStep::Done);
        Ok(committed)
    }
}

/// Another run may have published between the moment in which this one asked for the position and the moment from which
/// nobody else can.
fn refuse_overtaken(plan: &StreamPlan, seen: Option<&JournalEntry>, now: &JournalEntry) -> Result<()> {
    let is_same = seen.is_none_or(|seen| {
        seen.progress.committed == now.progress.committed && seen.notes.as_deref() == now.notes.as_deref()
    });
    if is_same {
        return Ok(());
    }
    let message = format!("another run delivered into {} while this one was being planned", plan.target);
    Err(Error::new(ErrorKind::Unavailable, "delivery_overtaken", message))
}

fn not_prepared() -> Error {
    Error::internal("rows came for a delivery that was not prepared")
}

/// The epoch under which the notes of an earlier run are written on.
pub(super) fn epoch_of(entry: &JournalEntry) -> Epoch {
    entry.progress.epoch.unwrap_or(Epoch(0))
}
