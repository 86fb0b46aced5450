//! A source, a destination and a journal that live in memory: the reference for what the two seams promise, and what tests use.

mod audit;
mod deletes;
mod destination;
mod journal;
mod source;

pub use destination::MemoryDestination;
pub use journal::MemoryJournal;
pub use source::MemorySource;
