//! What a sync reads: a table or view by its name, or a query under a name of its own.

use std::fmt;
use std::marker::PhantomData;

use model::{StreamName, TableName};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

/// A table's name as the source's system writes it, or a query.
#[derive(Debug)]
pub(crate) enum StreamConfig<T> {
    Table(T),
    Query(QueryConfig),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryConfig {
    name: String,
    query: String,
}

impl<T: Clone + Into<TableName>> StreamConfig<T> {
    pub(crate) fn name(&self) -> StreamName {
        match self {
            StreamConfig::Table(table) => StreamName::Table(table.clone().into()),
            StreamConfig::Query(query) => {
                StreamName::Query { name: query.name.clone(), sql: query.query.clone() }
            }
        }
    }
}

impl<'de, T: TryFrom<String, Error = String>> Deserialize<'de> for StreamConfig<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StreamVisitor(PhantomData))
    }
}

struct StreamVisitor<T>(PhantomData<T>);

impl<'de, T: TryFrom<String, Error = String>> Visitor<'de> for StreamVisitor<T> {
    type Value = StreamConfig<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table's name, or a query with `name` and `query`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::try_from(text.to_owned()).map(StreamConfig::Table).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        QueryConfig::deserialize(de::value::MapAccessDeserializer::new(map)).map(StreamConfig::Query)
    }
}
