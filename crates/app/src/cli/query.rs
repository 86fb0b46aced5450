//! `snowferry query`: SQL on the vendor database, read-only.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use clap::Args;
use connectors::duckdb::{query, query_json};
use model::Result;

use super::FileArgument;
use crate::output::{Terminal, count, print_line, table};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry query -f acme/opportunities.yaml 'select stage, sum(amount) from sales.opportunities group by all'
  snowferry query -f acme/opportunities.yaml --json 'select * from sales.opportunities limit 3'")]
pub(crate) struct QueryCommand {
    #[command(flatten)]
    file: FileArgument,

    /// The statement
    sql: String,

    /// Print one JSON object a line, whole values included
    #[arg(long)]
    json: bool,

    /// Show at most this many rows
    #[arg(long, default_value_t = 100, value_name = "ROWS")]
    limit: usize,
}

impl QueryCommand {
    pub(crate) fn run(&self, terminal: &Terminal) -> Result<()> {
        let file = self.file.read()?.tenant_file()?;
        if self.json {
            let rows = query_json(&file, &self.sql, usize::MAX)?;
            return rows.batches.iter().try_for_each(print_json);
        }
        let rows = query(&file, &self.sql, self.limit)?;
        let shown: usize = rows.batches.iter().map(RecordBatch::num_rows).sum();
        print_line(&table(&rows.batches)?)?;
        let more = if rows.is_cut { ", and more; --limit shows them" } else { "" };
        print_line(&terminal.dim(&format!("{} rows{more}", count(shown as u64))))
    }
}

fn print_json(batch: &RecordBatch) -> Result<()> {
    let objects = batch.column(0).as_string::<i32>();
    objects.iter().flatten().try_for_each(print_line)
}
