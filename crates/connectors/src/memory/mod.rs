//! A source and a destination that live in memory: the reference for what the two seams promise, and what tests use.

mod destination;
mod source;

pub use destination::MemoryDestination;
pub use source::MemorySource;
