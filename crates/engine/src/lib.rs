//! The sync core: runs a sync, from plan to commit, over whatever source and destination it is given.

mod attempt;
mod gap;
mod run;
mod verify;

pub use run::{Phase, RunOptions, RunProgress, RunReport, Sync, run, run_comparable};
pub use verify::{
    ColumnDifference, Difference, Healed, MARKED_ROWS_MAX, Reconciled, VerifyCost, VerifyOptions,
    VerifyReport, VerifySync, reconcile_deletes, verify,
};
