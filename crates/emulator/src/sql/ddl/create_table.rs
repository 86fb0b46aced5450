//! CREATE TABLE: with columns, LIKE, CLONE or AS a query.

use sqlparser::ast::{CreateTable, CreateTableLikeKind, ObjectName, Statement};

use super::{check_may_create, columns};
use crate::outcome::SqlError;
use crate::sql::bind::cast::Mode;
use crate::sql::bind::{Binder, BoundQuery, Typed};
use crate::sql::catalog::{ColumnEntry, Constraint, TableEntry, TableForm, TableKind};
use crate::sql::error::{compilation, exists, insufficient_privileges, unsupported, unsupported_feature};
use crate::sql::request::SqlRequest;
use crate::sql::run::{self, execute_all};
use crate::sql::session::SqlSession;
use crate::sql::travel::{self, Versions};
use crate::sql::{names, parse, retention, statement};

/// What a new table is made of.
struct Definition {
    columns: Vec<ColumnEntry>,
    constraints: Vec<Constraint>,
    /// What fills it.
    rows: Option<BoundQuery>,
    /// The table whose rows are copied.
    copied: Option<TableEntry>,
}

fn read(request: &SqlRequest) -> Result<CreateTable, SqlError> {
    let mut parser = parse::statement(request)?;
    match statement::parse_statement(&mut parser)? {
        Statement::CreateTable(create) => Ok(create),
        other => Err(unsupported(other)),
    }
}

pub(super) fn execute(session: &mut SqlSession, request: &SqlRequest) -> Result<String, SqlError> {
    execute_as(session, request, TableForm::Standard)
}

/// `CREATE HYBRID TABLE`, which the parser knows as any other table.
pub(super) fn hybrid(session: &mut SqlSession, request: &SqlRequest) -> Result<String, SqlError> {
    const WORD: &str = "HYBRID";
    let mut request = request.clone();
    if let Some(at) = request.text.to_ascii_uppercase().find(WORD) {
        request.text.replace_range(at..at + WORD.len(), "");
    }
    execute_as(session, &request, TableForm::Hybrid)
}

pub(super) fn execute_as(
    session: &mut SqlSession,
    request: &SqlRequest,
    form: TableForm,
) -> Result<String, SqlError> {
    let create = read(request)?;
    refuse_options(&create)?;
    let parts = names::parts(&create.name)?;
    let path = session.state.qualify_table(&parts)?;
    let shown = path[2].clone();
    let kind = if create.temporary || create.volatile {
        TableKind::Temporary
    } else if create.transient {
        TableKind::Transient
    } else {
        TableKind::Permanent
    };
    check_schema(session, &path, kind)?;
    let is_taken = if kind == TableKind::Temporary {
        session.state.temporary.contains_key(&path)
    } else {
        session.state.catalog.schema(&path[0], &path[1])?.has(&path[2])
    };
    if is_taken && create.if_not_exists {
        return Ok(format!("{shown} already exists, statement succeeded."));
    }
    if is_taken && !create.or_replace {
        return Err(exists(&names::display(&shown)));
    }
    let definition = definition(session, request, &create)?;
    let entry = TableEntry { form, ..entry(session, &create, kind, &definition)? };
    check_form(&entry)?;
    fill(session, &entry, &definition)?;
    publish(session, path, entry, create.or_replace)?;
    Ok(format!("Table {shown} successfully created."))
}

/// Puts the finished table in the catalog; where that fails, the DuckDB table goes again.
fn publish(
    session: &mut SqlSession,
    path: [String; 3],
    mut entry: TableEntry,
    or_replace: bool,
) -> Result<(), SqlError> {
    let id = entry.id;
    if entry.kind == TableKind::Temporary {
        born(&mut entry, session.database.instants().next());
        if let Some(replaced) = session.state.temporary.insert(path, entry) {
            session.database.stages().forget(&crate::stage::StageId::Table(replaced.id));
            execute_all(&session.connection, &travel::drop_sql(replaced.id))?;
        }
        return Ok(());
    }
    let owner = entry.owner.clone();
    let published = session.database.change(&session.connection, |catalog| {
        born(&mut entry, catalog.now);
        catalog.put_table(&path, entry, or_replace)?;
        crate::sql::account::grants::apply_future(catalog, "TABLE", &path, &owner);
        Ok(())
    });
    if published.is_err() {
        execute_all(&session.connection, &travel::drop_sql(id))?;
    }
    published
}

/// A table is there from the instant on that it can be found, with all of its rows.
fn born(entry: &mut TableEntry, now: i64) {
    (entry.created_on, entry.last_altered, entry.last_ddl) = (now, now, now);
    entry.tracked_since = entry.tracked_since.map(|_| now);
}

fn check_form(entry: &TableEntry) -> Result<(), SqlError> {
    if !entry.is_hybrid() {
        return Ok(());
    }
    if entry.kind != TableKind::Permanent || entry.tracked_since.is_some() {
        return Err(unsupported_feature("a transient, temporary or change tracked hybrid table"));
    }
    if !entry.constraints.iter().any(|constraint| constraint.is_primary) {
        return Err(compilation("002141", "42601", "a hybrid table needs a primary key"));
    }
    Ok(())
}

fn refuse_options(create: &CreateTable) -> Result<(), SqlError> {
    let refused = [
        (create.external, "EXTERNAL TABLE"),
        (create.dynamic, "DYNAMIC TABLE"),
        (create.iceberg, "ICEBERG TABLE"),
        (create.with_row_access_policy.is_some(), "a row access policy"),
        (create.version.is_some(), "CLONE at a point in time"),
    ];
    match refused.iter().find(|(is_there, _)| *is_there) {
        Some((_, what)) => Err(unsupported(what)),
        None => Ok(()),
    }
}

/// The schema must be there, and the role allowed to create in it. A temporary table needs no such privilege.
fn check_schema(session: &SqlSession, path: &[String; 3], kind: TableKind) -> Result<(), SqlError> {
    let schema = session.state.catalog.schema(&path[0], &path[1])?;
    if !session.state.sees_schema(&path[0], &path[1]) {
        return Err(crate::sql::error::missing("Schema", &names::display_path(&path[..2])));
    }
    if let (TableKind::Temporary, Some(hidden)) = (kind, schema.tables.get(&path[2]))
        && !session.state.may("TABLE", path, &hidden.owner, &["OWNERSHIP"])
    {
        return Err(insufficient_privileges("table", &names::display(&path[2])));
    }
    if kind == TableKind::Temporary { Ok(()) } else { check_may_create(session, path, "CREATE TABLE") }
}

fn source_table(session: &SqlSession, name: &ObjectName) -> Result<TableEntry, SqlError> {
    let parts = names::parts(name)?;
    let path = session.state.qualify_table(&parts)?;
    Ok(session.state.table(path, &names::display_path(&parts), "SELECT")?.1)
}

/// Identity columns of a copy count on from where the original's begin, with a sequence of their own.
fn copied_columns(session: &SqlSession, columns: &[ColumnEntry]) -> Vec<ColumnEntry> {
    let mut columns = columns.to_vec();
    for (place, column) in columns.iter_mut().enumerate() {
        column.physical = format!("c{}", place + 1);
        if let Some(identity) = &mut column.identity {
            identity.sequence = format!("s{}", session.database.take_id());
        }
    }
    columns
}

fn definition(
    session: &SqlSession,
    request: &SqlRequest,
    create: &CreateTable,
) -> Result<Definition, SqlError> {
    if let Some(CreateTableLikeKind::Plain(like) | CreateTableLikeKind::Parenthesized(like)) = &create.like {
        let source = source_table(session, &like.name)?;
        let columns = copied_columns(session, &source.columns);
        return Ok(Definition { columns, constraints: source.constraints, rows: None, copied: None });
    }
    if let Some(name) = &create.clone {
        let source = source_table(session, name)?;
        let columns = copied_columns(session, &source.columns);
        let constraints = source.constraints.clone();
        return Ok(Definition { columns, constraints, rows: None, copied: Some(source) });
    }
    let binder = Binder::new(&session.state, &request.bindings);
    let (mut columns, constraints) =
        columns::define(&binder, &session.database, &create.columns, &create.constraints)?;
    let Some(query) = &create.query else {
        if columns.is_empty() {
            return Err(compilation("001003", "42000", "a table needs columns"));
        }
        return Ok(Definition { columns, constraints, rows: None, copied: None });
    };
    binder.needs_compute.set(true);
    let bound = binder.top_query(query)?;
    session.check_compute(&binder)?;
    if columns.is_empty() {
        columns = columns::of_query(&bound.columns)?;
    } else if columns.len() != bound.columns.len() {
        return Err(crate::sql::dml::wrong_count(columns.len(), bound.columns.len()));
    }
    let name = binder.relation_name();
    let values = bound.columns.iter().enumerate().zip(&columns).map(|((place, output), column)| {
        let value = Typed::new(format!("{name}.c{}", place + 1), output.ty.clone());
        Ok(binder.cast(value, &column.ty, Mode::Assign)?.sql)
    });
    let values = values.collect::<Result<Vec<_>, SqlError>>()?;
    let sql = format!("SELECT {} FROM ({}) AS {name}", values.join(", "), bound.sql);
    Ok(Definition {
        columns,
        constraints,
        rows: Some(BoundQuery { sql, columns: bound.columns }),
        copied: None,
    })
}

fn entry(
    session: &SqlSession,
    create: &CreateTable,
    kind: TableKind,
    definition: &Definition,
) -> Result<TableEntry, SqlError> {
    let days = create.data_retention_time_in_days.map(|days| days.to_string());
    let retention_days =
        days.map(|days| retention::parse(&days, kind == TableKind::Permanent)).transpose()?;
    let comment = match &create.comment {
        Some(sqlparser::ast::CommentDef::WithEq(text) | sqlparser::ast::CommentDef::WithoutEq(text)) => {
            text.clone()
        }
        None => String::new(),
    };
    let cluster_by = create.cluster_by.as_ref().map_or_else(String::new, |keys| format!("LINEAR{keys}"));
    Ok(TableEntry {
        id: session.database.take_id(),
        kind,
        form: TableForm::Standard,
        columns: definition.columns.clone(),
        constraints: definition.constraints.clone(),
        cluster_by,
        comment,
        owner: session.state.role.clone(),
        tracked_since: create.change_tracking.unwrap_or(false).then_some(0),
        retention_days,
        history_from: 0,
        created_on: 0,
        last_altered: 0,
        last_ddl: 0,
    })
}

fn fill(session: &SqlSession, entry: &TableEntry, definition: &Definition) -> Result<(), SqlError> {
    columns::create(&session.connection, entry.id, &definition.columns)?;
    let txn = session.database.take_number();
    let rows = definition.rows.as_ref().map(|bound| Versions::new(entry, txn, false).insert(&bound.sql));
    let copied = definition.copied.as_ref();
    let copied = copied.map(|source| travel::copied_sql(entry, source, &source.physical(), txn));
    let Some(sql) = rows.or(copied) else { return Ok(()) };
    let filled = run::execute(&session.connection, &sql);
    if filled.is_err() {
        execute_all(&session.connection, &travel::drop_sql(entry.id))?;
    }
    filled.map(|_| ())
}
