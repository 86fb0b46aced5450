//! Every recorded reply of the real service that carries rows, read as a result and compared with the reply itself.

use std::sync::Arc;

use arrow_array::RecordBatch;
use futures_util::FutureExt;
use serde_json::Value as Json;

use crate::decode::tests::recorded::folder;
use crate::decode::tests::sample::{Value, text, value_at};
use crate::error::{Error, ErrorKind};
use crate::result::access::{ChunkAccess, chunk_http};
use crate::result::{LinkPolicy, MemoryBudget, QueryResult};

fn result(data: &Json) -> QueryResult {
    let refetch = Arc::new(|_| {
        async { Err(Error::new(ErrorKind::Internal, "a recorded reply needs no second one")) }.boxed()
    });
    let http = chunk_http(reqwest::Client::builder().no_proxy()).unwrap();
    let access = ChunkAccess::new(http, LinkPolicy::new("acme"), MemoryBudget::process_wide(), refetch);
    QueryResult::new(serde_json::from_str(&data.to_string()).unwrap(), access).unwrap()
}

fn replies() -> Vec<Json> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let recorded = std::fs::read_to_string(folder.join("exchanges.jsonl")).unwrap();
    let exchanges = recorded.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    exchanges
        .map(|exchange| exchange["response"]["data"].clone())
        .filter(|data| data["rowtype"].is_array())
        .collect()
}

#[tokio::test]
async fn every_recorded_result_is_whole_and_described() {
    for data in replies() {
        let result = result(&data);
        let batches = result.collect().await.unwrap();
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows as u64, data["returned"].as_u64().unwrap());
        assert_eq!(result.query_id(), data["queryId"]);
        assert_eq!(result.columns().len(), data["rowtype"].as_array().unwrap().len());
    }
}

#[tokio::test]
async fn every_recorded_json_cell_is_read_back_as_it_was_written() {
    for data in replies().iter().filter(|data| data["rowset"].is_array()) {
        let result = result(data);
        let rows = data["rowset"].as_array().unwrap();
        let mut index = 0;
        for batch in result.collect().await.unwrap() {
            for row in 0..batch.num_rows() {
                for (position, column) in result.columns().iter().enumerate() {
                    let value = value_at(&batch.columns()[position..=position], row);
                    let written = rows[index][position].as_str();
                    match (&value, written) {
                        (Some(Value::Float(bits)), Some(written)) => {
                            assert_eq!(f64::from_bits(*bits), written.parse::<f64>().unwrap());
                        }
                        _ => assert_eq!(value.map(|value| text(column.ty, &value)).as_deref(), written),
                    }
                }
                index += 1;
            }
        }
        assert_eq!(index, rows.len());
    }
}

#[tokio::test]
async fn recorded_arrow_rows_hold_the_recorded_text() {
    let mut found = 0;
    for data in replies().iter().filter(|data| data["queryResultFormat"] == "arrow") {
        for batch in result(data).collect().await.unwrap() {
            for row in 0..batch.num_rows() {
                if let Some(Value::Text(query)) = value_at(batch.columns(), row) {
                    found += usize::from(query.contains("SNOWPARK") || query.contains("SELECT"));
                }
            }
        }
    }
    assert!(found > 0 || folder().is_none());
}

#[tokio::test]
async fn recorded_statements_say_how_many_rows_they_changed() {
    let changed: Vec<_> = replies().iter().filter_map(|data| result(data).affected_rows()).collect();
    assert!(changed.contains(&1) && changed.contains(&3) || folder().is_none());
}
