//! What `--memory` may be, and what a run makes of it.

use connectors::duckdb::Footprint;

use crate::allocator;

/// What it is unless it is given.
pub(crate) const DEFAULT_BYTES: u64 = 128 << 20;

/// Below this, not even one chunk of Snowflake's usual size fits.
const BYTES_MIN: u64 = 32 << 20;

pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "MiB" | "M" => 20,
        "GiB" | "G" => 30,
        _ => return Err("write a whole number and MiB or GiB".to_owned()),
    };
    let number: u64 = digits.trim().parse().map_err(|_| "write a whole number and MiB or GiB".to_owned())?;
    match number.checked_mul(1 << unit) {
        Some(size) if size >= BYTES_MIN => Ok(size),
        _ => Err("32MiB is the least that works".to_owned()),
    }
}

/// Of a pull: for rows that are being fetched, and for the vendor database beside it.
pub(crate) fn for_pull(bytes: u64) -> (u64, Footprint) {
    match footprint(bytes) {
        Footprint::Usual => (bytes, Footprint::Usual),
        Footprint::Small => ((bytes / 2).max(BYTES_MIN), Footprint::Small),
    }
}

/// Of a push: for rows, files and their encrypted form, and for the vendor database beside them. What these leave is for rows
/// that are read ahead.
pub(crate) fn for_push(bytes: u64) -> (u64, Footprint) {
    match footprint(bytes) {
        Footprint::Usual => (bytes / 4 * 3, Footprint::Usual),
        Footprint::Small => (bytes / 2, Footprint::Small),
    }
}

/// Who asks for less than there would be wants the whole program to be small.
fn footprint(bytes: u64) -> Footprint {
    if bytes >= DEFAULT_BYTES {
        return Footprint::Usual;
    }
    allocator::give_back_at_once();
    Footprint::Small
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_unit() {
        assert_eq!(parse("64MiB"), Ok(64 << 20));
        assert_eq!(parse("2GiB"), Ok(2 << 30));
        for refused in ["64", "MiB", "1MiB", "-1GiB", "99999999999999GiB"] {
            assert!(parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_run_that_is_to_be_small_is_so_in_all_that_it_does() {
        assert_eq!(for_push(1 << 30), (3 << 28, Footprint::Usual));
        assert_eq!(for_push(64 << 20), (32 << 20, Footprint::Small));
        assert_eq!(for_pull(DEFAULT_BYTES), (DEFAULT_BYTES, Footprint::Usual));
        assert_eq!(for_pull(1 << 30), (1 << 30, Footprint::Usual));
        assert_eq!(for_pull(DEFAULT_BYTES - 1), (DEFAULT_BYTES / 2 - 1, Footprint::Small));
        assert_eq!(for_pull(BYTES_MIN), (BYTES_MIN, Footprint::Small));
    }
}
