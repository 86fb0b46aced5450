//! How far a destination has got, as durable facts that only a destination states.

use serde::{Deserialize, Serialize};

use crate::{Cursor, KnownColumns};

/// A number that grows with each run of a stream; a destination refuses writes under an older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// A lease has room for so many epochs: one for each attempt, comparison and healing of its run.
const LEASE_BITS: u32 = 24;

impl Epoch {
    /// The next epoch of a run under a lease, at a destination that has seen `seen`. Leases follow each other, and all
    /// epochs of a later one are higher: where the destination has seen one of those, this lease is over.
    ///
    /// Epochs of runs without a lease are below those of the first lease. Such a run still takes the next epoch, which
    /// ends what a lease has going, as any other run that comes between.
    pub fn under_lease(lease: Self, seen: Option<Self>) -> Option<Self> {
        let first = lease.0.checked_shl(LEASE_BITS).filter(|first| first >> LEASE_BITS == lease.0)?;
        let end = first.saturating_add(1 << LEASE_BITS);
        let next = seen.map_or(first, |seen| seen.next().0.max(first));
        (next < end).then_some(Self(next))
    }

    /// The lease that this epoch belongs to; 0 where it belongs to none.
    pub fn lease(self) -> Self {
        Self(self.0 >> LEASE_BITS)
    }

    /// The epoch of the run after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The destination durably has everything up to `cursor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub cursor: Cursor,
    /// Rows that were staged or published up to here, by the read that this checkpoint belongs to.
    pub row_count: u64,
}

/// What a destination knows of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What readers of the destination can see.
    pub committed: Option<Checkpoint>,
    /// What is staged beyond that: durable, invisible, and to be continued rather than read again.
    pub staged: Option<Checkpoint>,
    /// The epoch of the last run.
    pub epoch: Option<Epoch>,
    /// The columns that the last run left the target with, where it is known.
    pub columns: Option<KnownColumns>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_of_a_later_lease_is_higher_and_ends_the_earlier_one() {
        let first = Epoch::under_lease(Epoch(1), Some(Epoch(900))).unwrap();
        assert!(first > Epoch(900), "runs without a lease come before");
        let again = Epoch::under_lease(Epoch(1), Some(first)).unwrap();
        assert_eq!(again, first.next());
        let later = Epoch::under_lease(Epoch(2), Some(again)).unwrap();
        assert!(later > again && later.lease() == Epoch(2));
        assert_eq!(Epoch::under_lease(Epoch(1), Some(later)), None, "the earlier lease is over");
        assert_eq!(Epoch::under_lease(Epoch(u64::MAX), None), None, "there is no such lease");
    }
}
