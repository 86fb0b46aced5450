//! A source whose rows are mapped on their way: everybody behind it sees the dataset's columns, and its source only its own.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use model::{
    Batch, BatchStream, ChosenColumn, Column, Cursor, EndOfRead, Error, ErrorKind, Progress, RangeSpec,
    ReadEvent, ReadPlan, ReadSpec, Result, Source, StreamFilter, StreamName, StreamPlan, StreamSchema,
    StreamSpec,
};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::config::{DatasetConfig, PropertyMerge};
use crate::contract::{BOOKKEEPING, Dataset, ROW_HASH, ROW_ID};
use crate::mapping::{CURSOR, Context, Mapping, MappingReport, Stamps};

/// Grows when rows are mapped in another way than before, so that none are left that were mapped in the old one.
const MAPPING_VERSION: u32 = 2;
/// The version of positions that name none.
const UNNAMED_VERSION: u32 = 2;

/// Batches that are mapped at a time: one while the one before it is staged. Each is in memory twice, as it came and mapped.
const BATCHES_MAPPED_MAX: usize = 2;

/// A source, and the mapping of the one stream that is read from it.
pub struct MappedSource {
    inner: Arc<dyn Source>,
    /// What the sync asks of the source.
    spec: StreamSpec,
    config: DatasetConfig,
    stamps: Stamps,
    /// Made anew whenever the stream is described.
    compiled: Mutex<Option<Arc<Compiled>>>,
}

struct Compiled {
    mapping: Mapping,
    /// The first read of the stream in its own columns.
    plan: StreamPlan,
}

/// A position of the source, and the mapping that the rows up to it went through.
#[derive(Debug, Serialize, Deserialize)]
struct MappedPosition {
    mapping: String,
    #[serde(default = "unnamed_version")]
    version: u32,
    at: Cursor,
}

fn unnamed_version() -> u32 {
    UNNAMED_VERSION
}

/// What the destination is asked for where the rows of `spec` are mapped: the dataset's columns, and its own key.
pub fn landing_spec(spec: &StreamSpec, config: &DatasetConfig) -> StreamSpec {
    let dataset = config.dataset;
    let names = PassedOn::of(spec, dataset);
    let chosen = |name: &str| ChosenColumn { source: name.to_owned(), target: None };
    let mut columns: Vec<ChosenColumn> =
        dataset.landed_columns().iter().map(|column| chosen(column.name)).collect();
    columns.extend(
        names
            .cursor
            .iter()
            .map(|name| ChosenColumn { source: name.clone(), target: Some(CURSOR.to_owned()) }),
    );
    let mut stamps = BOOKKEEPING.map(str::to_owned).to_vec();
    let mut merged = Vec::new();
    if config.merge == PropertyMerge::Shallow {
        merged = dataset.property_columns();
        // A row that comes with less than before has another hash, and yet nothing may become of it.
        stamps.push(ROW_HASH.to_owned());
    }
    let mut landing = StreamSpec {
        columns,
        key: if spec.key.is_empty() { Vec::new() } else { vec![ROW_ID.to_owned()] },
        lossy_columns: Vec::new(),
        ranges: RangeSpec::Off,
        stamps,
        merged,
        ..spec.clone()
    };
    if let (ReadSpec::Incremental { cursor_column, .. }, Some(name)) = (&mut landing.read, names.cursor) {
        *cursor_column = name;
    }
    landing.deletes.column = names.deleted;
    landing
}

/// Columns of the source that travel with the mapped rows, under names that no mapped column has.
struct PassedOn {
    cursor: Option<String>,
    deleted: Option<String>,
}

impl PassedOn {
    fn of(spec: &StreamSpec, dataset: Dataset) -> Self {
        let landed = dataset.landed_columns();
        let free = |name: &str, instead: &str| {
            let is_taken = landed.iter().any(|column| column.name == name);
            if is_taken { instead.to_owned() } else { name.to_owned() }
        };
        let cursor = cursor_column(spec).map(|name| free(name, CURSOR));
        Self { cursor, deleted: spec.deletes.column.as_deref().map(|name| free(name, "_deleted")) }
    }
}

fn cursor_column(spec: &StreamSpec) -> Option<&str> {
    match &spec.read {
        ReadSpec::Incremental { cursor_column, .. } => Some(cursor_column),
        ReadSpec::FullRefresh | ReadSpec::Changes => None,
    }
}

impl MappedSource {
    /// Maps the rows that `inner` gives for `spec`. A first read is not divided into ranges, which are told by columns that
    /// mapped rows do not have.
    pub fn new(inner: Arc<dyn Source>, spec: &StreamSpec, config: DatasetConfig, stamps: Stamps) -> Self {
        let spec = StreamSpec { ranges: RangeSpec::Off, stamps: Vec::new(), ..spec.clone() };
        Self { inner, spec, config, stamps, compiled: Mutex::default() }
    }

    /// What becomes of each column, once the stream was described.
    pub fn report(&self) -> Result<MappingReport> {
        Ok(self.compiled()?.mapping.report().clone())
    }

    /// Whether the rows up to a position went through the mapping of an earlier version of this program, so that all of them
    /// have to be read anew.
    pub fn is_outdated(cursor: &Cursor) -> Result<bool> {
        let MappedPosition { version, .. } = cursor.position()?;
        Ok(version < MAPPING_VERSION)
    }

    /// The plan of the source's own read that gives the rows of `plan`.
    pub fn inner_plan(&self, plan: &StreamPlan) -> Result<StreamPlan> {
        if matches!(plan.read, ReadPlan::Buckets { .. }) {
            return Err(Error::config(
                "verify_of_dataset",
                "mapped rows cannot be compared with their source",
            )
            .with_remedy("count the rows on both sides, or read anew with --full-refresh"));
        }
        let compiled = self.compiled()?;
        let staged = plan.staged.as_ref().map(|staged| self.position(staged)).transpose();
        Ok(StreamPlan {
            since: plan.since.as_ref().map(|since| self.position(since)).transpose()?,
            // What was staged through another mapping is of no use, and neither is what cannot be read.
            staged: staged.unwrap_or_default(),
            epoch: plan.epoch,
            ..compiled.plan.clone()
        })
    }

    fn compiled(&self) -> Result<Arc<Compiled>> {
        let compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.clone().ok_or_else(|| Error::internal("the stream was read before it was described"))
    }

    fn compile(&self, schema: &StreamSchema) -> Result<Arc<Compiled>> {
        let plan = StreamPlan::build(&self.spec, schema, &Progress::default())?;
        let context = Context {
            stream_name: match &self.spec.stream {
                StreamName::Table(table) => table.table.to_lowercase(),
                StreamName::Query { name, .. } => name.clone(),
            },
            namespace: self.spec.target.to_string(),
            key: self.spec.key.clone(),
            cursor_column: cursor_column(&self.spec).map(str::to_owned),
        };
        let mapping = Mapping::compile(&self.config, &plan.columns, &context)?;
        Ok(Arc::new(Compiled { mapping, plan }))
    }

    /// Tells one mapping from another. Columns are no part of it: a new one becomes a property of the rows that come.
    fn fingerprint(&self) -> Result<String> {
        let text = serde_json::to_string(&(MAPPING_VERSION, &self.config, &self.spec.key))
            .map_err(|error| Error::internal("the mapping could not be written").with_source(error))?;
        Ok(format!("{:032x}", xxh3_128(text.as_bytes())))
    }

    fn mapped(&self, at: Cursor) -> Result<Cursor> {
        Cursor::from_position(&MappedPosition { mapping: self.fingerprint()?, version: MAPPING_VERSION, at })
    }

    /// The source's own position, where the rows up to it went through this mapping.
    fn position(&self, cursor: &Cursor) -> Result<Cursor> {
        let MappedPosition { mapping, version, at } = cursor.position()?;
        if mapping == self.fingerprint()? {
            return Ok(at);
        }
        if version > MAPPING_VERSION {
            let message =
                format!("the rows of {} were mapped by a newer version of this program", self.spec.stream);
            return Err(Error::config("mapping_newer", message).with_remedy(
                "use that version, or run once with --full-refresh to map all rows as this one does",
            ));
        }
        let message =
            format!("the mapping of {} is not the one that its rows went through", self.spec.stream);
        Err(Error::new(ErrorKind::SchemaChanged, "mapping_changed", message)
            .with_remedy("run once with --full-refresh, so that all rows are mapped alike"))
    }
}

impl fmt::Debug for MappedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedSource")
            .field("inner", &self.inner)
            .field("dataset", &self.config.dataset)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Source for MappedSource {
    async fn discover(&self, filter: &StreamFilter) -> Result<Vec<StreamSchema>> {
        self.inner.discover(filter).await
    }

    /// The stream in the dataset's columns. The mapping is compiled here, so that a mistake in it is found before a run
    /// changes anything.
    async fn describe(&self, stream: &StreamName) -> Result<StreamSchema> {
        let schema = self.inner.describe(stream).await?;
        let compiled = self.compile(&schema)?;
        *self.compiled.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&compiled));
        let mut columns: Vec<Column> =
            self.config.dataset.landed_columns().iter().map(crate::LandedColumn::to_column).collect();
        let names = PassedOn::of(&self.spec, self.config.dataset);
        let passed_on =
            [(cursor_column(&self.spec), names.cursor), (self.spec.deletes.column.as_deref(), names.deleted)];
        for (source, name) in passed_on {
            let column = source.and_then(|source| schema.column(source));
            if let (Some(column), Some(name)) = (column, name)
                && !columns.iter().any(|column| column.name == name)
            {
                // As it travels, which may be wider than it is stored.
                let planned = compiled.plan.column(&column.name);
                let logical_type = planned.map_or(&column.logical_type, |planned| &planned.logical_type);
                columns.push(Column { name, logical_type: logical_type.clone(), ..column.clone() });
            }
        }
        Ok(StreamSchema { columns, key: Vec::new(), ..schema })
    }

    fn statement(&self, plan: &StreamPlan) -> Result<String> {
        self.inner.statement(&self.inner_plan(plan)?)
    }

    async fn read(&self, plan: &StreamPlan) -> Result<BatchStream> {
        let compiled = self.compiled()?;
        let read = self.inner.read(&self.inner_plan(plan)?).await?;
        if read.withdrawn.is_some() {
            return Err(Error::internal("a read in ranges was asked for where rows are mapped"));
        }
        let mapper = Arc::new(Mapper {
            compiled,
            fingerprint: self.fingerprint()?,
            stamps: Stamps { run_id: i64::try_from(plan.epoch.0).unwrap_or(i64::MAX), ..self.stamps.clone() },
        });
        let mapped = read.events.map(move |event| map_aside(Arc::clone(&mapper), event));
        let events = mapped.buffered(BATCHES_MAPPED_MAX).flat_map(|mapped| {
            stream::iter(match mapped {
                Ok(events) => events.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        });
        Ok(BatchStream { events: events.boxed(), ..read })
    }

    fn lower_bound(&self, plan: &StreamPlan) -> Result<Option<String>> {
        self.inner.lower_bound(&self.inner_plan(plan)?)
    }

    async fn is_unchanged(&self, plan: &StreamPlan) -> Result<bool> {
        self.inner.is_unchanged(&self.inner_plan(plan)?).await
    }

    async fn position_now(&self, plan: &StreamPlan) -> Result<Option<Cursor>> {
        let position = self.inner.position_now(&self.inner_plan(plan)?).await?;
        position.map(|position| self.mapped(position)).transpose()
    }

    async fn position_of_unchanged(&self, plan: &StreamPlan) -> Result<Option<Cursor>> {
        let position = self.inner.position_of_unchanged(&self.inner_plan(plan)?).await?;
        position.map(|position| self.mapped(position)).transpose()
    }
}

/// Maps one event on a thread that may be busy for a while: the async threads have answers to wait for.
async fn map_aside(mapper: Arc<Mapper>, event: Result<ReadEvent>) -> Result<Vec<ReadEvent>> {
    let event = event?;
    let mapping = tokio::task::spawn_blocking(move || {
        // A root of its own: the step that waited for it first may have ended before it does.
        let _timed = tracing::trace_span!(target: "timings", parent: None, "map").entered();
        mapper.map(event)
    });
    mapping.await.map_err(|error| Error::internal("the mapping of rows panicked").with_source(error))?
}

/// Maps the events of one read.
struct Mapper {
    compiled: Arc<Compiled>,
    fingerprint: String,
    stamps: Stamps,
}

impl Mapper {
    fn map(&self, event: ReadEvent) -> Result<Vec<ReadEvent>> {
        match event {
            ReadEvent::Batch(batch) => self.map_batch(batch),
            ReadEvent::End(end) => {
                Ok(vec![ReadEvent::End(EndOfRead { cursor: self.position(end.cursor)?, ..end })])
            }
        }
    }

    fn position(&self, at: Cursor) -> Result<Cursor> {
        Cursor::from_position(&MappedPosition {
            mapping: self.fingerprint.clone(),
            version: MAPPING_VERSION,
            at,
        })
    }

    /// The rows in as many batches as their properties need, of which the last carries what the one did.
    fn map_batch(&self, batch: Batch) -> Result<Vec<ReadEvent>> {
        let rows_max = self.rows_max(&batch);
        let row_count = batch.rows.num_rows();
        let resume = batch.resume.map(|resume| self.position(resume)).transpose()?;
        let mut mapped = Vec::new();
        for start in (0..row_count.max(1)).step_by(rows_max) {
            let rows = batch.rows.slice(start, rows_max.min(row_count - start));
            mapped.push(Batch::new(self.compiled.mapping.map(&rows, &self.stamps)?.rows, None));
        }
        if let Some(last) = mapped.last_mut() {
            last.resume = resume;
            last.held = batch.held;
        }
        Ok(mapped.into_iter().map(ReadEvent::Batch).collect())
    }

    /// How many rows can be mapped at a time: the texts of one column have to stay below 2 GiB.
    fn rows_max(&self, batch: &Batch) -> usize {
        /// Half of what fits, for what is not counted here.
        const BYTES_MAX: usize = 1 << 30;
        /// A character becomes at most so many, as `\u0000`.
        const GROWTH_MAX: usize = 6;
        let row_count = batch.rows.num_rows().max(1);
        let row_bytes = batch.byte_size() / row_count * GROWTH_MAX + self.compiled.mapping.name_bytes();
        (BYTES_MAX / row_bytes.max(1)).max(1)
    }
}
