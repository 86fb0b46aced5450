//! `snowferry discover`: what the source holds.

use clap::Args;
use model::{Result, Source, StreamFilter, StreamKind, StreamSchema};
use snowflake::{Identifier, MemoryBudget};

use super::FileArgument;
use crate::assemble;
use crate::output::{Terminal, count, print_line, text_table};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry discover -f acme/opportunities.yaml
  snowferry discover -f acme/opportunities.yaml --database CRM --schema SALES --columns
  snowferry discover -f acme/opportunities.yaml --json")]
pub(crate) struct DiscoverCommand {
    #[command(flatten)]
    file: FileArgument,

    /// Only this database
    #[arg(long, value_parser = parse_name)]
    database: Option<String>,

    /// Only this schema
    #[arg(long, requires = "database", value_parser = parse_name)]
    schema: Option<String>,

    /// Only this table or view
    #[arg(long, requires = "schema", value_parser = parse_name)]
    table: Option<String>,

    /// Show the columns too
    #[arg(long)]
    columns: bool,

    /// Print JSON, columns included
    #[arg(long)]
    json: bool,
}

/// Names follow Snowflake's folding, as everywhere.
fn parse_name(text: &str) -> Result<String, String> {
    Identifier::parse(text).map(|name| name.as_str().to_owned()).map_err(|error| error.message().to_owned())
}

impl DiscoverCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let source = assemble::source(&self.file.read()?, MemoryBudget::process_wide())?;
        let filter = StreamFilter {
            database: self.database.clone(),
            schema: self.schema.clone(),
            table: self.table.clone(),
        };
        let discovered = source.discover(&filter).await;
        source.close().await;
        let streams = discovered?;
        if self.json {
            let document = serde_json::to_value(&streams).map_err(|error| {
                model::Error::internal("the catalog could not be written").with_source(error)
            })?;
            return print_line(&format!("{document:#}"));
        }
        if streams.is_empty() {
            return print_line("nothing that this role may see");
        }
        print_line(&text_table(&["table", "kind", "rows", "columns"], streams.iter().map(row)))?;
        if self.columns {
            for stream in &streams {
                print_line(&format!("\n{}\n{}", terminal.bold(&stream.stream.to_string()), columns(stream)))?;
            }
        }
        Ok(())
    }
}

fn row(stream: &StreamSchema) -> Vec<String> {
    let kind = match stream.kind {
        StreamKind::Table => "table",
        StreamKind::View => "view",
        StreamKind::Query => "query",
    };
    vec![
        stream.stream.to_string(),
        kind.to_owned(),
        stream.row_count.map_or_else(String::new, count),
        count(stream.columns.len() as u64),
    ]
}

fn columns(stream: &StreamSchema) -> String {
    let rows = stream.columns.iter().map(|column| {
        let null = if column.is_nullable { "" } else { "not null" };
        vec![
            column.name.clone(),
            column.source_type.clone(),
            null.to_owned(),
            column.logical_type.to_string(),
        ]
    });
    text_table(&["column", "type", "", "travels as"], rows)
}
