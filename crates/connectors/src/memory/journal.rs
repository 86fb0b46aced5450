//! A journal in memory, for deliveries that end with the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use model::{
    Checkpoint, Epoch, Journal, JournalEntry, JournalWrite, Progress, QuarantinedRow, Result, StreamName,
    StreamPlan, TableName,
};

use crate::guard;

/// A journal whose clones share what was noted. A note is kept from the moment in which the write returns.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    deliveries: Arc<Mutex<BTreeMap<TableName, Delivery>>>,
}

/// What is noted of one target.
#[derive(Clone, Debug)]
struct Delivery {
    stream: StreamName,
    epoch: Epoch,
    committed: Option<Checkpoint>,
    notes: Option<String>,
    rejects: Vec<QuarantinedRow>,
}

impl MemoryJournal {
    /// The rows that were left out on the way to `target`.
    pub fn rejects(&self, target: &TableName) -> Vec<QuarantinedRow> {
        self.lock().get(target).map(|delivery| delivery.rejects.clone()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TableName, Delivery>> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn entry(&self, stream: &StreamName, target: &TableName) -> Result<JournalEntry> {
        let deliveries = self.lock();
        let Some(delivery) = deliveries.get(target) else { return Ok(JournalEntry::default()) };
        guard::refuse_taken(&delivery.stream.to_string(), stream, target)?;
        let progress = Progress {
            committed: delivery.committed.clone(),
            epoch: Some(delivery.epoch),
            ..Progress::default()
        };
        Ok(JournalEntry { progress, notes: delivery.notes.clone() })
    }

    async fn take_over(&self, plan: &StreamPlan) -> Result<()> {
        let mut deliveries = self.lock();
        let Some(delivery) = deliveries.get_mut(&plan.target) else {
            let delivery = Delivery {
                stream: plan.stream.clone(),
                epoch: plan.epoch,
                committed: None,
                notes: None,
                rejects: Vec::new(),
            };
            deliveries.insert(plan.target.clone(), delivery);
            return Ok(());
        };
        guard::refuse_taken(&delivery.stream.to_string(), &plan.stream, &plan.target)?;
        if delivery.epoch >= plan.epoch {
            return Err(guard::stale_epoch(&plan.stream));
        }
        delivery.epoch = plan.epoch;
        Ok(())
    }

    async fn write(
        &self,
        stream: &StreamName,
        target: &TableName,
        epoch: Epoch,
        write: JournalWrite,
    ) -> Result<()> {
        let mut deliveries = self.lock();
        let ours = deliveries
            .get_mut(target)
            .filter(|delivery| delivery.epoch == epoch && delivery.stream.to_string() == stream.to_string());
        let Some(delivery) = ours else { return Err(guard::stale_epoch(stream)) };
        delivery.notes = write.notes;
        if let Some(committed) = write.committed {
            delivery.committed = Some(committed);
        }
        if let Some(attempt) = write.forgotten_attempt {
            delivery.rejects.retain(|row| row.attempt != attempt);
        }
        delivery.rejects.extend(write.quarantine);
        Ok(())
    }
}
