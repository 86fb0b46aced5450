//! What becomes of fires that came while nobody was there, or while the run before was still going.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What becomes of a fire while the run before is still going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It is passed over: the run that is going reads what this one would have read.
    #[default]
    Skip,
    /// It starts when the run has ended.
    Wait,
}

/// What becomes of fires that were missed, because nothing was running or everything was busy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// They are passed over; the next run is that of the next fire.
    None,
    /// One run stands for all of them: a pull reads everything that changed since the last one anyway.
    #[default]
    One,
    /// One run each, oldest first, and at most the last so many.
    All(u32),
}

/// The most runs that are ever caught up: more would keep a sync busy for days after an outage.
const CATCH_UP_MAX: u32 = 100;

/// What holds for a schedule that says `overlap` and `catch_up`.
pub(super) fn overlap(overlap: Option<Overlap>, catch_up: CatchUp) -> Result<Overlap> {
    let CatchUp::All(most) = catch_up else { return Ok(overlap.unwrap_or_default()) };
    if most == 0 || most > CATCH_UP_MAX {
        let message = format!("{most} missed fires cannot be caught up");
        return Err(Error::config("schedule_catch_up", message)
            .with_remedy(format!("allow 1 to {CATCH_UP_MAX}, or `catch_up: none`")));
    }
    // Runs that are caught up come one after the other: each but the first would be in the way of the one before.
    if overlap == Some(Overlap::Skip) {
        let message = "`catch_up: all` makes one run after another, and `overlap: skip` would skip them";
        return Err(Error::config("schedule_catch_up", message).with_remedy("remove `overlap: skip`"));
    }
    Ok(Overlap::Wait)
}
