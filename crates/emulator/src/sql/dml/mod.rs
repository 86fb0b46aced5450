//! INSERT, UPDATE, DELETE, MERGE and TRUNCATE.

mod delete;
mod insert;
mod merge;
mod truncate;
mod update;

pub(crate) use insert::{overwrite, wrong_count};

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use sqlparser::ast::{ObjectName, Statement};
use sqlparser::parser::Parser;

use super::bind::Binder;
use super::bind::cast::Mode;
use super::bind::{Names, Scope, Typed};
use super::catalog::{ColumnEntry, TableEntry};
use super::error::{error, from_duckdb, internal, invalid_identifier, unsupported};
use super::listing::Listing;
use super::names;
use super::parse;
use super::request::SqlRequest;
use super::run::execute_all;
use super::session::SqlSession;
use super::statement::parse_statement;
use crate::outcome::{Column, Outcome, SqlError};

pub(crate) const INSERT: u64 = 0x3100;
pub(crate) const UPDATE: u64 = 0x3200;
pub(crate) const DELETE: u64 = 0x3300;
pub(crate) const MERGE: u64 = 0x3400;

const INSERTED: &str = "number of rows inserted";
const UPDATED: &str = "number of rows updated";
const MULTI_JOINED: &str = "number of multi-joined rows updated";
const DELETED: &str = "number of rows deleted";

pub(crate) fn execute(
    session: &mut SqlSession,
    request: &SqlRequest,
    parser: &mut Parser<'_>,
    word: &str,
) -> Result<Outcome, SqlError> {
    if word == "TRUNCATE" {
        return truncate::execute(session, parser);
    }
    match parse_statement(parser)? {
        Statement::Insert(insert) => insert::execute(session, request, &insert),
        Statement::Update(update) => update::execute(session, request, &update),
        Statement::Delete(delete) => delete::execute(session, request, &delete),
        Statement::Merge(merge) => merge::execute(session, request, &merge),
        other => Err(unsupported(other)),
    }
}

/// The columns of the counts that such a statement gives.
pub(crate) fn describe(word: &str) -> Result<Vec<Column>, SqlError> {
    let names = match word {
        "INSERT" => vec![INSERTED],
        "UPDATE" => vec![UPDATED, MULTI_JOINED],
        "DELETE" => vec![DELETED],
        "MERGE" => vec![INSERTED, UPDATED],
        _ => return Ok(Listing::status("").columns),
    };
    let names: Vec<String> = names.iter().map(|name| format!("number:{name}")).collect();
    Ok(Listing::new(&names.iter().map(String::as_str).collect::<Vec<_>>()).columns)
}

/// The table that a statement changes, where the session may.
fn target(
    session: &SqlSession,
    name: &ObjectName,
    privileges: &[&str],
) -> Result<([String; 3], TableEntry), SqlError> {
    let parts = names::parts(name)?;
    let path = session.state.qualify_table(&parts)?;
    let shown = names::display_path(&parts);
    let mut found = session.state.table(path.clone(), &shown, privileges[0])?;
    for privilege in &privileges[1..] {
        found = session.state.table(path.clone(), &shown, privilege)?;
    }
    Ok(found)
}

fn column<'t>(entry: &'t TableEntry, name: &str) -> Result<&'t ColumnEntry, SqlError> {
    entry
        .column(name)
        .ok_or_else(|| invalid_identifier(&names::display(name), sqlparser::tokenizer::Span::empty()))
}

/// The value of a column that a statement leaves out.
pub(crate) fn default_value(binder: &Binder<'_>, column: &ColumnEntry) -> Result<String, SqlError> {
    if let Some(identity) = &column.identity {
        let value = Typed::new(
            format!("CAST(nextval({}) AS DECIMAL(38,0))", names::literal(&identity.sequence)),
            super::physical::INTEGER,
        );
        return Ok(binder.cast(value, &column.ty, Mode::Assign)?.sql);
    }
    let Some(text) = &column.default else {
        return Ok(binder.cast(Typed::null(), &column.ty, Mode::Assign)?.sql);
    };
    let mut parser = parse::parser(text)?;
    let expr = parse::run(&mut parser, Parser::parse_expr)?;
    let scope = Scope::empty(None);
    let value = binder.expression(&expr, &Names::of(&scope))?;
    Ok(binder.cast(value, &column.ty, Mode::Assign)?.sql)
}

/// Names the column in the errors that DuckDB raises with its own names.
pub(crate) fn named_failure(failure: SqlError, path: &[String; 3], entry: &TableEntry) -> SqlError {
    let physical = entry.physical();
    if failure.code != "100072" || !failure.message.contains(&format!("({physical}.")) {
        return failure;
    }
    let column = entry
        .columns
        .iter()
        .find(|column| failure.message.contains(&format!("{physical}.{})", column.physical)));
    let name = column.map_or("?", |column| column.name.as_str());
    error(
        "100072",
        "22000",
        format!(
            "DML operation to table {} failed on column {} with error: NULL result in a non-nullable column",
            names::display_path(path),
            names::display(name)
        ),
    )
}

/// Puts bound arrays into the connection's own table, as texts.
fn load_arrays(session: &SqlSession, request: &SqlRequest) -> Result<(), SqlError> {
    let arrays: Vec<_> = request.bindings.values().filter(|binding| binding.is_array).collect();
    let rows = arrays.first().map_or(0, |binding| binding.values.len());
    if arrays.iter().any(|binding| binding.values.len() != rows) {
        return Err(error("002056", "22023", "bound arrays of different lengths"));
    }
    let table = "bound_texts";
    let columns: Vec<String> = (0..arrays.len()).map(|index| format!("v{index} VARCHAR")).collect();
    execute_all(
        &session.connection,
        &format!("CREATE OR REPLACE TEMPORARY TABLE {table}({})", columns.join(", ")),
    )?;
    let fields: Vec<Field> =
        (0..arrays.len()).map(|index| Field::new(format!("v{index}"), DataType::Utf8, true)).collect();
    let texts = arrays.iter().map(|binding| {
        Arc::new(binding.values.iter().map(Option::as_deref).collect::<StringArray>()) as ArrayRef
    });
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), texts.collect()).map_err(internal)?;
    let failed = |failure: duckdb::Error| from_duckdb(&failure);
    let mut appender = session.connection.appender(table).map_err(failed)?;
    appender.append_record_batch(batch).map_err(failed)?;
    appender.flush().map_err(failed)
}
