//! A dry run: everything up to the temporary table, then counts of what would change, and all of it taken back.

use model::{Committed, ErrorKind, Publish, Result, StreamPlan};

use super::deliver::not_delivered;
use super::destination::{Delivery, SnowflakeDestination};
use super::intent::SentFile;
use super::progress::DryRun;
use super::sql;

impl SnowflakeDestination {
    /// Finds out what a run would do. Neither the target nor the journal changes, and the files are removed.
    pub(super) async fn dry_run(
        &self,
        plan: &StreamPlan,
        delivery: &mut Delivery,
        files: &[SentFile],
        sent: u64,
    ) -> Result<Committed> {
        let before = delivery.target.row_count;
        let found = if files.is_empty() {
            DryRun { added: Some(0), replaced: Some(0), removed: Some(0), ..DryRun::default() }
        } else {
            self.fill_temporary(plan, delivery, files, sent).await?;
            DryRun { sent, added: Some(sent), replaced: Some(0), removed: Some(0), ..DryRun::default() }
        };
        let found = match &plan.publish {
            Publish::Append { .. } => found,
            Publish::Replace { .. } => DryRun { removed: before, ..found },
            Publish::Merge { .. } if files.is_empty() || !delivery.target.exists => found,
            Publish::Merge { .. } => self.merge_counts(delivery, found).await?,
            Publish::ReplaceFrom { .. } | Publish::ReplaceBuckets { .. } | Publish::RemoveRows { .. } => {
                return Err(not_delivered(plan));
            }
        };
        let committed = Committed {
            inserted: found.added.unwrap_or_default(),
            updated: found.replaced.unwrap_or_default(),
            deleted: found.removed.unwrap_or_default(),
            ..Committed::default()
        };
        self.progress.send_modify(|progress| progress.dry_run = Some(found));
        self.discard(delivery, None).await;
        Ok(committed)
    }

    /// Compares the temporary table with the target, which takes the privilege to read the target.
    async fn merge_counts(&self, delivery: &Delivery, found: DryRun) -> Result<DryRun> {
        let tag = self.link.tag(&delivery.attempt, "compare");
        match self.link.counts(&tag, &sql::merge_counts(&delivery.shape)?).await {
            Ok(counts) => {
                let count = |name: &str| counts.get(name).and_then(|count| u64::try_from(*count).ok());
                let (added, replaced, removed) = (count("added"), count("replaced"), count("removed"));
                Ok(DryRun { added, replaced, removed, ..found })
            }
            Err(error) if matches!(error.kind(), ErrorKind::Permission | ErrorKind::NotFound) => {
                let because = format!(
                    "the role may not SELECT from {}, so it cannot be known which of the rows are there already",
                    delivery.target.name
                );
                let unknown_because = Some(because);
                Ok(DryRun { added: None, replaced: None, removed: None, unknown_because, ..found })
            }
            Err(error) => Err(error),
        }
    }
}
