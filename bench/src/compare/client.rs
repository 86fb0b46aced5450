//! Snowferry's client alone: every row of a table as Arrow, counted and thrown away.

use std::io::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use futures_util::StreamExt;
use serde_json::json;
use snowflake::{DecodeOptions, Session};

use super::account::config;
use crate::measurement::Measurement;

/// Reads the table, and prints how many rows it has, what their `ID` add up to and what that took.
pub fn read(port: u16, table: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let mut sum = 0;
    let run = Measurement::take(|| {
        let (rows, total) = runtime.block_on(counted(port, table)).expect("the rows arrive");
        sum = total;
        rows
    });
    let (wall_s, processor_s) = (run.wall.as_secs_f64(), run.cpu.as_secs_f64());
    let line = json!({ "rows": run.rows, "sum": sum, "wall_s": wall_s, "processor_s": processor_s });
    writeln!(std::io::stdout(), "{line}").expect("somebody listens");
}

async fn counted(port: u16, table: &str) -> snowflake::Result<(u64, i64)> {
    let session = Session::connect(config(port)).await?;
    let select = format!("SELECT * FROM BENCH.PUBLIC.{table}");
    let mut batches = session.query(select).await?.batches(DecodeOptions::default())?;
    let (mut rows, mut sum) = (0, 0);
    while let Some(batch) = batches.next().await {
        let batch = batch?.into_batch();
        rows += batch.num_rows() as u64;
        let ids = batch.column_by_name("ID").expect("every table has it").as_primitive::<Decimal128Type>();
        sum += ids.iter().flatten().sum::<i128>();
    }
    session.close().await?;
    Ok((rows, i64::try_from(sum).expect("a sum of small numbers")))
}
