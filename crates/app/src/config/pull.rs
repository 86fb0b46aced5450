//! The sync file of a pull: from a customer's Snowflake into the vendor database.

use std::path::Path;

use datasets::{Dataset, DatasetChoice, DatasetConfig, MatchConfig, PropertyMerge};
use model::{ChosenColumn, Error, NullCursor, Result, StreamName, StreamSpec, TableName};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

use super::deletes::DeletesConfig;
use super::drift::DriftConfig;
use super::late::LateAfter;
use super::name::{ColumnName, QualifiedTable, Target, default_target};
use super::read::ReadConfig;
use super::schedule::ScheduleConfig;
use super::span::located;
use super::stream::StreamConfig;
use super::sync::{DuckDbSide, SnowflakeSide, SyncFile, sync_name};
use super::verify::VerifyConfig;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PullDocument {
    tenant: String,
    source: SnowflakeSide,
    destination: DuckDbSide,
    stream: Spanned<StreamConfig<QualifiedTable>>,
    target: Option<Target>,
    #[serde(default)]
    read: ReadConfig<ColumnName>,
    #[serde(default)]
    columns: Vec<ColumnName>,
    #[serde(default)]
    lossy: Vec<ColumnName>,
    drift: Option<Spanned<DriftConfig>>,
    verify: Option<Spanned<VerifyConfig>>,
    deletes: Option<Spanned<DeletesConfig>>,
    schedule: Option<ScheduleConfig>,
    late_after: Option<LateAfter>,
    dataset: Option<Spanned<DatasetChoice>>,
    #[serde(rename = "match")]
    matching: Option<Spanned<MatchConfig>>,

    // What belongs to pushes, known so that it is refused with a reason.
    write: Option<Spanned<IgnoredAny>>,
    max_shrink_percent: Option<Spanned<IgnoredAny>>,
    expected_rows: Option<Spanned<IgnoredAny>>,
    on_misfit: Option<Spanned<IgnoredAny>>,
    create_table: Option<Spanned<IgnoredAny>>,
}

impl PullDocument {
    pub(super) fn into_sync(self, path: &Path) -> Result<SyncFile> {
        self.refuse_what_pushes_say(path)?;
        self.refuse_deletes_without_key(path)?;
        self.refuse_what_datasets_cannot(path)?;
        self.refuse_matching_of_no_deals(path)?;
        let schedule = self.schedule.as_ref().map(|schedule| schedule.schedule(path)).transpose()?;
        let stream = self.stream.value.name();
        let target = self.target(path, &stream)?;
        let spec = StreamSpec {
            read: self.read.spec(path, NullCursor::Include)?,
            key: self.read.key(),
            columns: self.columns.into_iter().map(as_it_is).collect(),
            lossy_columns: self.lossy.into_iter().map(Into::into).collect(),
            max_shrink_percent: (self.read.full_refresh.as_ref())
                .and_then(|read| read.value.max_shrink_percent)
                .unwrap_or_default()
                .0,
            drift: self.drift.map(|drift| drift.value.0).unwrap_or_default(),
            ranges: self.read.ranges.as_ref().map(|ranges| ranges.value.0).unwrap_or_default(),
            is_unsafe_allowed: self.read.is_unsafe_allowed(),
            deletes: self.deletes.as_ref().map(|deletes| deletes.value.spec()).unwrap_or_default(),
            ..StreamSpec::new(stream, target)
        };
        spec.check().map_err(|error| self.read.refused(path, error))?;
        Ok(SyncFile {
            path: path.to_owned(),
            tenant: self.tenant,
            snowflake: self.source.snowflake,
            vendor_folder: self.destination.duckdb.path,
            spec,
            push: None,
            verify: self.verify.map(|verify| verify.value),
            deletes: self.deletes.map(|deletes| deletes.value),
            dataset: self.dataset.and_then(|dataset| dataset.value.0),
            matching: self.matching.map(|matching| matching.value),
            schedule,
            late_after: self.late_after,
            kept_secrets: None,
        })
    }

    fn refuse_deletes_without_key(&self, path: &Path) -> Result<()> {
        let Some(deletes) = self.deletes.as_ref().filter(|_| self.read.key.is_empty()) else { return Ok(()) };
        let error =
            Error::config("key_missing", "deleted rows are told by their key, and `read.key` is absent")
                .with_remedy("name the columns that identify a row under `read.key`");
        Err(located(path, deletes, error))
    }

    fn dataset(&self) -> Option<&DatasetConfig> {
        self.dataset.as_ref().and_then(|dataset| dataset.value.0.as_ref())
    }

    /// Mapped rows have no columns of the source by which they could be divided, compared or followed.
    fn refuse_what_datasets_cannot(&self, path: &Path) -> Result<()> {
        let Some(dataset) = self.dataset() else { return Ok(()) };
        let refused = |name: &str, remedy: &str| {
            let message = format!("`{name}` does not go with `dataset: {}`", dataset.dataset);
            Error::config("dataset_unsupported", message).with_remedy(remedy)
        };
        if let Some(drift) = &self.drift {
            let remedy = "remove it: a new column becomes a property of the rows that are read from then on";
            return Err(located(path, drift, refused("drift", remedy)));
        }
        if let Some(verify) = &self.verify {
            let remedy =
                "remove it: mapped rows are not those of the source; a full refresh maps all of them anew";
            return Err(located(path, verify, refused("verify", remedy)));
        }
        let reconciles = |deletes: &&Spanned<DeletesConfig>| deletes.value.reconcile_every().is_some();
        if let Some(deletes) = self.deletes.as_ref().filter(reconciles) {
            let remedy = "remove it, and read by `changes: true`, by a column of deleted rows, or in full";
            return Err(located(path, deletes, refused("deletes.reconcile", remedy)));
        }
        if let Some(ranges) = self.read.ranges.as_ref().filter(|ranges| ranges.value.is_count()) {
            let remedy = "remove it: the first read is one statement, and goes on where it was interrupted";
            return Err(located(path, ranges, refused("read.ranges", remedy)));
        }
        let merges = dataset.merge == PropertyMerge::Shallow;
        if let Some(choice) = self.dataset.as_ref().filter(|_| merges && self.read.key.is_empty()) {
            let message = "`merge: shallow` keeps what a row had by its key, and `read.key` is absent";
            let error = Error::config("key_missing", message)
                .with_remedy("name the columns that identify a row under `read.key`");
            return Err(located(path, choice, error));
        }
        Ok(())
    }

    /// Deals are objects, and only those of the type `deal`.
    fn refuse_matching_of_no_deals(&self, path: &Path) -> Result<()> {
        let Some(matching) = &self.matching else { return Ok(()) };
        let is_of_deals = self.dataset().is_some_and(|config| {
            config.dataset == Dataset::Objects
                && config.object_type.as_deref().is_none_or(|name| name == "deal")
        });
        if !is_of_deals {
            let error =
                Error::config("match_invalid", "`match` is for pulls of deals, and this is another one")
                    .with_remedy("write it into the sync with `dataset: { objects: { type: deal } }`");
            return Err(located(path, matching, error));
        }
        let Some(mistake) = matching.value.mistake() else { return Ok(()) };
        let error = Error::config("match_invalid", mistake).with_remedy("docs/matching.md has every setting");
        Err(located(path, matching, error))
    }

    fn refuse_what_pushes_say(&self, path: &Path) -> Result<()> {
        let fields = [
            ("write", &self.write, "remove it: the vendor database mirrors the stream"),
            ("max_shrink_percent", &self.max_shrink_percent, "write it under `read.full_refresh`"),
            ("expected_rows", &self.expected_rows, "remove it: only a push counts beforehand"),
            ("on_misfit", &self.on_misfit, "remove it: every value of Snowflake's fits the vendor database"),
            ("create_table", &self.create_table, "remove it: a pull always makes its table"),
        ];
        let Some((name, field, remedy)) =
            fields.into_iter().find_map(|(name, field, remedy)| Some((name, field.as_ref()?, remedy)))
        else {
            return Ok(());
        };
        let error =
            Error::config("field_misplaced", format!("`{name}` belongs to pushes, and this is a pull"))
                .with_remedy(remedy);
        Err(located(path, field, error))
    }

    fn target(&self, path: &Path, stream: &StreamName) -> Result<TableName> {
        match (&self.target, stream) {
            (Some(Target(target)), _) => Ok(target.clone()),
            // Two syncs may take different datasets from one table, so the sync gives the name.
            (None, _) if self.dataset().is_some() => {
                Ok(TableName::in_vendor_database("imports", sync_name(path)))
            }
            (None, StreamName::Table(table)) => Ok(default_target(table)),
            (None, StreamName::Query { .. }) => {
                let error = Error::config("target_missing", "a query needs a `target`")
                    .with_remedy("name a table of the vendor database, such as `target: sales.deals`");
                Err(located(path, &self.stream, error))
            }
        }
    }
}

fn as_it_is(name: ColumnName) -> ChosenColumn {
    ChosenColumn { source: name.into(), target: None }
}
