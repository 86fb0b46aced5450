//! Delivering rows into a table that belongs to a customer: validated first, shown all at once, each row once, and with
//! nothing of ours left behind.

mod copied;
mod deliver;
mod destination;
mod dry_run;
mod grants;
mod guards;
mod intent;
mod link;
mod misfits;
mod preview;
mod progress;
mod recovery;
mod row_text;
mod settings;
mod shape;
mod sizes;
mod sql;
mod target;
mod upload;

pub use destination::SnowflakeDestination;
pub use preview::Preview;
pub use progress::{DeliveryProgress, DeliveryStep, DryRun};
pub use settings::{Guard, MisfitPolicy, PushSettings};
