//! What differs between the sums and marks of two sides, as pure functions.

use std::collections::{BTreeMap, HashSet};

use model::{AuditPlan, BucketSummary, ColumnSummary, PlannedColumn, RowMark};
use serde::Serialize;

/// How far two sides are apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Rows of the source that the destination does not have.
    pub missing: u64,
    /// Rows of the destination that the source does not have.
    pub extra: u64,
    /// Rows that both have by their key, with other values.
    pub different: u64,
    /// Whether there were too many rows to tell one by one, so that at least so many differ.
    pub is_lower_bound: bool,
    /// Buckets in which something differs.
    pub bucket_count: u64,
    /// Columns, by their names at the destination, in which sums over these buckets differ.
    pub columns: Vec<ColumnDifference>,
}

impl Difference {
    /// The difference as one number.
    pub fn row_count(&self) -> u64 {
        self.missing + self.extra + self.different
    }

    /// Whether nothing differs.
    pub fn is_none(&self) -> bool {
        self.bucket_count == 0
    }
}

/// In what a column differs, over the buckets that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ColumnDifference {
    pub column: String,
    pub nulls_at_source: u64,
    pub nulls_at_destination: u64,
    /// Whether the lowest or the highest value of a bucket differs.
    pub range_differs: bool,
    /// Whether the sum of a bucket differs.
    pub sum_differs: bool,
}

/// One bucket as both sides have it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pair {
    pub(crate) bucket: u32,
    source: BucketSummary,
    destination: BucketSummary,
}

impl Pair {
    /// Rows of the side that has more of them.
    pub(crate) fn row_count_max(&self) -> u64 {
        self.source.row_count.max(self.destination.row_count)
    }

    fn columns<'a>(
        &'a self,
        plan: &'a AuditPlan,
    ) -> impl Iterator<Item = (&'a PlannedColumn, ColumnSummary, ColumnSummary)> {
        plan.summarized_columns().iter().enumerate().map(|(index, column)| {
            // A side without rows in this bucket has no columns either.
            let of = |summary: &BucketSummary| summary.columns.get(index).cloned().unwrap_or_default();
            (column, of(&self.source), of(&self.destination))
        })
    }

    fn differs(&self, plan: &AuditPlan) -> bool {
        let (left, right) = (&self.source, &self.destination);
        (left.row_count, left.checksum) != (right.row_count, right.checksum) || self.uncompared(plan) > 0
    }

    /// Rows that differ in nothing but NULLs of columns that are not part of a row's hash, at least.
    fn uncompared(&self, plan: &AuditPlan) -> u64 {
        self.columns(plan)
            .filter(|(column, ..)| !column.is_compared())
            .map(|(_, left, right)| left.value_count.abs_diff(right.value_count))
            .max()
            .unwrap_or_default()
    }
}

/// The buckets that differ, in order.
pub(crate) fn differing(
    plan: &AuditPlan,
    source: Vec<BucketSummary>,
    destination: Vec<BucketSummary>,
) -> Vec<Pair> {
    let mut pairs: BTreeMap<u32, Pair> = BTreeMap::new();
    for summary in source {
        let pair = pairs.entry(summary.bucket).or_default();
        pair.source = summary;
    }
    for summary in destination {
        let pair = pairs.entry(summary.bucket).or_default();
        pair.destination = summary;
    }
    let pairs = pairs.into_iter().map(|(bucket, pair)| Pair { bucket, ..pair });
    pairs.filter(|pair| pair.differs(plan)).collect()
}

/// The rows of both sides that have no equal on the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unequal {
    pub(super) missing: Vec<RowMark>,
    pub(super) extra: Vec<RowMark>,
    /// Rows that have the same key and another hash.
    pub(super) different: Vec<RowMark>,
    /// The keys of rows that are too many because the source has no row with that key at all.
    pub(super) gone: Vec<u128>,
}

impl Unequal {
    /// Takes rows out whose keys the source does not have.
    pub(super) fn forget_gone(&mut self) {
        let gone: HashSet<u128> = self.gone.iter().copied().collect();
        self.extra.retain(|mark| !gone.contains(&mark.key));
    }

    /// Whether a row of this bucket has no equal.
    pub(super) fn has_bucket(&self, bucket: u32) -> bool {
        let mut marks = self.missing.iter().chain(&self.extra).chain(&self.different);
        marks.any(|mark| mark.bucket == bucket)
    }
}

/// Takes equal rows of both sides away, one for one, and tells what is left by key.
pub(super) fn unequal(source: Vec<RowMark>, destination: Vec<RowMark>) -> Unequal {
    let known: HashSet<u128> = source.iter().map(|mark| mark.key).collect();
    let mut gone: Vec<u128> =
        destination.iter().map(|mark| mark.key).filter(|key| !known.contains(key)).collect();
    gone.sort_unstable();
    gone.dedup();
    // How many more of a row the source has, and of what is left the rows of both sides by key.
    let mut surplus: BTreeMap<RowMark, i64> = BTreeMap::new();
    source.into_iter().for_each(|mark| *surplus.entry(mark).or_default() += 1);
    destination.into_iter().for_each(|mark| *surplus.entry(mark).or_default() -= 1);
    let mut by_key: BTreeMap<(u32, u128), (Vec<RowMark>, Vec<RowMark>)> = BTreeMap::new();
    for (mark, count) in surplus {
        let (left, right) = by_key.entry((mark.bucket, mark.key)).or_default();
        let side = if count > 0 { left } else { right };
        side.extend((0..count.abs()).map(|_| mark));
    }
    let mut unequal = Unequal { gone, ..Unequal::default() };
    for (mut left, mut right) in by_key.into_values() {
        let paired = left.len().min(right.len());
        unequal.missing.extend(left.split_off(paired));
        unequal.extra.extend(right.split_off(paired));
        unequal.different.extend(left);
    }
    unequal
}

/// The difference, from sums alone where the rows were too many to be marked.
pub(super) fn difference(plan: &AuditPlan, pairs: &[Pair], unequal: Option<&Unequal>) -> Difference {
    let mut difference = Difference {
        bucket_count: pairs.len() as u64,
        columns: column_differences(plan, pairs),
        is_lower_bound: unequal.is_none(),
        ..Difference::default()
    };
    if let Some(unequal) = unequal {
        difference.missing = unequal.missing.len() as u64;
        difference.extra = unequal.extra.len() as u64;
        // What differs only in columns that no hash covers is known from the NULLs in them.
        let uncompared: u64 = pairs.iter().map(|pair| pair.uncompared(plan)).sum();
        difference.different = (unequal.different.len() as u64).max(uncompared);
        return difference;
    }
    for pair in pairs {
        let (left, right) = (pair.source.row_count, pair.destination.row_count);
        difference.missing += left.saturating_sub(right);
        difference.extra += right.saturating_sub(left);
        difference.different += u64::from(left == right);
    }
    difference
}

fn column_differences(plan: &AuditPlan, pairs: &[Pair]) -> Vec<ColumnDifference> {
    let columns = plan.summarized_columns().iter();
    let mut found: Vec<ColumnDifference> = columns
        .map(|column| ColumnDifference { column: column.target.clone(), ..ColumnDifference::default() })
        .collect();
    for pair in pairs {
        for ((_, left, right), found) in pair.columns(plan).zip(&mut found) {
            found.nulls_at_source += pair.source.row_count - left.value_count;
            found.nulls_at_destination += pair.destination.row_count - right.value_count;
            found.range_differs |= (left.lowest, left.highest) != (right.lowest, right.highest);
            found.sum_differs |= left.sum != right.sum;
        }
    }
    found.retain(|c| c.nulls_at_source != c.nulls_at_destination || c.range_differs || c.sum_differs);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(key: u128, row: u64) -> RowMark {
        RowMark { bucket: 0, key, row }
    }

    #[test]
    fn rows_without_an_equal_are_told_by_their_key() {
        let found = unequal(
            vec![mark(1, 1), mark(2, 2), mark(3, 3), mark(4, 4)],
            vec![mark(1, 1), mark(2, 20), mark(4, 4), mark(4, 4), mark(5, 5)],
        );
        assert_eq!(found.missing, [mark(3, 3)]);
        assert_eq!(found.extra, [mark(4, 4), mark(5, 5)]);
        assert_eq!(found.different, [mark(2, 2)]);
        assert_eq!(found.gone, [5], "the source has a row with key 4");
    }

    #[test]
    fn equal_rows_are_taken_away_one_for_one_whatever_their_order() {
        let found = unequal(vec![mark(1, 7), mark(1, 8)], vec![mark(1, 8), mark(1, 7)]);
        assert_eq!(found, Unequal::default());
    }
}
