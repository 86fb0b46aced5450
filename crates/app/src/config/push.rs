//! The sync file of a push: from the vendor database into a table of the customer's choice.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use connectors::duckdb::typed_sql;
use connectors::snowflake::push::MisfitPolicy;
use datasets::{EXPORT_CURSOR, EXPORT_GONE, ExportChoice, ExportConfig};
use model::{Error, NullCursor, ReadSpec, Result, StreamName, StreamSpec, TableName, WriteSpec};
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::columns::PushedColumns;
use super::late::LateAfter;
use super::name::{QualifiedTable, VendorColumn, VendorTable};
use super::read::{Percent, ReadConfig};
use super::schedule::ScheduleConfig;
use super::span::located;
use super::stream::StreamConfig;
use super::sync::{DuckDbSide, SnowflakeSide, SyncFile, sync_name};
use super::types::ColumnType;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PushDocument {
    tenant: String,
    source: DuckDbSide,
    destination: SnowflakeSide,
    stream: Option<Spanned<StreamConfig<VendorTable>>>,
    dataset: Option<Spanned<ExportChoice>>,
    target: Option<QualifiedTable>,
    #[serde(default)]
    read: ReadConfig<VendorColumn>,
    #[serde(default)]
    columns: PushedColumns,
    #[serde(default)]
    types: BTreeMap<VendorColumn, ColumnType>,
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
    late_after: Option<LateAfter>,

    // What belongs to pulls, known so that it is refused with a reason.
    #[serde(rename = "match")]
    matching: Option<Spanned<IgnoredAny>>,
}

/// What a push says beyond what every sync says.
#[derive(Clone, Debug)]
pub(crate) struct PushOptions {
    pub(crate) on_misfit: MisfitPolicy,
    pub(crate) creates_table: bool,
    pub(crate) expected_row_count: Option<u64>,
    /// What of the model is delivered; absent where the file names a stream.
    pub(crate) export: Option<ExportConfig>,
}

impl PushOptions {
    /// Whether rows that do not fit are kept for inspection.
    pub(crate) fn keeps_misfits(&self) -> bool {
        self.on_misfit == MisfitPolicy::Quarantine
    }
}

/// Whether rows that are gone are to be told, by the column that exports have for it.
pub(crate) fn tells_gone(write: &WriteSpec) -> bool {
    matches!(write, WriteSpec::Upsert { delete_flag: Some(flag) } if flag == EXPORT_GONE)
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
        let target = self.target(path, write)?;
        self.refuse_what_pulls_say(path)?;
        let WriteConfig(write_spec) = &write.value;
        let spec = StreamSpec {
            read: self.read_spec(path, write_spec)?,
            key: self.key(),
            lossy_columns: self.lossy.iter().cloned().map(Into::into).collect(),
            write: write_spec.clone(),
            max_shrink_percent: self.max_shrink_percent.0,
            ..StreamSpec::new(self.stream_name(path, write)?, target)
        };
        let spec = StreamSpec { columns: self.columns.0, ..spec };
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
                export: self.dataset.and_then(|dataset| dataset.value.0),
            }),
            verify: None,
            deletes: None,
            dataset: None,
            matching: None,
            schedule,
            late_after: self.late_after,
            kept_secrets: None,
        })
    }

    /// The customer's table; where it is missing, the error is at what is to go there.
    fn target(&self, path: &Path, write: &Spanned<WriteConfig>) -> Result<TableName> {
        if let Some(QualifiedTable(target)) = &self.target {
            return Ok(target.clone());
        }
        let error = Error::config("target_missing", "a push needs a `target`")
            .with_remedy("name the customer's table: `target: DATABASE.SCHEMA.TABLE`");
        Err(match (&self.stream, &self.dataset) {
            (Some(stream), _) => located(path, stream, error),
            (None, Some(dataset)) => located(path, dataset, error),
            (None, None) => located(path, write, error),
        })
    }

    /// The query with the types that the file gives to some of its columns.
    fn typed(&self, query: String) -> String {
        match self.types.is_empty() {
            true => query,
            false => typed_sql(
                &query,
                self.types.iter().map(|(name, ColumnType(given))| (name.0.as_str(), *given)),
            ),
        }
    }

    fn export(&self) -> Option<&ExportConfig> {
        self.dataset.as_ref().and_then(|dataset| dataset.value.0.as_ref())
    }

    /// The stream that the file names, or the query of its dataset.
    fn stream_name(&self, path: &Path, write: &Spanned<WriteConfig>) -> Result<StreamName> {
        let (stream, export) = match (&self.stream, self.export()) {
            (Some(stream), None) => return self.typed_stream(path, stream),
            (None, Some(export)) => (None, Some(export)),
            (stream, export) => (stream.as_ref(), export),
        };
        let Some(export) = export else {
            let error = Error::config("stream_missing", "a push needs a `stream` or a `dataset`")
                .with_remedy(
                    "name a table of the vendor database, a query, or a dataset such as `raw_actions`",
                );
            return Err(located(path, write, error));
        };
        if let Some(stream) = stream {
            let message =
                format!("`dataset: {}` is read from the model, and there is a `stream` too", export.name());
            let error = Error::config("field_misplaced", message).with_remedy("keep one of them");
            return Err(located(path, stream, error));
        }
        self.refuse_append_of_states(path, export, write)?;
        let sql = export.query(&sync_name(path), tells_gone(&write.value.0));
        Ok(StreamName::Query { name: export.name().to_owned(), sql: self.typed(sql) })
    }

    /// The stream that the file names. A table is read as it is, so only the columns of a query can be given types.
    fn typed_stream(&self, path: &Path, stream: &Spanned<StreamConfig<VendorTable>>) -> Result<StreamName> {
        match stream.value.name() {
            StreamName::Query { name, sql } => Ok(StreamName::Query { name, sql: self.typed(sql) }),
            StreamName::Table(_) if !self.types.is_empty() => {
                let error = Error::config(
                    "types_of_table",
                    "`types` are for a `dataset` or a query, and this is a table",
                )
                .with_remedy("write a query instead, such as `stream: { name: …, query: select … }`");
                Err(located(path, stream, error))
            }
            table => Ok(table),
        }
    }

    /// Rows that change later have to take the place of what they were.
    fn refuse_append_of_states(
        &self,
        path: &Path,
        export: &ExportConfig,
        write: &Spanned<WriteConfig>,
    ) -> Result<()> {
        if write.value.0 != WriteSpec::Append || export.may_append() {
            return Ok(());
        }
        let message =
            format!("rows of `dataset: {}` change later, and an append would add them again", export.name());
        let remedy = match export.has_gone_rows() {
            true => {
                "write `write: { upsert: { delete_flag: is_gone } }`, `write: upsert` or `write: rewrite`"
            }
            false => "write `write: upsert` or `write: rewrite`",
        };
        Err(located(path, write, Error::config("append_of_states", message).with_remedy(remedy)))
    }

    /// The key that the file names, or that of its dataset.
    fn key(&self) -> Vec<String> {
        match self.export() {
            Some(export) if self.read.key.is_empty() => vec![export.key().to_owned()],
            _ => self.read.key(),
        }
    }

    /// How the file says to read. A dataset is followed by its own cursor, unless all of it is to be replaced.
    fn read_spec(&self, path: &Path, write: &WriteSpec) -> Result<ReadSpec> {
        let is_said = self.read.full_refresh.is_some()
            || self.read.incremental.is_some()
            || self.read.changes.is_some();
        // An append would repeat these rows with every run; an upsert may as well see them.
        let null_cursor = match write {
            WriteSpec::Append => NullCursor::Exclude,
            _ => NullCursor::Include,
        };
        if self.export().is_none() || is_said || *write == WriteSpec::Rewrite {
            return self.read.spec(path, null_cursor);
        }
        // A row without a moment is one of an import that is not over yet.
        Ok(ReadSpec::Incremental {
            cursor_column: EXPORT_CURSOR.to_owned(),
            lookback: Duration::ZERO,
            null_cursor: NullCursor::Exclude,
        })
    }

    fn refuse_what_pulls_say(&self, path: &Path) -> Result<()> {
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
        if let Some(matching) = &self.matching {
            let error =
                Error::config("field_misplaced", "`match` belongs to pulls of deals, and this is a push")
                    .with_remedy("write it into the sync that pulls the deals");
            return Err(located(path, matching, error));
        }
        if let Some(incremental) = self.read.incremental.as_ref().filter(|_| self.read.is_unsafe_allowed()) {
            let error = Error::config("field_misplaced", "`unsafe` belongs to pulls, and this is a push")
                .with_remedy("remove it: a push is not refused for its cursor's values");
            return Err(located(path, incremental, error));
        }
        Ok(())
    }
}
