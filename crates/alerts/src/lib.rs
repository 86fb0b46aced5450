//! Tells people when a sync changes from one condition to another: it fails, it fails for another cause, it is late, it is well
//! again. Once for each change, however often a schedule repeats the same failure.
//!
//! Whoever runs syncs looks at each from time to time ([`SyncRuns::condition`]), remembers what each channel was told
//! ([`Told`]), and sends what [`Told::change`] gives. A channel that cannot be reached was told nothing, so it is tried again
//! the next time.

mod alert;
mod channel;
mod condition;
mod email;
mod told;
mod webhook;

pub use alert::Alert;
pub use channel::Channel;
pub use condition::{Condition, EndedRun, Failure, SyncRuns};
pub use email::{Email, EmailSecurity};
pub use told::{Change, Told};
pub use webhook::Webhook;
