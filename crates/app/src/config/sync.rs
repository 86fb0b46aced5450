//! The sync file: tenant, source, destination, stream, and how to read it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use connectors::duckdb::TenantFile;
use model::{Error, NullCursor, ReadSpec, Result, StreamName, StreamSpec, TableName, WriteSpec};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;
use snowflake::{ConnectionConfig, MemoryBudget};

use super::name::{ColumnName, QualifiedTable, Target, default_target};
use super::snowflake::SnowflakeConfig;
use super::span::{located, mistake};

/// A sync file that was read and makes sense by itself.
#[derive(Debug)]
pub(crate) struct SyncFile {
    path: PathBuf,
    document: Document,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    tenant: String,
    source: SourceConfig,
    destination: DestinationConfig,
    stream: Spanned<StreamConfig>,
    target: Option<Target>,
    #[serde(default)]
    read: ReadConfig,
    #[serde(default)]
    columns: Vec<ColumnName>,
    #[serde(default)]
    lossy: Vec<ColumnName>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceConfig {
    snowflake: Spanned<SnowflakeConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DestinationConfig {
    duckdb: DuckDbConfig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DuckDbConfig {
    /// The folder that holds one file per tenant, relative to the sync file.
    path: PathBuf,
}

/// A table's name, or a query under a name.
#[derive(Debug)]
enum StreamConfig {
    Table(QualifiedTable),
    Query(QueryConfig),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryConfig {
    name: String,
    query: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadConfig {
    full_refresh: Option<FullRefreshConfig>,
    incremental: Option<Spanned<IncrementalConfig>>,
    #[serde(default)]
    key: Vec<ColumnName>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FullRefreshConfig {
    #[serde(default)]
    max_shrink_percent: Percent,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IncrementalConfig {
    cursor: ColumnName,
    #[serde(default)]
    lookback: Lookback,
    #[serde(default)]
    null_cursor: NullCursorConfig,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NullCursorConfig {
    #[default]
    Include,
    Exclude,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u8")]
struct Percent(u8);

/// A table that loses more than half of its rows at once is more often a fault than a wish.
impl Default for Percent {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u8> for Percent {
    type Error = String;

    fn try_from(percent: u8) -> Result<Self, String> {
        if percent <= 100 { Ok(Self(percent)) } else { Err(format!("{percent} is more than 100 per cent")) }
    }
}

/// A duration such as `2h` or `1d 12h`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
struct Lookback(Duration);

impl TryFrom<String> for Lookback {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refused = || format!("`{text}` is no duration; write for example `2h`, `45m` or `1d 12h`");
        let span: jiff::Span = text.parse().map_err(|_| refused())?;
        let days_as_24_hours = jiff::SpanRelativeTo::days_are_24_hours();
        let duration = span.to_duration(days_as_24_hours).map_err(|_| refused())?;
        Duration::try_from(duration).map(Self).map_err(|_| refused())
    }
}

impl<'de> Deserialize<'de> for StreamConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StreamVisitor)
    }
}

struct StreamVisitor;

impl<'de> Visitor<'de> for StreamVisitor {
    type Value = StreamConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DATABASE.SCHEMA.TABLE, or a query with `name` and `query`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<StreamConfig, E> {
        QualifiedTable::parse(text).map(StreamConfig::Table).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<StreamConfig, A::Error> {
        QueryConfig::deserialize(de::value::MapAccessDeserializer::new(map)).map(StreamConfig::Query)
    }
}

impl SyncFile {
    /// Reads the file; an error shows the line and what it should hold.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::config("sync_file_unreadable", format!("{} cannot be read: {error}", path.display()))
                .with_remedy("give the path of a sync file with --file")
        })?;
        let document: Document = serde_saphyr::from_str(&text).map_err(|error| mistake(path, &error))?;
        Ok(Self { path: path.to_owned(), document })
    }

    /// The name that this sync goes by in messages.
    pub(crate) fn name(&self) -> String {
        self.path.file_stem().map_or_else(|| "sync".to_owned(), |stem| stem.to_string_lossy().into_owned())
    }

    /// What the client needs to connect; reads the secrets.
    pub(crate) fn connection(&self, memory_budget: MemoryBudget) -> Result<ConnectionConfig> {
        let snowflake = &self.document.source.snowflake;
        let config = snowflake.value.connection_config(self.folder(), memory_budget);
        let config = config.map_err(|error| located(&self.path, snowflake, error))?;
        Ok(config.query_tag(format!("snowferry tenant={} sync={}", self.document.tenant, self.name())))
    }

    /// The role that the file names.
    pub(crate) fn role(&self) -> Option<&str> {
        self.document.source.snowflake.value.role.as_deref()
    }

    pub(crate) fn virtual_warehouse(&self) -> Option<&str> {
        self.document.source.snowflake.value.virtual_warehouse.as_deref()
    }

    /// The vendor database of this sync's tenant.
    pub(crate) fn tenant_file(&self) -> Result<TenantFile> {
        TenantFile::new(&self.folder().join(&self.document.destination.duckdb.path), &self.document.tenant)
    }

    /// What is to be moved, and how.
    pub(crate) fn spec(&self) -> Result<StreamSpec> {
        let document = &self.document;
        let stream = match &document.stream.value {
            StreamConfig::Table(table) => StreamName::Table(table.0.clone()),
            StreamConfig::Query(query) => {
                StreamName::Query { name: query.name.clone(), sql: query.query.clone() }
            }
        };
        let (read, max_shrink_percent) = self.read_spec()?;
        Ok(StreamSpec {
            target: self.target(&stream)?,
            stream,
            read,
            key: document.read.key.iter().map(|name| name.0.clone()).collect(),
            columns: document.columns.iter().map(|name| name.0.clone()).collect(),
            lossy_columns: document.lossy.iter().map(|name| name.0.clone()).collect(),
            write: WriteSpec::Mirror,
            max_shrink_percent,
        })
    }

    fn read_spec(&self) -> Result<(ReadSpec, u8)> {
        let read = &self.document.read;
        match (&read.full_refresh, &read.incremental) {
            (Some(_), Some(incremental)) => {
                let error =
                    Error::config("read_mode_twice", "`full_refresh` and `incremental` exclude each other")
                        .with_remedy("keep one of them");
                Err(located(&self.path, incremental, error))
            }
            (None, Some(Spanned { value: incremental, .. })) => {
                let null_cursor = match incremental.null_cursor {
                    NullCursorConfig::Include => NullCursor::Include,
                    NullCursorConfig::Exclude => NullCursor::Exclude,
                };
                let read = ReadSpec::Incremental {
                    cursor_column: incremental.cursor.0.clone(),
                    lookback: incremental.lookback.0,
                    null_cursor,
                };
                Ok((read, Percent::default().0))
            }
            (full_refresh, None) => {
                let percent =
                    full_refresh.as_ref().map_or_else(Percent::default, |read| read.max_shrink_percent);
                Ok((ReadSpec::FullRefresh, percent.0))
            }
        }
    }

    fn target(&self, stream: &StreamName) -> Result<TableName> {
        match (&self.document.target, stream) {
            (Some(Target(target)), _) => Ok(target.clone()),
            (None, StreamName::Table(table)) => Ok(default_target(table)),
            (None, StreamName::Query { .. }) => {
                let error = Error::config(
                    "target_missing",
                    "a query needs a `target`, such as `target: sales.deals`",
                );
                Err(located(&self.path, &self.document.stream, error))
            }
        }
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}
