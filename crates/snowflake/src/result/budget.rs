//! The one bound on the memory of all results: bytes are taken before a chunk is fetched and given back when its rows
//! are dropped.

use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that results may hold in this process unless the caller says otherwise: about ten of the largest chunks
/// that Snowflake makes.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The unit of account. Bytes themselves would overflow the counter of a semaphore.
const UNIT_BYTES: u64 = 1024;

/// How many bytes of results may be in memory at once. Clones share one budget.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    units: Arc<Semaphore>,
    units_max: u32,
}

/// Bytes taken from a budget until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct BudgetPermit {
    /// Absent where the bytes were granted beyond the budget so that a reader could go on.
    units: Option<OwnedSemaphorePermit>,
}

impl MemoryBudget {
    /// A budget of its own. Prefer [`MemoryBudget::process_wide`], which all connections share.
    pub fn new(bytes: u64) -> Self {
        let units_max = u32::try_from((bytes / UNIT_BYTES).max(1)).unwrap_or(u32::MAX);
        let units_max = units_max.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self { units: Arc::new(Semaphore::new(units_max as usize)), units_max }
    }

    /// The budget shared by every result in this process: 256 MiB.
    pub fn process_wide() -> Self {
        static BUDGET: OnceLock<MemoryBudget> = OnceLock::new();
        BUDGET.get_or_init(|| Self::new(BYTES_MAX)).clone()
    }

    /// Bytes taken at the moment.
    pub fn used_bytes(&self) -> u64 {
        u64::from(self.units_max) * UNIT_BYTES - self.units.available_permits() as u64 * UNIT_BYTES
    }

    /// Waits for `bytes`, first come first served. What is larger than the whole budget passes when it is alone.
    pub(crate) async fn acquire(&self, bytes: u64) -> BudgetPermit {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX).min(self.units_max);
        let permit = Arc::clone(&self.units).acquire_many_owned(units).await;
        BudgetPermit { units: Some(permit.expect("the semaphore of a budget is never closed")) }
    }
}

impl BudgetPermit {
    /// Gives back what is held above `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: u64) {
        if let Some(units) = &mut self.units {
            let keep = usize::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(usize::MAX);
            if let Some(spare) = units.num_permits().checked_sub(keep) {
                drop(units.split(spare));
            }
        }
    }

    /// Moves the share `part` of `whole` into a permit of its own.
    pub(crate) fn split(&mut self, part: u64, whole: u64) -> Self {
        let Some(units) = &mut self.units else {
            return Self::default();
        };
        let held = units.num_permits() as u128;
        let share = held * u128::from(part) / u128::from(whole.max(1));
        let share = usize::try_from(share.min(held)).expect("a share is at most what is held");
        Self { units: units.split(share) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    #[tokio::test]
    async fn bytes_come_back_when_the_permit_is_dropped() {
        let budget = MemoryBudget::new(100 * KIB);
        let mut permit = budget.acquire(60 * KIB).await;
        assert_eq!(budget.used_bytes(), 60 * KIB);
        permit.shrink_to(40 * KIB);
        assert_eq!(budget.used_bytes(), 40 * KIB);
        let part = permit.split(1, 4);
        drop(permit);
        assert_eq!(budget.used_bytes(), 10 * KIB);
        drop(part);
        assert_eq!(budget.used_bytes(), 0);
    }

    #[tokio::test]
    async fn a_chunk_larger_than_the_budget_passes_alone() {
        let budget = MemoryBudget::new(10 * KIB);
        let large = budget.acquire(KIB * KIB).await;
        assert_eq!(budget.used_bytes(), 10 * KIB);
        drop(large);
        assert_eq!(budget.used_bytes(), 0);
    }
}
