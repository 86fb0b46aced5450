//! DROP and UNDROP. What is dropped is kept for a while, so that UNDROP can bring it back.

use sqlparser::parser::Parser;

use crate::outcome::SqlError;
use crate::sql::account;
use crate::sql::catalog::{Catalog, Dropped, DroppedObject};
use crate::sql::error::{
    compilation, exists, insufficient_privileges, missing, missing_for_operation, unsupported,
};
use crate::sql::run::execute_all;
use crate::sql::session::SqlSession;
use crate::sql::state::Object;
use crate::sql::{names, parse, travel};
use crate::stage::StageId;

const DONE: &str = "Drop statement executed successfully (object already dropped).";

pub(super) fn execute(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    parse::expect(parser, &["DROP"])?;
    let kind = parse::take_word(parser)?;
    if kind == "FILE" {
        parse::expect(parser, &["FORMAT"])?;
    }
    if matches!(kind.as_str(), "DYNAMIC" | "HYBRID") {
        parse::expect(parser, &["TABLE"])?;
    }
    if kind == "NETWORK" {
        parse::expect(parser, &["POLICY"])?;
    }
    let if_exists = parse::accept(parser, &["IF", "EXISTS"]);
    let parts = parse::name(parser)?;
    let _ = parse::accept(parser, &["CASCADE"]) || parse::accept(parser, &["RESTRICT"]);
    parse::end(parser)?;
    let dropped = match kind.as_str() {
        "TABLE" | "DYNAMIC" | "HYBRID" => table(session, &parts),
        "VIEW" => view(session, &parts),
        "SCHEMA" => schema(session, &parts),
        "DATABASE" => database(session, &parts),
        "SEQUENCE" => super::sequences::drop(session, &parts),
        "FILE" => super::formats::drop(session, &parts),
        "STAGE" => super::stages::drop(session, &parts),
        "WAREHOUSE" => account::warehouses::drop(session, &parts),
        "ROLE" => account::roles::drop(session, &parts),
        "USER" => account::users::drop(session, &parts),
        "NETWORK" => account::network_policies::drop(session, &parts),
        other => return Err(unsupported(format!("DROP {other}"))),
    };
    match dropped {
        Err(failure) if if_exists && failure.code == "002003" => Ok(DONE.to_owned()),
        Err(failure) => Err(failure),
        Ok(()) => Ok(format!("{} successfully dropped.", parts.last().map_or("", String::as_str))),
    }
}

fn table(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let path = session.state.qualify_table(parts)?;
    if let Some(entry) = session.state.temporary.remove(&path) {
        session.database.stages().forget(&StageId::Table(entry.id));
        return execute_all(&session.connection, &travel::drop_sql(entry.id));
    }
    let (path, _) = session.state.table(path, &names::display_path(parts), "OWNERSHIP")?;
    session.database.change(&session.connection, |catalog| {
        if let Some(entry) = catalog.schema_mut(&path[0], &path[1])?.tables.remove(&path[2]) {
            catalog.keep_dropped(path.to_vec(), DroppedObject::Table(entry));
            catalog.forget_grants("TABLE", &path);
        }
        Ok(())
    })
}

fn view(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let path = session.state.qualify_table(parts)?;
    let shown = names::display_path(parts);
    let Object::View { path, .. } = session.state.object(path, &shown, "OWNERSHIP")? else {
        return Err(compilation("002037", "42601", &format!("Object '{shown}' is not a view")));
    };
    session.database.change(&session.connection, |catalog| {
        catalog.schema_mut(&path[0], &path[1])?.views.remove(&path[2]);
        catalog.forget_grants("VIEW", &path);
        Ok(())
    })
}

fn schema(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let path = session.state.qualify_schema(parts)?;
    let owner = session.state.catalog.schema(&path[0], &path[1])?.owner.clone();
    if !session.state.sees_schema(&path[0], &path[1]) {
        return Err(missing("Schema", &names::display_path(&path)));
    }
    if !session.state.may("SCHEMA", &path, &owner, &["OWNERSHIP"]) {
        return Err(insufficient_privileges("schema", &names::display(&path[1])));
    }
    session.database.change(&session.connection, |catalog| {
        if let Some(entry) = catalog.database_mut(&path[0])?.schemas.remove(&path[1]) {
            catalog.keep_dropped(path.to_vec(), DroppedObject::Schema(entry));
            catalog.forget_grants("SCHEMA", &path);
        }
        Ok(())
    })?;
    if session.state.database.as_ref() == Some(&path[0]) && session.state.schema.as_ref() == Some(&path[1]) {
        session.state.schema = None;
    }
    Ok(())
}

fn database(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let [name] = parts else { return Err(missing_for_operation("Database", &names::display_path(parts))) };
    let owner = session.state.catalog.database(name)?.owner.clone();
    if !session.state.sees_database(name) {
        return Err(missing("Database", &names::display(name)));
    }
    if !session.state.may("DATABASE", parts, &owner, &["OWNERSHIP"]) {
        return Err(insufficient_privileges("database", &names::display(name)));
    }
    session.database.change(&session.connection, |catalog| {
        if let Some(entry) = catalog.databases.remove(name) {
            catalog.keep_dropped(parts.to_vec(), DroppedObject::Database(entry));
            catalog.forget_grants("DATABASE", parts);
        }
        Ok(())
    })?;
    if session.state.database.as_ref() == Some(name) {
        session.state.database = None;
        session.state.schema = None;
    }
    Ok(())
}

pub(super) fn undrop(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    parse::expect(parser, &["UNDROP"])?;
    let kind = parse::take_word(parser)?;
    let parts = parse::name(parser)?;
    parse::end(parser)?;
    let path: Vec<String> = match kind.as_str() {
        "TABLE" => session.state.qualify_table(&parts)?.to_vec(),
        "SCHEMA" => session.state.qualify_schema(&parts)?.to_vec(),
        "DATABASE" => parts.clone(),
        other => return Err(unsupported(format!("UNDROP {other}"))),
    };
    session.database.change(&session.connection, |catalog| restore(catalog, &kind, &path))?;
    let shown = path.last().map_or("", String::as_str);
    Ok(format!("{kind} {shown} successfully restored."))
}

fn restore(catalog: &mut Catalog, kind: &str, path: &[String]) -> Result<(), SqlError> {
    let is_wanted = |dropped: &Dropped| {
        dropped.path == path
            && matches!(
                (&dropped.object, kind),
                (DroppedObject::Table(_), "TABLE")
                    | (DroppedObject::Schema(_), "SCHEMA")
                    | (DroppedObject::Database(_), "DATABASE")
            )
    };
    let shown = names::display_path(path);
    let last =
        catalog.dropped.iter().rposition(is_wanted).ok_or_else(|| missing_for_operation(kind, &shown))?;
    let object = catalog.dropped.remove(last).object;
    let taken = || exists(&shown);
    match (object, path) {
        (DroppedObject::Database(entry), [name]) => {
            if catalog.databases.contains_key(name) {
                return Err(taken());
            }
            catalog.databases.insert(name.clone(), entry);
        }
        (DroppedObject::Schema(entry), [database, name]) => {
            let schemas = &mut catalog.database_mut(database)?.schemas;
            if schemas.contains_key(name) {
                return Err(taken());
            }
            schemas.insert(name.clone(), entry);
        }
        (DroppedObject::Table(entry), [database, schema, name]) => {
            let schema = catalog.schema_mut(database, schema)?;
            if schema.has(name) {
                return Err(taken());
            }
            schema.tables.insert(name.clone(), entry);
        }
        _ => return Err(missing_for_operation(kind, &shown)),
    }
    Ok(())
}
