//! `snowferry discover`: what the source holds.

mod profile;

pub(super) use profile::{cost, read_block};

use clap::Args;
use model::{Error, Result, StreamFilter, StreamKind, StreamSchema};
use snowflake::Identifier;

use super::FileArgument;
use crate::assemble;
use crate::output::{Terminal, count, print_line, text_table};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry discover -f acme/opportunities.yaml
  snowferry discover -f acme/opportunities.yaml --database CRM --schema SALES --columns
  snowferry discover -f acme/opportunities.yaml --json
  snowferry discover -f acme/opportunities.yaml --profile CRM.SALES.OPPORTUNITIES")]
pub(crate) struct DiscoverCommand {
    #[command(flatten)]
    file: FileArgument,

    /// Only this database of a Snowflake account
    #[arg(long)]
    database: Option<String>,

    /// Only this schema
    #[arg(long)]
    schema: Option<String>,

    /// Only this table or view
    #[arg(long, requires = "schema")]
    table: Option<String>,

    /// Show the columns too
    #[arg(long)]
    columns: bool,

    /// Look at this table's columns, and say which cursor, look-back and key are best; uses a virtual warehouse
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["database", "schema", "table", "columns"])]
    profile: Option<String>,

    /// Print JSON, columns included
    #[arg(long)]
    json: bool,
}

impl DiscoverCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let file = self.file.read()?;
        if let Some(table) = &self.profile {
            return self.profile(terminal, &file, table).await;
        }
        let filter = self.filter(file.push().is_some())?;
        let source = assemble::source(&file)?;
        let discovered = source.reader().discover(&filter).await;
        source.close().await;
        let streams = discovered?;
        if self.json {
            let document = serde_json::to_value(&streams).map_err(|error| {
                model::Error::internal("the catalog could not be written").with_source(error)
            })?;
            return print_line(&format!("{document:#}"));
        }
        if streams.is_empty() {
            return print_line("nothing that can be read");
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

impl DiscoverCommand {
    /// Names of a Snowflake account follow its folding, as everywhere; those of the vendor database do not.
    fn filter(&self, is_vendor_database: bool) -> Result<StreamFilter> {
        let name = |text: &Option<String>| match text {
            Some(text) if !is_vendor_database => folded(text).map(Some),
            text => Ok(text.clone()),
        };
        if !is_vendor_database && self.schema.is_some() && self.database.is_none() {
            return Err(Error::config(
                "database_unnamed",
                "--schema needs --database: a schema is part of one",
            )
            .with_remedy("name the database too"));
        }
        Ok(StreamFilter {
            database: name(&self.database)?,
            schema: name(&self.schema)?,
            table: name(&self.table)?,
        })
    }
}

fn folded(text: &str) -> Result<String> {
    let name = Identifier::parse(text).map_err(|error| {
        Error::config("name_invalid", error.message().to_owned())
            .with_remedy("quote what is not a plain word, as in '\"odd name\"'")
    })?;
    Ok(name.as_str().to_owned())
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
