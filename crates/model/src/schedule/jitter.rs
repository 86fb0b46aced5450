//! A sync's own place within the time over which starts are spread: computed from its id, so that it never moves.

use std::time::Duration;

/// The delay of the sync called `id`, from nothing up to, and without, `max`.
pub(super) fn of(id: &str, max: Duration) -> Duration {
    // Exact in 128 bits: the hash is taken as a share of `max`.
    let share = (u128::from(hash(id)) * max.as_millis()) >> 64;
    Duration::from_millis(u64::try_from(share).expect("a share of a duration is no longer than it"))
}

/// FNV-1a, mixed once more so that ids that differ in their last letter lie far apart. It must never change: every
/// sync would start at another time. The standard library's hashers promise no such thing.
fn hash(id: &str) -> u64 {
    let fnv = id.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    mixed ^ (mixed >> 33)
}
