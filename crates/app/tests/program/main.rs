//! The program itself, as a process, against an emulated Snowflake.

mod crashes;
mod documents;
mod mistakes;
mod pulls;
mod world;
