//! Snowferry beside the tools that a user would otherwise pick: whole programs, on one emulated account, in turns.

pub mod account;
pub mod client;
pub mod contestant;
pub mod floor;
pub mod link;
mod logical;
pub mod merge;
pub mod process;
pub mod report;
pub mod shape;
pub mod tenants;
