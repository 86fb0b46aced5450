//! ALTER TABLE.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::columns;
use crate::outcome::{SnowType, SqlError};
use crate::sql::bind::cast::Mode;
use crate::sql::bind::{Binder, Names, Scope, Typed};
use crate::sql::catalog::{Catalog, ColumnEntry, Constraint, TableEntry, TableForm, TableKind};
use crate::sql::error::{compilation, exists, invalid_identifier, unsupported, unsupported_feature};
use crate::sql::physical::{duckdb_type, type_name};
use crate::sql::run::execute_all;
use crate::sql::session::SqlSession;
use crate::sql::travel::history_of;
use crate::sql::{names, parse, retention};

const DONE: &str = "Statement executed successfully.";

/// The table that is altered.
struct Altered {
    path: [String; 3],
    entry: TableEntry,
}

pub(super) fn execute(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    let if_exists = parse::accept(parser, &["IF", "EXISTS"]);
    let parts = parse::name(parser)?;
    let altered = match owned(session, &parts) {
        Err(failure) if if_exists && failure.code == "002003" => return Ok(DONE.to_owned()),
        found => found?,
    };
    if parse::accept(parser, &["RENAME", "TO"]) {
        let to = parse::name(parser)?;
        parse::end(parser)?;
        return rename(session, &altered, &to);
    }
    if parse::accept(parser, &["SWAP", "WITH"]) {
        let other = parse::name(parser)?;
        parse::end(parser)?;
        return swap(session, &altered, &other);
    }
    if parse::accept(parser, &["RENAME", "COLUMN"]) {
        let from = parse::identifier(parser)?;
        parse::expect(parser, &["TO"])?;
        let to = parse::identifier(parser)?;
        parse::end(parser)?;
        return rename_column(session, altered, &from, &to);
    }
    if parse::accept(parser, &["ADD"]) {
        return add(session, altered, parser);
    }
    if parse::accept(parser, &["DROP"]) {
        return drop(session, altered, parser);
    }
    if ["ALTER", "MODIFY"].iter().any(|word| parse::accept(parser, &[word])) {
        return modify(session, altered, parser);
    }
    properties(session, altered, parser)
}

fn owned(session: &SqlSession, parts: &[String]) -> Result<Altered, SqlError> {
    let path = session.state.qualify_table(parts)?;
    let (path, entry) = session.state.table(path, &names::display_path(parts), "OWNERSHIP")?;
    Ok(Altered { path, entry })
}

/// Puts the changed entry back, with DuckDB's statements that belong to it.
fn store(session: &mut SqlSession, altered: Altered, sql: &str) -> Result<String, SqlError> {
    let Altered { path, mut entry } = altered;
    if let Some(temporary) = session.state.temporary.get_mut(&path) {
        execute_all(&session.connection, sql)?;
        altered_at(&mut entry, session.database.instants().next());
        *temporary = entry;
        return Ok(DONE.to_owned());
    }
    session.database.change(&session.connection, |catalog| {
        execute_all(&session.connection, sql)?;
        altered_at(&mut entry, catalog.now);
        catalog.retaining(|catalog| {
            *catalog.table_mut(&path)? = entry;
            Ok(())
        })
    })?;
    Ok(DONE.to_owned())
}

fn altered_at(entry: &mut TableEntry, now: i64) {
    (entry.last_ddl, entry.last_altered) = (now, now);
    entry.track(entry.tracked_since.is_some(), now);
}

fn rename(session: &mut SqlSession, altered: &Altered, to: &[String]) -> Result<String, SqlError> {
    let target = session.state.qualify_table(to)?;
    let shown = names::display(&target[2]);
    if session.state.temporary.contains_key(&altered.path) {
        if let Some(entry) = session.state.temporary.remove(&altered.path) {
            session.state.temporary.insert(target, entry);
        }
        return Ok(DONE.to_owned());
    }
    session.database.change(&session.connection, |catalog| {
        if catalog.schema(&target[0], &target[1])?.has(&target[2]) {
            return Err(exists(&shown));
        }
        let mut entry = take(catalog, &altered.path)?;
        altered_at(&mut entry, catalog.now);
        catalog.schema_mut(&target[0], &target[1])?.tables.insert(target[2].clone(), entry);
        for grant in &mut catalog.grants {
            if grant.on.kind == "TABLE" && grant.on.path == altered.path && !grant.on.is_future {
                grant.on.path = target.to_vec();
            }
        }
        Ok(())
    })?;
    Ok(DONE.to_owned())
}

fn take(catalog: &mut Catalog, path: &[String; 3]) -> Result<TableEntry, SqlError> {
    catalog.table_mut(path)?;
    let schema = catalog.schema_mut(&path[0], &path[1])?;
    schema
        .tables
        .remove(&path[2])
        .ok_or_else(|| crate::sql::error::missing("Table", &names::display_path(path)))
}

/// Two tables take each other's names, with their grants.
fn swap(session: &mut SqlSession, altered: &Altered, other: &[String]) -> Result<String, SqlError> {
    let other = owned(session, other)?;
    let is_temporary = |table: &Altered| session.state.temporary.contains_key(&table.path);
    if is_temporary(altered) != is_temporary(&other) {
        return Err(unsupported("SWAP of a temporary table with another one"));
    }
    if is_temporary(altered) {
        session.state.temporary.insert(altered.path.clone(), other.entry);
        session.state.temporary.insert(other.path, altered.entry.clone());
        return Ok(DONE.to_owned());
    }
    session.database.change(&session.connection, |catalog| {
        let (mut first, mut second) = (take(catalog, &altered.path)?, take(catalog, &other.path)?);
        altered_at(&mut first, catalog.now);
        altered_at(&mut second, catalog.now);
        catalog
            .schema_mut(&altered.path[0], &altered.path[1])?
            .tables
            .insert(altered.path[2].clone(), second);
        catalog.schema_mut(&other.path[0], &other.path[1])?.tables.insert(other.path[2].clone(), first);
        for grant in catalog.grants.iter_mut().filter(|grant| grant.on.kind == "TABLE" && !grant.on.is_future)
        {
            if grant.on.path == altered.path {
                grant.on.path = other.path.to_vec();
            } else if grant.on.path == other.path {
                grant.on.path = altered.path.to_vec();
            }
        }
        Ok(())
    })?;
    Ok(DONE.to_owned())
}

fn place(entry: &TableEntry, name: &str) -> Result<usize, SqlError> {
    entry
        .columns
        .iter()
        .position(|column| column.name == name)
        .ok_or_else(|| invalid_identifier(&names::display(name), sqlparser::tokenizer::Span::empty()))
}

fn rename_column(
    session: &mut SqlSession,
    mut altered: Altered,
    from: &str,
    to: &str,
) -> Result<String, SqlError> {
    let place = place(&altered.entry, from)?;
    if altered.entry.column(to).is_some() {
        return Err(compilation("002028", "42711", &format!("column '{to}' already exists")));
    }
    to.clone_into(&mut altered.entry.columns[place].name);
    for constraint in &mut altered.entry.constraints {
        for column in constraint.columns.iter_mut().filter(|column| *column == from) {
            to.clone_into(column);
        }
    }
    store(session, altered, "")
}

fn add(session: &mut SqlSession, mut altered: Altered, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    if let Some(constraint) = parse::run(parser, Parser::parse_optional_table_constraint)? {
        parse::end(parser)?;
        let sqlparser::ast::TableConstraint::PrimaryKey(key) = constraint else {
            return Err(unsupported("ADD of this constraint"));
        };
        let name =
            key.name.as_ref().map_or_else(|| format!("SYS_CONSTRAINT_{}", uuid::Uuid::new_v4()), names::fold);
        let columns = columns::key_columns(&key.columns)?;
        altered.entry.constraints.push(Constraint { name, is_primary: true, columns });
        return store(session, altered, "");
    }
    parse::accept(parser, &["COLUMN"]);
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let in_parentheses = parser.consume_token(&Token::LParen);
    let definitions = parse::run(parser, |parser| parser.parse_comma_separated(Parser::parse_column_def))?;
    if in_parentheses {
        parse::expect_token(parser, &Token::RParen)?;
    }
    parse::end(parser)?;
    let mut sql = Added::default();
    for definition in &definitions {
        let physical = altered.entry.next_physical_column();
        let bindings = std::collections::BTreeMap::new();
        let binder = Binder::new(&session.state, &bindings);
        let mut constraints = Vec::new();
        let column = columns::column(&binder, &session.database, definition, physical, &mut constraints)?;
        if altered.entry.column(&column.name).is_some() {
            if if_not_exists {
                continue;
            }
            return Err(compilation("001430", "42601", &format!("column '{}' already exists", column.name)));
        }
        add_sql(session, &binder, &altered.entry, &column, &mut sql)?;
        altered.entry.columns.push(column);
    }
    let stored = store(session, altered, &format!("{}{}", sql.columns, sql.values))?;
    execute_all(&session.connection, &sql.constraints)?;
    Ok(stored)
}

/// DuckDB's statements for new columns, in the order that it can run them in: it adds no column behind an update, and
/// no constraint in the same transaction.
#[derive(Default)]
struct Added {
    columns: String,
    values: String,
    constraints: String,
}

/// Existing rows take the default of a new column.
fn add_sql(
    session: &SqlSession,
    binder: &Binder<'_>,
    entry: &TableEntry,
    column: &ColumnEntry,
    sql: &mut Added,
) -> Result<(), SqlError> {
    if column.identity.is_some() {
        return Err(unsupported("ADD COLUMN with AUTOINCREMENT"));
    }
    let (table, history, physical) = (entry.physical(), history_of(entry.id), &column.physical);
    let ty = duckdb_type(&column.ty);
    // What was before is read by the columns that there are now, so it takes the new one's default too.
    for table in [&table, &history] {
        sql.columns.push_str(&format!("ALTER TABLE {table} ADD COLUMN {physical} {ty};"));
    }
    if let Some(default) = &column.default {
        let mut parser = parse::parser(default)?;
        let expr = parse::run(&mut parser, Parser::parse_expr)?;
        let scope = Scope::empty(None);
        let value = binder.cast(binder.expression(&expr, &Names::of(&scope))?, &column.ty, Mode::Assign)?;
        for table in [&table, &history] {
            sql.values.push_str(&format!("UPDATE {table} SET {physical} = {};", value.sql));
        }
    }
    if !column.nullable {
        let is_empty =
            crate::sql::run::number(&session.connection, &format!("SELECT count(*) FROM {table}"))? == 0;
        if !is_empty && column.default.is_none() {
            return Err(compilation(
                "002206",
                "42601",
                &format!(
                    "Non-nullable column '{}' cannot be added to non-empty table without a default.",
                    column.name
                ),
            ));
        }
        sql.constraints.push_str(&format!("ALTER TABLE {table} ALTER COLUMN {physical} SET NOT NULL;"));
    }
    Ok(())
}

fn drop(session: &mut SqlSession, mut altered: Altered, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    if parse::accept(parser, &["PRIMARY", "KEY"]) {
        parse::end(parser)?;
        altered.entry.constraints.retain(|constraint| !constraint.is_primary);
        return store(session, altered, "");
    }
    if parse::accept(parser, &["CLUSTERING", "KEY"]) {
        parse::end(parser)?;
        altered.entry.cluster_by.clear();
        return store(session, altered, "");
    }
    parse::accept(parser, &["COLUMN"]);
    let if_exists = parse::accept(parser, &["IF", "EXISTS"]);
    let mut sql = String::new();
    loop {
        let name = parse::identifier(parser)?;
        match place(&altered.entry, &name) {
            Err(_) if if_exists => {}
            found => {
                let column = altered.entry.columns.remove(found?);
                for table in [altered.entry.physical(), history_of(altered.entry.id)] {
                    sql.push_str(&format!("ALTER TABLE {table} DROP COLUMN {};", column.physical));
                }
            }
        }
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    parse::end(parser)?;
    if altered.entry.columns.is_empty() {
        return Err(compilation("000002", "0A000", "the last column of a table cannot be dropped"));
    }
    store(session, altered, &sql)
}

/// `ALTER | MODIFY [COLUMN] c …`.
fn modify(
    session: &mut SqlSession,
    mut altered: Altered,
    parser: &mut Parser<'_>,
) -> Result<String, SqlError> {
    let in_parentheses = parser.consume_token(&Token::LParen);
    let mut sql = String::new();
    loop {
        parse::accept(parser, &["COLUMN"]);
        let name = parse::identifier(parser)?;
        let place = place(&altered.entry, &name)?;
        sql.push_str(&modify_column(session, &mut altered.entry, place, parser)?);
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    if in_parentheses {
        parse::expect_token(parser, &Token::RParen)?;
    }
    parse::end(parser)?;
    store(session, altered, &sql)
}

fn modify_column(
    session: &SqlSession,
    entry: &mut TableEntry,
    place: usize,
    parser: &mut Parser<'_>,
) -> Result<String, SqlError> {
    let (table, history) = (entry.physical(), history_of(entry.id));
    let column = &mut entry.columns[place];
    let alter = format!("ALTER TABLE {table} ALTER COLUMN {}", column.physical);
    if parse::accept(parser, &["SET", "NOT", "NULL"]) || parse::accept(parser, &["NOT", "NULL"]) {
        let nulls = format!("SELECT count(*) FROM {table} WHERE {} IS NULL", column.physical);
        if crate::sql::run::number(&session.connection, &nulls)? > 0 {
            return Err(compilation(
                "002203",
                "42601",
                &format!(
                    "column '{}' contains null values. Not null constraint cannot be added.",
                    column.name
                ),
            ));
        }
        column.nullable = false;
        return Ok(format!("{alter} SET NOT NULL;"));
    }
    if parse::accept(parser, &["DROP", "NOT", "NULL"]) {
        column.nullable = true;
        return Ok(format!("{alter} DROP NOT NULL;"));
    }
    if parse::accept(parser, &["DROP", "DEFAULT"]) {
        column.default = None;
        return Ok(String::new());
    }
    if parse::accept(parser, &["COMMENT"]) {
        column.comment = parse::string(parser)?;
        return Ok(String::new());
    }
    if parse::accept(parser, &["SET", "DEFAULT"]) {
        return Err(unsupported("SET DEFAULT of something else than a sequence"));
    }
    if !parse::accept(parser, &["SET", "DATA", "TYPE"]) {
        parse::accept(parser, &["TYPE"]);
    }
    let parsed = parse::run(parser, Parser::parse_data_type)?;
    let wanted =
        crate::sql::physical::from_ast(&parsed, &session.state.parameters.text("TIMESTAMP_TYPE_MAPPING"))?;
    if !may_become(&column.ty, &wanted) {
        return Err(compilation(
            "002108",
            "22000",
            &format!(
                "cannot change column {} from type {} to {}",
                column.name,
                type_name(&column.ty),
                type_name(&wanted)
            ),
        ));
    }
    let bindings = std::collections::BTreeMap::new();
    let value = Typed::new(column.physical.clone(), column.ty.clone());
    let value = Binder::new(&session.state, &bindings).cast(value, &wanted, Mode::Assign)?;
    let becomes = format!("SET DATA TYPE {} USING {};", duckdb_type(&wanted), value.sql);
    column.ty = wanted;
    Ok(format!("{alter} {becomes}ALTER TABLE {history} ALTER COLUMN {} {becomes}", column.physical))
}

/// Texts may get another length, numbers another precision; nothing else may change its type.
fn may_become(from: &SnowType, to: &SnowType) -> bool {
    match (from, to) {
        (SnowType::Text { length: from }, SnowType::Text { length: to }) => to >= from,
        (SnowType::Fixed { scale: from, .. }, SnowType::Fixed { scale: to, .. }) => from == to,
        _ => from == to,
    }
}

/// `SET property = value …`, `UNSET …`, `CLUSTER BY (…)`.
fn properties(
    session: &mut SqlSession,
    mut altered: Altered,
    parser: &mut Parser<'_>,
) -> Result<String, SqlError> {
    if parse::accept(parser, &["CLUSTER", "BY"]) {
        let keys = parse::run(parser, |parser| {
            parser.parse_parenthesized(|parser| parser.parse_comma_separated(Parser::parse_expr))
        })?;
        parse::end(parser)?;
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        altered.entry.cluster_by = format!("LINEAR({})", keys.join(", "));
        return store(session, altered, "");
    }
    if parse::accept(parser, &["UNSET", retention::PARAMETER]) {
        parse::end(parser)?;
        altered.entry.retention_days = None;
        return store(session, altered, "");
    }
    if parse::accept(parser, &["UNSET", "COMMENT"]) {
        parse::end(parser)?;
        altered.entry.comment.clear();
        return store(session, altered, "");
    }
    parse::expect(parser, &["SET"])?;
    for (key, value) in parse::options(parser)? {
        match key.as_str() {
            "COMMENT" => altered.entry.comment = value,
            "CHANGE_TRACKING" if altered.entry.form != TableForm::Standard => {
                return Err(unsupported_feature("change tracking of a hybrid or dynamic table"));
            }
            "CHANGE_TRACKING" => {
                altered.entry.track(value.eq_ignore_ascii_case("true"), session.database.instants().next());
            }
            retention::PARAMETER => {
                let is_permanent = altered.entry.kind == TableKind::Permanent;
                altered.entry.retention_days = Some(retention::parse(&value, is_permanent)?);
            }
            other => return Err(unsupported(format!("ALTER TABLE … SET {other}"))),
        }
    }
    parse::end(parser)?;
    store(session, altered, "")
}

pub(super) fn set_comment(session: &mut SqlSession, parts: &[String], text: &str) -> Result<(), SqlError> {
    let mut altered = owned(session, parts)?;
    text.clone_into(&mut altered.entry.comment);
    store(session, altered, "").map(|_| ())
}

pub(super) fn set_column_comment(
    session: &mut SqlSession,
    parts: &[String],
    text: &str,
) -> Result<(), SqlError> {
    let Some((column, table)) = parts.split_last() else { return Err(unsupported("an empty name")) };
    let mut altered = owned(session, table)?;
    let place = place(&altered.entry, column)?;
    text.clone_into(&mut altered.entry.columns[place].comment);
    store(session, altered, "").map(|_| ())
}
