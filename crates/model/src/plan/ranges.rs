//! Into how many statements a sync lets a first read be divided.

use serde::{Serialize, Serializer};

use crate::{Error, Result};

/// Ranges of one read at most. The position names each of them, and is written with every group of rows.
const RANGES_MAX: u8 = 64;

/// How a sync asks for a first read of a large table to be divided into ranges of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RangeSpec {
    /// As the table's size suggests.
    #[default]
    Auto,
    /// Never: one statement, whatever the size.
    Off,
    /// Into this many, where the stream can be divided at all.
    Count(RangeCount),
}

/// A number of ranges within the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RangeCount(u8);

impl RangeCount {
    /// The most ranges that a read is divided into.
    pub const MAX: Self = Self(RANGES_MAX);

    /// Takes a number from 1 to the bound.
    pub fn new(count: u64) -> Result<Self> {
        let within = u8::try_from(count).ok().filter(|count| (1..=RANGES_MAX).contains(count));
        within.map(Self).ok_or_else(|| {
            Error::config("range_count", format!("a read cannot be divided into {count} ranges"))
                .with_remedy(format!("write a number from 1 to {RANGES_MAX}, `auto` or `off`"))
        })
    }

    /// The number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Serialize for RangeSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            RangeSpec::Auto => serializer.serialize_str("auto"),
            RangeSpec::Off => serializer.serialize_str("off"),
            RangeSpec::Count(count) => count.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_ranges_has_a_bound() {
        assert_eq!(RangeCount::new(64).unwrap(), RangeCount::MAX);
        for refused in [0, 65, 1_000_000] {
            assert_eq!(RangeCount::new(refused).unwrap_err().code(), "range_count");
        }
    }
}
