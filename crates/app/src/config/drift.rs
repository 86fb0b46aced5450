//! What a pull does when its stream's columns change: one word, or a word for all and others for single columns.

use std::collections::BTreeMap;
use std::fmt;

use model::{DriftPolicy, DriftSpec};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::name::ColumnName;

#[derive(Debug, Default)]
pub(crate) struct DriftConfig(pub(crate) DriftSpec);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EachColumn {
    #[serde(default)]
    default: DriftPolicy,
    #[serde(default)]
    columns: BTreeMap<ColumnName, DriftPolicy>,
}

impl<'de> Deserialize<'de> for DriftConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DriftVisitor)
    }
}

struct DriftVisitor;

impl<'de> Visitor<'de> for DriftVisitor {
    type Value = DriftConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`add`, `pause` or `ignore`, or a map with `default` and `columns`")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<DriftConfig, E> {
        let policy = DriftPolicy::deserialize(de::value::StrDeserializer::new(word))?;
        Ok(DriftConfig(DriftSpec { policy, ..DriftSpec::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DriftConfig, A::Error> {
        let each = EachColumn::deserialize(de::value::MapAccessDeserializer::new(map))?;
        let columns = each.columns.into_iter().map(|(column, policy)| (column.into(), policy)).collect();
        Ok(DriftConfig(DriftSpec { policy: each.default, columns }))
    }
}
