//! The sync file of a push: from the vendor database into a table of the customer's choice.

use std::fmt;
use std::path::Path;

use connectors::snowflake::push::MisfitPolicy;
use model::{Error, NullCursor, Result, StreamSpec, WriteSpec};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::columns::PushedColumns;
use super::name::{QualifiedTable, VendorColumn, VendorTable};
use super::read::{Percent, ReadConfig};
use super::schedule::ScheduleConfig;
use super::span::located;
use super::stream::StreamConfig;
use super::sync::{DuckDbSide, SnowflakeSide, SyncFile};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PushDocument {
    tenant: String,
    source: DuckDbSide,
    destination: SnowflakeSide,
    stream: Spanned<StreamConfig<VendorTable>>,
    target: Option<QualifiedTable>,
    #[serde(default)]
    read: ReadConfig<VendorColumn>,
    #[serde(default)]
    columns: PushedColumns,
    #[serde(default)]
    lossy: Vec<VendorColumn>,
    write: Option<Spanned<WriteConfig>>,
    #[serde(default)]
    max_shrink_percent: Percent,
    expected_rows: Option<u64>,
    #[serde(default)]
    on_misfit: MisfitPolicy,
    #[serde(default)]
    create_table: bool,
    schedule: Option<ScheduleConfig>,
}

/// What a push says beyond what every sync says.
#[derive(Clone, Debug)]
pub(crate) struct PushOptions {
    pub(crate) on_misfit: MisfitPolicy,
    pub(crate) creates_table: bool,
    pub(crate) expected_row_count: Option<u64>,
}

impl PushOptions {
    /// Whether rows that do not fit are kept for inspection.
    pub(crate) fn keeps_misfits(&self) -> bool {
        self.on_misfit == MisfitPolicy::Quarantine
    }
}

/// How rows are written: a word, or `upsert` with what it is to do.
#[derive(Debug)]
struct WriteConfig(WriteSpec);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteMap {
    upsert: UpsertConfig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpsertConfig {
    delete_flag: Option<VendorColumn>,
}

impl<'de> Deserialize<'de> for WriteConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WriteVisitor)
    }
}

struct WriteVisitor;

const WRITE_WORDS: [&str; 3] = ["append", "rewrite", "upsert"];

impl<'de> Visitor<'de> for WriteVisitor {
    type Value = WriteConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("append, rewrite, upsert, or { upsert: { delete_flag: column } }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<WriteConfig, E> {
        match text {
            "append" => Ok(WriteConfig(WriteSpec::Append)),
            "rewrite" => Ok(WriteConfig(WriteSpec::Rewrite)),
            "upsert" => Ok(WriteConfig(WriteSpec::Upsert { delete_flag: None })),
            _ => Err(E::unknown_variant(text, &WRITE_WORDS)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WriteConfig, A::Error> {
        let WriteMap { upsert } = WriteMap::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(WriteConfig(WriteSpec::Upsert { delete_flag: upsert.delete_flag.map(Into::into) }))
    }
}

impl PushDocument {
    pub(super) fn into_sync(self, path: &Path) -> Result<SyncFile> {
        let Some(write) = &self.write else {
            let error = Error::config("write_missing", "a push has to say how it writes")
                .with_remedy("add `write: append`, `write: rewrite` or `write: upsert`");
            return Err(located(path, &self.destination.snowflake, error));
        };
        let Some(QualifiedTable(target)) = self.target else {
            let error = Error::config("target_missing", "a push needs a `target`")
                .with_remedy("name the customer's table: `target: DATABASE.SCHEMA.TABLE`");
            return Err(located(path, &self.stream, error));
        };
        if let Some(read) = &self.read.full_refresh
            && read.value.max_shrink_percent.is_some()
        {
            let error = Error::config("field_misplaced", "a push has `max_shrink_percent` beside `write`")
                .with_remedy("move it there, and leave `full_refresh: {}`");
            return Err(located(path, read, error));
        }
        if let Some(ranges) = &self.read.ranges {
            let error = Error::config("field_misplaced", "`ranges` belongs to pulls, and this is a push")
                .with_remedy("remove it: the vendor database is read in one statement");
            return Err(located(path, ranges, error));
        }
        if let Some(incremental) = self.read.incremental.as_ref().filter(|_| self.read.is_unsafe_allowed()) {
            let error = Error::config("field_misplaced", "`unsafe` belongs to pulls, and this is a push")
                .with_remedy("remove it: a push is not refused for its cursor's values");
            return Err(located(path, incremental, error));
        }
        let WriteConfig(write_spec) = &write.value;
        // An append would repeat these rows with every run; an upsert may as well see them.
        let null_cursor = match write_spec {
            WriteSpec::Append => NullCursor::Exclude,
            _ => NullCursor::Include,
        };
        let spec = StreamSpec {
            read: self.read.spec(path, null_cursor)?,
            key: self.read.key(),
            columns: self.columns.0,
            lossy_columns: self.lossy.into_iter().map(Into::into).collect(),
            write: write_spec.clone(),
            max_shrink_percent: self.max_shrink_percent.0,
            ..StreamSpec::new(self.stream.value.name(), target)
        };
        spec.check().map_err(|error| located(path, write, error))?;
        let schedule = self.schedule.as_ref().map(|schedule| schedule.schedule(path)).transpose()?;
        Ok(SyncFile {
            path: path.to_owned(),
            tenant: self.tenant,
            snowflake: self.destination.snowflake,
            vendor_folder: self.source.duckdb.path,
            spec,
            push: Some(PushOptions {
                on_misfit: self.on_misfit,
                creates_table: self.create_table,
                expected_row_count: self.expected_rows,
            }),
            verify: None,
            deletes: None,
            dataset: None,
            schedule,
            kept_secrets: None,
        })
    }
}
