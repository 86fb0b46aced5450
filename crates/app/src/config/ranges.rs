//! Into how many statements a first read may be divided: `auto`, `off`, or a number.

use std::fmt;

use model::{RangeCount, RangeSpec};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

#[derive(Clone, Copy, Debug)]
pub(crate) struct RangesConfig(pub(crate) RangeSpec);

impl RangesConfig {
    /// Whether a number of ranges is asked for.
    pub(crate) fn is_count(&self) -> bool {
        matches!(self.0, RangeSpec::Count(_))
    }
}

impl<'de> Deserialize<'de> for RangesConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RangesVisitor).map(Self)
    }
}

struct RangesVisitor;

impl Visitor<'_> for RangesVisitor {
    type Value = RangeSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`auto`, `off`, or a number from 1 to {}", RangeCount::MAX.get())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RangeSpec, E> {
        match text {
            "auto" => Ok(RangeSpec::Auto),
            "off" => Ok(RangeSpec::Off),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<RangeSpec, E> {
        RangeCount::new(count).map(RangeSpec::Count).map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, count: i64) -> Result<RangeSpec, E> {
        self.visit_u64(u64::try_from(count).map_err(|_| E::custom("a number of ranges is positive"))?)
    }

    /// What `off` is to readers of older YAML.
    fn visit_bool<E: serde::de::Error>(self, is_on: bool) -> Result<RangeSpec, E> {
        Ok(if is_on { RangeSpec::Auto } else { RangeSpec::Off })
    }
}
