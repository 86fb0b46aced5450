//! The allocator of the program, and when it gives memory back.

use mimalloc::MiMalloc;

/// Rows come in large buffers that live shortly; the system's allocator gives their pages back each time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Has the threads that decode give the memory of their last rows back to the system. By themselves they would keep it until
/// they decode again, while the rows are merged, say.
pub(crate) fn give_back_between_reads() {
    snowflake::when_decoders_rest(|| {
        // SAFETY: any thread may call it at any time.
        unsafe { libmimalloc_sys::mi_collect(true) }
    });
}
