//! Unguessable strings: tokens, link signatures, encryption keys of links.

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Bytes in a token: more than anybody can guess.
const TOKEN_BYTES: usize = 36;

/// A token as it goes into a header or a link.
pub(crate) fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<TOKEN_BYTES>())
}

/// Base64 of this many random bytes.
pub(crate) fn base64<const N: usize>() -> String {
    STANDARD.encode(bytes::<N>())
}

/// A random positive number that fits a JSON reader's 53 bits.
pub(crate) fn number() -> u64 {
    u64::from_le_bytes(bytes()) >> 11
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system's random source does not fail");
    bytes
}
