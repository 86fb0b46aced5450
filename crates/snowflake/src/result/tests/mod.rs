//! Streams against a storage that misbehaves on cue, and replies of the real service.

mod faults;
mod flow;
mod recorded;
mod storage;
