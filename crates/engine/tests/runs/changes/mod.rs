//! Pulls that follow the changes which an account has tracked: what arrives, what becomes of deleted rows, and what heals.

mod deletes;
mod gaps;
mod rows;
mod world;
