//! Memory for the bodies of messages, used again and again: fresh pages from the system cost more than decoding into
//! them.

use std::sync::{Mutex, PoisonError};

use arrow_buffer::Buffer;
use bytes::Bytes;

/// Bytes kept for the next body. A few bodies of the usual size are enough, since they come and go all the time.
const IDLE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Smaller memory comes from the allocator as fast.
const REUSED_BYTES_MIN: usize = 64 * 1024;
/// How many times larger than needed memory may be to be used again.
const WASTE_MAX: usize = 2;

/// Memory that no body uses at the moment.
static IDLE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// The memory of one body. It goes back to the idle memory when the last array in it is dropped.
pub(super) struct Body(Vec<u8>);

impl Body {
    /// A body of `length` bytes with whatever was in it before.
    pub(super) fn of_length(length: usize) -> Self {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let fits =
            |memory: &Vec<u8>| (length..=length.saturating_mul(WASTE_MAX)).contains(&memory.capacity());
        let found = idle.iter().rposition(fits).map(|index| idle.remove(index));
        drop(idle);
        let mut memory = found.unwrap_or_else(|| vec![0; length]);
        memory.resize(length, 0);
        Self(memory)
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Body> for Buffer {
    fn from(body: Body) -> Self {
        Bytes::from_owner(body).into()
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.0);
        if !(REUSED_BYTES_MIN..=IDLE_BYTES_MAX).contains(&memory.capacity()) {
            return;
        }
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(memory);
        // The oldest goes first, so that sizes nobody asks for any more do not stay.
        let mut bytes: usize = idle.iter().map(Vec::capacity).sum();
        while bytes > IDLE_BYTES_MAX {
            bytes -= idle.remove(0).capacity();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_has_the_length_that_was_asked_for() {
        // A length that no other test asks for, because the idle memory is shared.
        let length = 3_333_333;
        let body = Body::of_length(length);
        let address = body.0.as_ptr();
        let buffer = Buffer::from(body);
        let part = buffer.slice_with_length(1000, 10);
        drop(buffer);
        assert_ne!(Body::of_length(length).0.as_ptr(), address, "a part of it is still in use");
        drop(part);
        let lengths = [length - 1000, length].map(|length| Body::of_length(length).as_ref().len());
        assert_eq!(lengths, [length - 1000, length]);
    }
}
