//! Rows in which a value is there and cannot be read.

use crate::mapping::Reason;

/// Reasons by row; most columns have none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures(Option<Vec<Option<Reason>>>);

impl Failures {
    pub(crate) fn at(&self, row: usize) -> Option<Reason> {
        self.0.as_ref().and_then(|reasons| reasons[row])
    }

    /// Notes the reason of one of `row_count` rows.
    pub(crate) fn set(&mut self, row: usize, row_count: usize, reason: Reason) {
        self.0.get_or_insert_with(|| vec![None; row_count])[row] = Some(reason);
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// The failed rows and why.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, Reason)> {
        let rows = self.0.iter().flatten().enumerate();
        rows.filter_map(|(row, reason)| Some((row, (*reason)?)))
    }
}
