//! The sync core: runs a sync, from plan to commit, over whatever source and destination it is given.

mod attempt;
mod run;

pub use run::{Phase, RunOptions, RunProgress, RunReport, Sync, run};
