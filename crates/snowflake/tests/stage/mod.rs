//! Files into Snowflake stages and back, through object stores that no one here wrote.

mod bucket;
mod emulated;
mod faults;
mod gate;
mod listing;
mod python;
mod round_trips;
mod service;
mod stores;

use bytes::Bytes;

/// Bytes that no compression and no repetition can hide a fault in, the same for every run.
fn content(size: usize) -> Bytes {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ size as u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes.into()
}
