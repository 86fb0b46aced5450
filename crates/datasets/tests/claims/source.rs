//! A source whose rows are mapped on their way.

use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use async_trait::async_trait;
use datasets::{Dataset, DatasetChoice, DatasetConfig, MappedSource, ROW_ID, Stamps, landing_spec};
use futures_util::{StreamExt, TryStreamExt, stream};
use model::{
    Batch, BatchStream, Checkpoint, Column, Cursor, DELETE_FLAG, EndOfRead, NullCursor, Progress, ReadEvent,
    ReadSpec, Result, Source, StreamFilter, StreamKind, StreamName, StreamPlan, StreamSchema, StreamSpec,
    TableName,
};

use crate::stream::{Col, NOON, batch, int, moment, shown, text};

/// A table of two columns too many, one of whose rows is of nobody.
fn columns() -> Vec<Col> {
    vec![
        int("ID", &[Some(1), Some(2)]),
        text("EMAIL", &[Some("jo@acme.com"), Some("nobody")]),
        moment("DATE", &[Some(NOON), None]),
        int("CHANGED", &[Some(7), Some(8)]),
    ]
}

/// Gives its rows to every read, and the words "next" as position.
#[derive(Debug)]
struct Fixed {
    columns: Vec<Col>,
}

fn table() -> StreamName {
    StreamName::Table(TableName::in_snowflake("CRM", "SALES", "EVENTS"))
}

#[async_trait]
impl Source for Fixed {
    async fn discover(&self, _filter: &StreamFilter) -> Result<Vec<StreamSchema>> {
        Ok(Vec::new())
    }

    async fn describe(&self, stream: &StreamName) -> Result<StreamSchema> {
        let column = |column: &Col| Column {
            name: column.name.clone(),
            logical_type: column.logical_type.clone(),
            source_type: column.logical_type.to_string(),
            is_nullable: true,
        };
        Ok(StreamSchema {
            stream: stream.clone(),
            kind: StreamKind::Table,
            columns: self.columns.iter().map(column).collect(),
            key: Vec::new(),
            row_count: None,
            bytes: None,
        })
    }

    fn statement(&self, plan: &StreamPlan) -> Result<String> {
        let since = plan.since.as_ref().map_or("the beginning", Cursor::as_str);
        Ok(format!("{} columns since {since}", plan.columns.len()))
    }

    async fn read(&self, plan: &StreamPlan) -> Result<BatchStream> {
        let mut rows = batch(&self.columns);
        if plan.carries_delete_flag() {
            let flag = Arc::new(Field::new(DELETE_FLAG, DataType::Boolean, true));
            let fields: Vec<_> = rows.schema().fields().iter().cloned().chain([flag]).collect();
            let mut arrays = rows.columns().to_vec();
            arrays.push(Arc::new(BooleanArray::from(vec![false, true])));
            rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        }
        let next = Cursor::from_stored("\"next\"");
        let end = EndOfRead {
            cursor: next.clone(),
            null_cursor_count: None,
            future_cursor_count: None,
            changed_values: Vec::new(),
        };
        let events = [Ok(ReadEvent::Batch(Batch::new(rows, Some(next)))), Ok(ReadEvent::End(end))];
        Ok(BatchStream {
            events: stream::iter(events).boxed(),
            row_count: Some(2),
            is_continued: plan.staged.is_some(),
            withdrawn: None,
            started_over: None,
            query_id: None,
        })
    }
}

fn spec(read: ReadSpec) -> StreamSpec {
    StreamSpec {
        read,
        key: vec!["ID".to_owned()],
        ..StreamSpec::new(table(), TableName::in_vendor_database("imports", "events"))
    }
}

fn by_cursor() -> ReadSpec {
    ReadSpec::Incremental {
        cursor_column: "CHANGED".to_owned(),
        lookback: std::time::Duration::ZERO,
        null_cursor: NullCursor::Include,
    }
}

fn mapped(spec: &StreamSpec, config: &str) -> MappedSource {
    let DatasetChoice(config) = serde_saphyr::from_str(config).unwrap();
    let stamps = Stamps { sync_id: "events".to_owned(), run_id: 0, synced_at_micros: NOON };
    MappedSource::new(Arc::new(Fixed { columns: columns() }), spec, config.unwrap(), stamps)
}

/// Plans a run with this position behind it.
async fn plan(source: &MappedSource, spec: &StreamSpec, committed: Option<Cursor>) -> StreamPlan {
    let landing = landing_spec(spec, &DatasetConfig::new(Dataset::CustomActions));
    let schema = source.describe(&spec.stream).await.unwrap();
    let committed = committed.map(|cursor| Checkpoint { cursor, row_count: 2 });
    StreamPlan::build(&landing, &schema, &Progress { committed, ..Progress::default() }).unwrap()
}

async fn read(source: &MappedSource, plan: &StreamPlan) -> (RecordBatch, Cursor) {
    let events: Vec<ReadEvent> = source.read(plan).await.unwrap().events.try_collect().await.unwrap();
    let [ReadEvent::Batch(batch), ReadEvent::End(end)] = <[_; 2]>::try_from(events).unwrap() else {
        panic!("a batch and an end");
    };
    assert_eq!(batch.rows.schema(), plan.arrow_schema(), "rows are of the plan's schema");
    assert_eq!(batch.resume.as_ref(), Some(&end.cursor));
    (batch.rows, end.cursor)
}

#[tokio::test]
async fn everybody_behind_it_sees_the_columns_of_the_dataset_and_as_many_rows_as_there_are() {
    let spec = spec(by_cursor());
    let source = mapped(&spec, "custom_actions");
    let first = plan(&source, &spec, None).await;
    assert_eq!(first.key(), [ROW_ID]);
    let (rows, next) = read(&source, &first).await;
    assert_eq!(rows.num_rows(), 2);
    let rows = datasets::Mapped { rows, rejects: Vec::new() };
    assert_eq!(shown(&rows, "email", 0).as_deref(), Some("jo@acme.com"));
    assert_eq!(shown(&rows, "_reject_reason", 1).as_deref(), Some("value_missing"));
    assert_eq!(shown(&rows, "_source_key", 1).as_deref(), Some(r#"{"ID":2}"#));
    assert_eq!(shown(&rows, "_cursor", 1).as_deref(), Some("8"), "rejects have a position too");
    let second = plan(&source, &spec, Some(next)).await;
    assert_eq!(source.statement(&second).unwrap(), "4 columns since \"next\"");
}

#[tokio::test]
async fn another_mapping_does_not_go_on_where_the_first_one_was() {
    let spec = spec(by_cursor());
    let first = mapped(&spec, "custom_actions");
    let (_, next) = read(&first, &plan(&first, &spec, None).await).await;
    let other = mapped(&spec, "{ custom_actions: { skip: [CHANGED] } }");
    let going_on = plan(&other, &spec, Some(next.clone())).await;
    let error = other.read(&going_on).await.unwrap_err();
    assert_eq!(error.code(), "mapping_changed");
    assert!(error.remedy().is_some());
    let staged = StreamPlan { since: None, staged: Some(next.clone()), ..going_on };
    assert!(!other.read(&staged).await.unwrap().is_continued, "what it had staged is read again");
    let staged = StreamPlan { staged: Some(next), ..plan(&first, &spec, None).await };
    assert!(first.read(&staged).await.unwrap().is_continued);
}

#[tokio::test]
async fn of_a_row_that_is_deleted_nothing_but_its_key_is_asked() {
    let spec = spec(ReadSpec::Changes);
    let source = mapped(&spec, "custom_actions");
    let (_, next) = read(&source, &plan(&source, &spec, None).await).await;
    let (rows, _) = read(&source, &plan(&source, &spec, Some(next)).await).await;
    let rows = datasets::Mapped { rows, rejects: Vec::new() };
    assert_eq!(shown(&rows, "_reject_reason", 1), None);
    assert_eq!(
        shown(&rows, "action_name", 1).as_deref(),
        Some("events"),
        "it may be marked rather than removed"
    );
    assert_eq!(shown(&rows, ROW_ID, 1).map(|id| id.len()), Some(32));
}
