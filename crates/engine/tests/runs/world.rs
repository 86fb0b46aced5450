//! A source with people in it, a destination, and runs between the two.

use std::sync::Arc;

use arrow_select::concat::concat_batches;
use connectors::conformance::{in_any_order, people, people_schema, people_spec};
use connectors::faulty::{Fault, Faulty};
use connectors::memory::{MemoryDestination, MemorySource};
use engine::{RunOptions, RunProgress, RunReport, Sync, run};
use model::{Result, StreamSpec};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) type Person = (Option<i64>, Option<&'static str>, Option<i64>);

pub(crate) struct World {
    pub(crate) source: MemorySource,
    pub(crate) destination: MemoryDestination,
    is_incremental: bool,
}

impl World {
    /// Two rows a chunk, so that a handful of people already comes in several chunks.
    pub(crate) fn new(is_incremental: bool) -> Self {
        Self { source: MemorySource::new(2), destination: MemoryDestination::default(), is_incremental }
    }

    pub(crate) fn set(&self, rows: &[Person]) {
        self.source.set_rows(people_schema(), vec![people(rows)]);
    }

    pub(crate) async fn run(&self) -> Result<RunReport> {
        self.run_with(&RunOptions::default(), &CancellationToken::new(), []).await
    }

    pub(crate) async fn run_with(
        &self,
        options: &RunOptions,
        cancel: &CancellationToken,
        faults: impl IntoIterator<Item = Fault>,
    ) -> Result<RunReport> {
        let script: Vec<Fault> = faults.into_iter().collect();
        // Source and destination take turns at two halves of the script, so that each meets its share.
        let (for_source, for_destination) = script.split_at(script.len() / 2);
        let sync = Sync {
            source: Arc::new(Faulty::new(self.source.clone(), for_source.to_vec())),
            destination: Arc::new(Faulty::new(self.destination.clone(), for_destination.to_vec())),
            spec: people_spec(self.is_incremental),
        };
        let (progress, _watched) = watch::channel(RunProgress::default());
        run(&sync, options, &progress, cancel).await
    }

    pub(crate) fn spec(&self) -> StreamSpec {
        people_spec(self.is_incremental)
    }

    /// The rows that readers of the destination see.
    pub(crate) fn landed(&self) -> Vec<Vec<u8>> {
        let rows = self.destination.rows(&people_spec(self.is_incremental).target);
        rows.map_or_else(Vec::new, |rows| in_any_order(&rows))
    }
}

pub(crate) fn expected(rows: &[Person]) -> Vec<Vec<u8>> {
    let rows = people(rows);
    in_any_order(&concat_batches(&rows.schema(), [&rows]).unwrap())
}
