//! Every connector against the claims it has to keep.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod destinations;
mod fit;
mod journals;
mod many_keys;
mod profile;
mod snowflake;
mod vendor_source;
mod wide_rows;
mod withdrawals;
