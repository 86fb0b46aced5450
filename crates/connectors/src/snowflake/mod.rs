//! A customer's Snowflake account: reads with USAGE and SELECT alone, delivers with little more, and leaves nothing there.

pub mod access;
mod audit;
mod canonical;
mod catalog;
mod changes;
mod error;
pub mod fit;
mod moment;
mod object;
pub mod onboarding;
mod position;
mod profile;
pub mod push;
mod ranges;
mod read;
mod side_by_side;
mod source;
mod sql;
mod strategy;
mod tracked;
mod types;

pub use error::code_of;
pub use object::ObjectKind;
pub use push::SnowflakeDestination;
pub use source::SnowflakeSource;
pub use strategy::{Statements, Strategy};
