//! Measurements of Snowferry, and the data they run on.

pub mod events;
pub mod floor;
pub mod landing;
pub mod measurement;
pub mod pull;
pub mod service;
