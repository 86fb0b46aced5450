//! The parts of a pull and of a push that every row goes through, each on its own and on one thread, so that their
//! instructions can be counted.

use arrow_array::RecordBatch;
use connectors::snowflake::fit::{Mapping as Fit, ParquetFile, created_columns};
use datasets::{Context, DatasetChoice, Mapping, Stamps};
use model::{
    Column, LogicalType, PlannedColumn, Progress, StreamKind, StreamName, StreamPlan, StreamSchema,
    StreamSpec, TableName,
};
use serde_json::json;
use snowflake::measured::ChunkDecoder;

use crate::events::{self, Chunk};

/// A part that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HotPath {
    /// A chunk is decompressed, read as Arrow and brought into its logical types.
    Decode,
    /// Rows are mapped to custom actions.
    Map,
    /// Rows are compared with a customer's table and written as Parquet.
    Encode,
}

impl HotPath {
    pub const ALL: [Self; 3] = [Self::Decode, Self::Map, Self::Encode];

    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Map => "map",
            Self::Encode => "encode",
        }
    }

    /// Goes the path this many times, and gives the number of rows that went.
    pub fn go(self, times: usize) -> u64 {
        let chunk = events::chunk(0);
        let decoder = decoder();
        if self == Self::Decode {
            return (0..times).map(|_| decode(&decoder, &chunk).iter().map(row_count).sum::<u64>()).sum();
        }
        let rows = decode(&decoder, &chunk);
        match self {
            Self::Map => {
                let mapping = mapping();
                (0..times).map(|_| map(&mapping, &rows)).sum()
            }
            _ => {
                let fit = fit();
                (0..times).map(|_| encode(&fit, &rows)).sum()
            }
        }
    }
}

fn decoder() -> ChunkDecoder {
    let reply = json!({
        "rowtype": events::rowtype(), "rowsetBase64": "", "total": 0, "version": 1, "queryResultFormat": "arrow",
    });
    ChunkDecoder::of(reply.to_string().as_bytes()).expect("the reply is well-formed")
}

fn decode(decoder: &ChunkDecoder, chunk: &Chunk) -> Vec<RecordBatch> {
    decoder.batches(chunk.body.clone(), chunk.uncompressed_bytes).expect("the chunk is whole")
}

/// The dataset's columns are told by the names that the events have; all others become properties.
fn mapping() -> Mapping {
    let choice = json!({ "custom_actions": { "date": "TS", "action_name": "EVENT" } });
    let DatasetChoice(config) = serde_json::from_value(choice).expect("the mapping is well-formed");
    let config = config.expect("actions are a dataset");
    let context = Context { key: vec!["ID".to_owned()], ..Context::default() };
    Mapping::compile(&config, &planned(), &context).expect("the columns are those of the contract")
}

fn map(mapping: &Mapping, rows: &[RecordBatch]) -> u64 {
    let mapped = rows.iter().map(|rows| mapping.map(rows, &Stamps::default()).expect("the rows are fine"));
    mapped.map(|mapped| row_count(&mapped.rows)).sum()
}

fn planned() -> Vec<PlannedColumn> {
    plan().columns
}

fn fit() -> Fit {
    let plan = plan();
    Fit::build(&plan, &created_columns(&plan))
}

fn encode(fit: &Fit, rows: &[RecordBatch]) -> u64 {
    let mut file = ParquetFile::new(fit.file_schema());
    for rows in rows {
        assert!(fit.check(rows).expect("the rows are the plan's").is_empty(), "every row fits");
        let rows = fit.file_rows(rows).expect("the rows are the plan's");
        file.write(&rows).expect("memory takes every row");
    }
    file.finish().expect("memory takes the end of a file").row_count
}

/// What is planned for the events.
fn plan() -> StreamPlan {
    let columns = [
        ("ID", LogicalType::Decimal { precision: 38, scale: 0 }),
        ("USER_ID", LogicalType::Text),
        ("EMAIL", LogicalType::Text),
        ("EVENT", LogicalType::Text),
        ("AMOUNT", LogicalType::Decimal { precision: 18, scale: 2 }),
        ("IS_PAID", LogicalType::Bool),
        ("TS", LogicalType::Timestamp { scale: 9, is_wide: false }),
        ("DAY", LogicalType::Date),
        ("PROPS", LogicalType::Json),
        ("SCORE", LogicalType::Float64),
    ];
    let column = |(name, logical_type): (&str, LogicalType)| Column {
        name: name.to_owned(),
        logical_type,
        source_type: String::new(),
        is_nullable: true,
    };
    let stream = StreamName::Table(TableName::in_snowflake("BENCH", "PUBLIC", "EVENTS"));
    let schema = StreamSchema {
        stream: stream.clone(),
        kind: StreamKind::Table,
        columns: columns.map(column).into(),
        key: Vec::new(),
        row_count: None,
        bytes: None,
    };
    let spec = StreamSpec::new(stream, TableName::in_vendor_database("bench", "events"));
    StreamPlan::build(&spec, &schema, &Progress::default()).expect("the columns can be planned")
}

fn row_count(rows: &RecordBatch) -> u64 {
    rows.num_rows() as u64
}
