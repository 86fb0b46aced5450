//! What comes before every run of a sync, whoever asks for it.

use model::Result;
use tokio::task::block_in_place;

use super::export::refresh;
use super::import::is_outdated;
use crate::assemble::{Assembled, RunChoices, assemble};
use crate::config::SyncFile;

/// A sync that can run. Nobody has logged in yet.
pub(super) struct Prepared {
    pub(super) assembled: Assembled,
    /// Whether all of it is to be read anew, since an earlier version of this program has mapped its rows.
    pub(super) is_outdated: bool,
}

/// Puts a sync together and brings up to date what it reads. The vendor database is opened once for all of that, and stays open
/// until the run has ended.
pub(super) async fn prepare(file: &SyncFile, choices: &RunChoices) -> Result<Prepared> {
    // Opening the file may read what a killed process has left in its log, and closing it waits for the disk: other syncs go on
    // meanwhile.
    let assembled = block_in_place(|| assemble(file, choices))?;
    let ready = async {
        let is_outdated = is_outdated(&assembled, file).await?;
        refresh(file).await?;
        Ok(is_outdated)
    };
    match ready.await {
        Ok(is_outdated) => Ok(Prepared { assembled, is_outdated }),
        Err(error) => {
            block_in_place(|| drop(assembled));
            Err(error)
        }
    }
}
