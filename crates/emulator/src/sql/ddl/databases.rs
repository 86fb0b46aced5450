//! Databases and schemas.

use sqlparser::parser::Parser;

use super::Modifiers;
use crate::outcome::SqlError;
use crate::sql::catalog::{DatabaseEntry, DroppedObject, SchemaEntry};
use crate::sql::error::{exists, insufficient_privileges, missing, unsupported};
use crate::sql::session::SqlSession;
use crate::sql::state::SessionState;
use crate::sql::{names, parse, retention};

const DONE: &str = "Statement executed successfully.";

/// Options that databases and schemas share: comment and retention.
struct Options {
    comment: Option<String>,
    retention_days: Option<u32>,
}

fn options(parser: &mut Parser<'_>) -> Result<Options, SqlError> {
    let mut options = Options { comment: None, retention_days: None };
    parse::accept(parser, &["WITH", "MANAGED", "ACCESS"]);
    for (key, value) in parse::options(parser)? {
        match key.as_str() {
            "COMMENT" => options.comment = Some(value),
            retention::PARAMETER => options.retention_days = Some(retention::parse(&value, true)?),
            "MAX_DATA_EXTENSION_TIME_IN_DAYS" => {}
            other => return Err(unsupported(format!("the option {other}"))),
        }
    }
    parse::end(parser)?;
    Ok(options)
}

pub(super) fn create_database(
    session: &mut SqlSession,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<String, SqlError> {
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let name = parse::identifier(parser)?;
    let options = options(parser)?;
    if !session.state.may_account("CREATE DATABASE") {
        return Err(insufficient_privileges("account", "EMULATOR"));
    }
    let mut entry = DatabaseEntry::new(&session.state.role, session.state.now);
    entry.comment = options.comment.unwrap_or_default();
    entry.retention_days = options.retention_days;
    entry.is_transient = modifiers.is_transient;
    let created = session.database.change(&session.connection, |catalog| {
        if catalog.databases.contains_key(&name) && !modifiers.or_replace {
            return if if_not_exists { Ok(false) } else { Err(exists(&names::display(&name))) };
        }
        if let Some(replaced) = catalog.databases.insert(name.clone(), entry) {
            catalog.keep_dropped(vec![name.clone()], DroppedObject::Database(replaced));
            catalog.forget_grants("DATABASE", std::slice::from_ref(&name));
        }
        Ok(true)
    })?;
    if !created {
        return Ok(format!("{name} already exists, statement succeeded."));
    }
    session.state.database = Some(name.clone());
    session.state.schema = Some("PUBLIC".to_owned());
    Ok(format!("Database {name} successfully created."))
}

pub(super) fn create_schema(
    session: &mut SqlSession,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<String, SqlError> {
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let parts = parse::name(parser)?;
    let options = options(parser)?;
    let path = session.state.qualify_schema(&parts)?;
    check_database(&session.state, &path[0], "CREATE SCHEMA")?;
    let mut entry = SchemaEntry::new(&session.state.role, session.state.now);
    entry.comment = options.comment.unwrap_or_default();
    entry.retention_days = options.retention_days;
    entry.is_transient = modifiers.is_transient;
    let owner = entry.owner.clone();
    let created = session.database.change(&session.connection, |catalog| {
        let schemas = &mut catalog.database_mut(&path[0])?.schemas;
        if schemas.contains_key(&path[1]) && !modifiers.or_replace {
            return if if_not_exists { Ok(false) } else { Err(exists(&names::display(&path[1]))) };
        }
        if let Some(replaced) = schemas.insert(path[1].clone(), entry) {
            catalog.keep_dropped(path.to_vec(), DroppedObject::Schema(replaced));
            catalog.forget_grants("SCHEMA", &path);
        }
        crate::sql::account::grants::apply_future(catalog, "SCHEMA", &path, &owner);
        Ok(true)
    })?;
    if !created {
        return Ok(format!("{} already exists, statement succeeded.", path[1]));
    }
    let [database, schema] = path;
    session.state.database = Some(database);
    session.state.schema = Some(schema.clone());
    Ok(format!("Schema {schema} successfully created."))
}

fn check_database(state: &SessionState, name: &str, privilege: &str) -> Result<(), SqlError> {
    let entry = state.catalog.database(name)?;
    if !state.sees_database(name) {
        return Err(missing("Database", &names::display(name)));
    }
    if state.may("DATABASE", &[name.to_owned()], &entry.owner, &[privilege]) {
        return Ok(());
    }
    Err(insufficient_privileges("database", &names::display(name)))
}

/// `RENAME TO`, `SWAP WITH` and `SET` of a database.
pub(super) fn alter_database(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    let if_exists = parse::accept(parser, &["IF", "EXISTS"]);
    let name = parse::identifier(parser)?;
    match check_database(&session.state, &name, "OWNERSHIP") {
        Err(failure) if if_exists && failure.code == "002003" => return Ok(DONE.to_owned()),
        checked => checked?,
    }
    if parse::accept(parser, &["RENAME", "TO"]) {
        let to = parse::identifier(parser)?;
        parse::end(parser)?;
        session.database.change(&session.connection, |catalog| {
            if catalog.databases.contains_key(&to) {
                return Err(exists(&names::display(&to)));
            }
            if let Some(entry) = catalog.databases.remove(&name) {
                catalog.databases.insert(to.clone(), entry);
            }
            for grant in catalog.grants.iter_mut().filter(|grant| grant.on.path.first() == Some(&name)) {
                if matches!(grant.on.kind.as_str(), "DATABASE" | "SCHEMA" | "TABLE" | "VIEW") {
                    grant.on.path[0].clone_from(&to);
                }
            }
            Ok(())
        })?;
        if session.state.database.as_ref() == Some(&name) {
            session.state.database = Some(to);
        }
        return Ok(DONE.to_owned());
    }
    parse::expect(parser, &["SET"])?;
    let options = options(parser)?;
    session.database.change(&session.connection, |catalog| {
        catalog.retaining(|catalog| {
            let entry = catalog.database_mut(&name)?;
            entry.comment = options.comment.unwrap_or_else(|| entry.comment.clone());
            entry.retention_days = options.retention_days.or(entry.retention_days);
            Ok(())
        })
    })?;
    Ok(DONE.to_owned())
}

pub(super) fn alter_schema(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    parse::accept(parser, &["IF", "EXISTS"]);
    let parts = parse::name(parser)?;
    let path = session.state.qualify_schema(&parts)?;
    let owner = session.state.catalog.schema(&path[0], &path[1])?.owner.clone();
    if !session.state.may("SCHEMA", &path, &owner, &["OWNERSHIP"]) {
        return Err(insufficient_privileges("schema", &names::display(&path[1])));
    }
    if parse::accept(parser, &["RENAME", "TO"]) {
        let to = parse::name(parser)?;
        parse::end(parser)?;
        let target = session.state.qualify_schema(&to)?;
        session.database.change(&session.connection, |catalog| {
            if catalog.database(&target[0])?.schemas.contains_key(&target[1]) {
                return Err(exists(&names::display(&target[1])));
            }
            if let Some(entry) = catalog.database_mut(&path[0])?.schemas.remove(&path[1]) {
                catalog.database_mut(&target[0])?.schemas.insert(target[1].clone(), entry);
            }
            for grant in catalog.grants.iter_mut().filter(|grant| grant.on.path.starts_with(&path)) {
                grant.on.path[..2].clone_from_slice(&target);
            }
            Ok(())
        })?;
        return Ok(DONE.to_owned());
    }
    parse::expect(parser, &["SET"])?;
    let options = options(parser)?;
    session.database.change(&session.connection, |catalog| {
        catalog.retaining(|catalog| {
            let entry = catalog.schema_mut(&path[0], &path[1])?;
            entry.comment = options.comment.unwrap_or_else(|| entry.comment.clone());
            entry.retention_days = options.retention_days.or(entry.retention_days);
            Ok(())
        })
    })?;
    Ok(DONE.to_owned())
}

pub(super) fn set_comment(
    session: &mut SqlSession,
    kind: &str,
    parts: &[String],
    text: &str,
) -> Result<(), SqlError> {
    if kind == "SCHEMA" {
        let path = session.state.qualify_schema(parts)?;
        return session.database.change(&session.connection, |catalog| {
            text.clone_into(&mut catalog.schema_mut(&path[0], &path[1])?.comment);
            Ok(())
        });
    }
    let [name] = parts else { return Err(missing("Database", &names::display_path(parts))) };
    check_database(&session.state, name, "OWNERSHIP")?;
    session.database.change(&session.connection, |catalog| {
        text.clone_into(&mut catalog.database_mut(name)?.comment);
        Ok(())
    })
}
