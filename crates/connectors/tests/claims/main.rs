//! Every connector against the claims it has to keep.

mod destinations;
mod snowflake;
