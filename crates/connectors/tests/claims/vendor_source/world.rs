//! A tenant's file with whatever a claim puts into it, and a source on it.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, Field};
use arrow_select::concat::concat_batches;
use connectors::duckdb::{DuckDbSource, TenantDatabase, TenantFile};
use futures_util::StreamExt;
use model::{
    Checkpoint, EndOfRead, Epoch, NullCursor, Progress, ReadEvent, ReadSpec, Result, Source, StreamName,
    StreamPlan, StreamSpec, TableName, WriteSpec,
};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) database: TenantDatabase,
    pub(crate) source: DuckDbSource,
    _folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = TenantDatabase::open(TenantFile::new(folder.path(), "acme").unwrap()).unwrap();
        Self { source: DuckDbSource::new(database.clone()), database, _folder: folder }
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.database.connect().unwrap().execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub(crate) fn count(&self, sql: &str) -> u64 {
        self.database.connect().unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn text(&self, sql: &str) -> String {
        self.database.connect().unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Plans to read all of a stream into a table of the vendor database.
    pub(crate) async fn plan(&self, stream: &StreamName) -> Result<StreamPlan> {
        self.plan_with(stream, ReadSpec::FullRefresh, WriteSpec::Mirror, None).await
    }

    /// Plans with the first column as key, from where `end` says that an earlier read has got.
    pub(crate) async fn plan_with(
        &self,
        stream: &StreamName,
        read: ReadSpec,
        write: WriteSpec,
        end: Option<&EndOfRead>,
    ) -> Result<StreamPlan> {
        let schema = self.source.describe(stream).await?;
        let spec = StreamSpec {
            read,
            key: vec![schema.columns[0].name.clone()],
            write,
            max_shrink_percent: 100,
            ..StreamSpec::new(stream.clone(), TableName::in_vendor_database("crm", "landed"))
        };
        let committed = end.map(|end| Checkpoint { cursor: end.cursor.clone(), row_count: 0 });
        let progress = Progress { committed, epoch: Some(Epoch(1)), ..Progress::default() };
        StreamPlan::build(&spec, &schema, &progress)
    }

    /// Reads everything that a plan gives.
    pub(crate) async fn read(&self, plan: &StreamPlan) -> Result<(RecordBatch, EndOfRead)> {
        let mut read = self.source.read(plan).await?;
        assert!(!read.is_continued);
        let (mut batches, mut end) = (Vec::new(), None);
        while let Some(event) = read.events.next().await {
            match event? {
                ReadEvent::Batch(batch) => {
                    assert!(batch.resume.is_none());
                    batches.push(batch.rows);
                }
                ReadEvent::End(last) => end = Some(last),
            }
        }
        let rows = concat_batches(&plan.arrow_schema(), &batches).unwrap();
        if let Some(row_count) = read.row_count {
            assert_eq!(row_count, rows.num_rows() as u64);
        }
        Ok((rows, end.expect("a read ends with its end")))
    }

    /// The one row of a query's answer.
    pub(crate) async fn read_query(&self, sql: &str) -> Result<RecordBatch> {
        let plan = self.plan(&query(sql)).await?;
        Ok(self.read(&plan).await?.0)
    }
}

pub(crate) fn table(name: &str) -> StreamName {
    StreamName::Table(TableName::in_vendor_database("main", name))
}

pub(crate) fn query(sql: &str) -> StreamName {
    StreamName::Query { name: "asked".to_owned(), sql: sql.to_owned() }
}

pub(crate) fn by_cursor(column: &str, null_cursor: NullCursor) -> ReadSpec {
    ReadSpec::Incremental { cursor_column: column.to_owned(), lookback: Duration::ZERO, null_cursor }
}

/// A value as text; the formatter knows offsets but no zone names.
pub(crate) fn shown(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "NULL".to_owned();
    }
    let column = match column.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            let field = Field::new("in_utc", DataType::Timestamp(*unit, Some("+00:00".into())), true);
            let data = column.to_data().into_builder().data_type(field.data_type().clone()).build().unwrap();
            arrow_array::make_array(data)
        }
        _ => Arc::clone(column),
    };
    array_value_to_string(&column, row).unwrap()
}
