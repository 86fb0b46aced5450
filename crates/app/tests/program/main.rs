//! The program itself, as a process, against an emulated Snowflake.

mod crashes;
mod mistakes;
mod pulls;
mod world;
