//! Measurements of Snowferry, and the data they run on.

pub mod child;
pub mod compare;
pub mod events;
pub mod floor;
pub mod harness;
pub mod hot_path;
pub mod landing;
pub mod measurement;
pub mod pull;
pub mod push;
pub mod receiver;
pub mod service;
pub mod table;

/// The program's own allocator, for it and its floor alike.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
