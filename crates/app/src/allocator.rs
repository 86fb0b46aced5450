//! The allocators of the program, and when they give memory back: ours, the C library's, and DuckDB's own.

use std::ffi::{c_char, c_long};

use libmimalloc_sys::{mi_collect, mi_option_set, mi_option_t};
use mimalloc::MiMalloc;

/// Rows come in large buffers that live shortly; the system's allocator gives their pages back each time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Read by the jemalloc that DuckDB brings, as it starts: one arena, whose free memory is given back after a second.
///
/// By itself it has one for each core, and what a merge notes in one is no use to a thread of another, which takes as much
/// again. An arena is locked for each block that is taken from it, and DuckDB takes some five thousand of them for a second
/// of a core's work.
#[cfg(target_os = "linux")]
#[used]
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "it is jemalloc that looks for this name")]
// SAFETY: a text that ends in zero and is never changed, behind a pointer as wide as the one that is declared there.
static duckdb_je_malloc_conf_2_conf_harder: Option<&c_char> =
    Some(unsafe { &*c"narenas:1,dirty_decay_ms:1000".as_ptr() });

/// To be called before there is any other thread.
pub(crate) fn set_up() {
    share_arenas();
    give_back_between_reads();
}

/// Has the C library keep its memory together: it would make up to eight arenas for each core, of which each keeps what it has
/// once given out. DuckDB takes its small objects from there.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn share_arenas() {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // With one arena for two cores a pull took an eighth more processor time.
    let arenas = i32::try_from(cores).unwrap_or(i32::MAX);
    // SAFETY: nobody else sets this, and any value is taken or refused.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, arenas) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn share_arenas() {}

/// Has the threads that decode give the memory of their last rows back to the system. By themselves they would keep it until
/// they decode again, while the rows are merged, say.
fn give_back_between_reads() {
    snowflake::when_decoders_rest(|| {
        // SAFETY: any thread may call it at any time.
        unsafe { mi_collect(true) }
    });
}

/// Memory of our own goes back to the system as soon as it is free, instead of a moment later.
pub(crate) fn give_back_at_once() {
    // SAFETY: any thread may set an option of a number at any time.
    unsafe { mi_option_set(PURGE_DELAY, AT_ONCE) };
}

/// `mi_option_purge_delay` of `mimalloc.h`, in milliseconds, to which the crate gives no name.
const PURGE_DELAY: mi_option_t = 15;
const AT_ONCE: c_long = 0;

#[cfg(test)]
mod tests {
    use libmimalloc_sys::mi_option_get;

    use super::*;

    #[test]
    fn the_delay_that_is_set_is_the_one_of_ten_milliseconds() {
        // SAFETY: as above.
        let delay = || unsafe { mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 10);
        give_back_at_once();
        assert_eq!(delay(), 0);
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64", not(feature = "bundled")))]
    #[test]
    fn duckdb_has_one_arena() {
        use std::ffi::{c_int, c_uint, c_void};
        use std::ptr;

        unsafe extern "C" {
            fn duckdb_je_mallctl(
                name: *const c_char,
                value: *mut c_void,
                value_len: *mut usize,
                new_value: *mut c_void,
                new_value_len: usize,
            ) -> c_int;
        }
        let (mut arenas, mut len): (c_uint, usize) = (0, size_of::<c_uint>());
        let value = ptr::from_mut(&mut arenas).cast();
        // SAFETY: the value is as wide as is said, and nothing is set.
        let told = unsafe { duckdb_je_mallctl(c"opt.narenas".as_ptr(), value, &mut len, ptr::null_mut(), 0) };
        assert_eq!((told, arenas), (0, 1));
    }
}
