//! What becomes of rows on their way into the vendor's model.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod document;
mod exports;
mod fixed_output;
mod mappings;
mod matching;
mod random;
mod source;
mod stream;
