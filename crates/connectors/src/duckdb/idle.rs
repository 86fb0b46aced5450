//! Instances of DuckDB that no file is attached to, kept for the next one: to start one takes as long as to pull some
//! thousand rows.

use std::sync::{Mutex, PoisonError};

use duckdb::Connection;

use super::allowed::{Allowed, cores};
use super::bulk::Instance;
use super::footprint::Footprint;
use super::sql::CATALOG;

/// Instances that wait, and what they may take.
static IDLE: Mutex<Vec<(Instance, Allowed)>> = Mutex::new(Vec::new());

/// One that waits and takes no more than this.
pub(super) fn take(footprint: Footprint) -> Option<(Instance, Allowed)> {
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    let found = idle.iter().rposition(|(_, allowed)| allowed.footprint() == footprint)?;
    Some(idle.remove(found))
}

/// Closes the file of an instance that nobody uses any more, and keeps the instance. One that has spilled has to end, since it
/// holds on to its folder until then.
pub(super) fn close_file(instance: Instance, mut allowed: Allowed, has_spilled: bool) {
    if has_spilled || detach(&instance, &mut allowed).is_err() {
        return;
    }
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    // More than are in use at a time would wait for nothing.
    if idle.len() < 2 * cores() {
        idle.push((instance, allowed));
    }
}

/// Writes what is in the file's log into the file, and lets go of it. What was allowed for the file ends with it.
fn detach(instance: &Instance, allowed: &mut Allowed) -> duckdb::Result<()> {
    let connection: Connection = instance.connect()?;
    connection.execute_batch(&allowed.flush().unwrap_or_default())?;
    connection.execute_batch(&format!("DETACH {CATALOG}"))?;
    let lighter = [allowed.one_core(), allowed.little_memory()].into_iter().flatten().collect::<String>();
    connection.execute_batch(&lighter)
}
