//! Rows that DuckDB has not been given yet.

use std::time::{Duration, Instant};

use model::Batch;

/// As many bytes of rows as are worth a group that is inserted on all cores while more of them arrive. Most runs of most
/// syncs bring less.
const GROUP_BYTES_MIN: usize = 4 * 1024 * 1024;
/// Where rows arrive slowly, this is how old the first of them gets.
const AGE_MAX: Duration = Duration::from_secs(5);

/// Batches in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) batches: Vec<Batch>,
    bytes: usize,
    /// How many of them end at the last position that can be resumed from.
    resumable_count: usize,
    resumable_bytes: usize,
    since: Option<Instant>,
}

impl Pending {
    pub(super) fn push(&mut self, batch: Batch) {
        self.since.get_or_insert_with(Instant::now);
        self.bytes += batch.byte_size();
        let is_resumable = batch.resume.is_some();
        self.batches.push(batch);
        if is_resumable {
            self.resumable_count = self.batches.len();
            self.resumable_bytes = self.bytes;
        }
    }

    /// Whether there are enough rows, or old ones, of those that can become durable.
    pub(super) fn is_worth_a_group(&self) -> bool {
        let is_old = self.since.is_some_and(|since| since.elapsed() >= AGE_MAX);
        self.resumable_count > 0 && (self.bytes >= GROUP_BYTES_MIN || is_old)
    }

    /// Takes out the rows that end at the last position that can be resumed from.
    pub(super) fn take_resumable(&mut self) -> Vec<Batch> {
        if self.resumable_count == 0 {
            return Vec::new();
        }
        let rest = self.batches.split_off(self.resumable_count);
        let since = (!rest.is_empty()).then(Instant::now);
        let rest = Self { bytes: self.bytes - self.resumable_bytes, batches: rest, since, ..Self::default() };
        std::mem::replace(self, rest).batches
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, RecordBatch};
    use model::Cursor;

    use super::*;

    fn batch(mebibytes: usize, resume: Option<&str>) -> Batch {
        let column = Int64Array::from(vec![0; mebibytes * 1024 * 1024 / size_of::<i64>()]);
        let rows = RecordBatch::try_from_iter([("n", Arc::new(column) as _)]).unwrap();
        Batch::new(rows, resume.map(|position| Cursor::from_position(&position).unwrap()))
    }

    #[test]
    fn what_ends_at_no_position_waits_for_the_next_one_and_counts_for_it() {
        let mut pending = Pending::default();
        pending.push(batch(1, None));
        assert!(pending.take_resumable().is_empty());
        pending.push(batch(1, Some("a")));
        pending.push(batch(2, None));
        assert!(pending.is_worth_a_group());

        assert_eq!(pending.take_resumable().len(), 2);
        assert_eq!(pending.batches.len(), 1);
        assert!(!pending.is_worth_a_group(), "there is nothing to go on from");

        pending.push(batch(1, Some("b")));
        assert!(!pending.is_worth_a_group(), "two that waited and one make three");
        pending.push(batch(1, Some("c")));
        assert!(pending.is_worth_a_group(), "and another four");
        assert_eq!(pending.take_resumable().len(), 3);
        assert!(pending.batches.is_empty());
    }
}
