//! Known and random values through every encoding that the service may choose.

mod matrix;
mod property;
pub(crate) mod recorded;
pub(crate) mod sample;
mod strictness;
