//! Virtual warehouses: rows of the catalog, since DuckDB does the work.

use sqlparser::parser::Parser;

use crate::outcome::SqlError;
use crate::sql::catalog::WarehouseEntry;
use crate::sql::ddl::Modifiers;
use crate::sql::error::{exists, insufficient_privileges, missing, unsupported};
use crate::sql::session::SqlSession;
use crate::sql::{names, parse};

const DONE: &str = "Statement executed successfully.";
/// Seconds after which Snowflake suspends an idle virtual warehouse, unless told otherwise.
const AUTO_SUSPEND_SECONDS: u64 = 600;

pub(crate) fn create(
    session: &mut SqlSession,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<String, SqlError> {
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let name = parse::identifier(parser)?;
    parse::accept(parser, &["WITH"]);
    let mut entry = WarehouseEntry {
        created_on: session.state.now,
        updated_on: session.state.now,
        owner: session.state.role.clone(),
        comment: String::new(),
        size: "X-Small".to_owned(),
        auto_suspend: Some(AUTO_SUSPEND_SECONDS),
        auto_resume: true,
        is_suspended: false,
        resumed_on: session.state.now,
        uuid: uuid::Uuid::new_v4().to_string(),
    };
    set(&mut entry, parse::options(parser)?)?;
    parse::end(parser)?;
    if !session.state.may_account("CREATE WAREHOUSE") {
        return Err(insufficient_privileges("account", "EMULATOR"));
    }
    let created = session.database.change(&session.connection, |catalog| {
        if catalog.warehouses.contains_key(&name) && !modifiers.or_replace {
            return if if_not_exists { Ok(false) } else { Err(exists(&names::display(&name))) };
        }
        catalog.warehouses.insert(name.clone(), entry);
        Ok(true)
    })?;
    if !created {
        return Ok(format!("{name} already exists, statement succeeded."));
    }
    session.state.warehouse = Some(name.clone());
    Ok(format!("Warehouse {name} successfully created."))
}

fn set(entry: &mut WarehouseEntry, options: Vec<(String, String)>) -> Result<(), SqlError> {
    for (key, value) in options {
        match key.as_str() {
            "WAREHOUSE_SIZE" => entry.size = size(&value)?,
            "AUTO_SUSPEND" => entry.auto_suspend = value.parse().ok().filter(|seconds| *seconds > 0),
            "AUTO_RESUME" => entry.auto_resume = value.eq_ignore_ascii_case("true"),
            "INITIALLY_SUSPENDED" => entry.is_suspended = value.eq_ignore_ascii_case("true"),
            "COMMENT" => entry.comment = value,
            // What a warehouse of one machine has nothing to do with.
            "WAREHOUSE_TYPE"
            | "MIN_CLUSTER_COUNT"
            | "MAX_CLUSTER_COUNT"
            | "SCALING_POLICY"
            | "STATEMENT_TIMEOUT_IN_SECONDS"
            | "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS"
            | "MAX_CONCURRENCY_LEVEL"
            | "RESOURCE_MONITOR"
            | "ENABLE_QUERY_ACCELERATION"
            | "GENERATION" => {}
            other => return Err(unsupported(format!("the warehouse option {other}"))),
        }
    }
    Ok(())
}

fn size(written: &str) -> Result<String, SqlError> {
    let size = match written.to_uppercase().replace(['-', '_'], "").as_str() {
        "XSMALL" => "X-Small",
        "SMALL" => "Small",
        "MEDIUM" => "Medium",
        "LARGE" => "Large",
        "XLARGE" => "X-Large",
        "XXLARGE" | "X2LARGE" | "2XLARGE" => "2X-Large",
        "XXXLARGE" | "X3LARGE" | "3XLARGE" => "3X-Large",
        "X4LARGE" | "4XLARGE" => "4X-Large",
        other => return Err(unsupported(format!("the warehouse size {other}"))),
    };
    Ok(size.to_owned())
}

pub(crate) fn alter(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    parse::accept(parser, &["IF", "EXISTS"]);
    let is_action = matches!(parse::peek_word(parser).as_deref(), Some("SUSPEND" | "RESUME" | "SET"));
    let name = if is_action {
        session.state.warehouse.clone().unwrap_or_default()
    } else {
        parse::identifier(parser)?
    };
    check(session, &name, &["OPERATE", "MODIFY", "OWNERSHIP"])?;
    let mut entry = session.state.catalog.warehouses[&name].clone();
    if parse::accept(parser, &["SUSPEND"]) {
        entry.is_suspended = true;
    } else if parse::accept(parser, &["RESUME"]) {
        parse::accept(parser, &["IF", "SUSPENDED"]);
        entry.is_suspended = false;
        entry.resumed_on = session.state.now;
    } else if parse::accept(parser, &["RENAME", "TO"]) {
        let to = parse::identifier(parser)?;
        parse::end(parser)?;
        session.database.change(&session.connection, |catalog| {
            catalog.warehouses.remove(&name);
            catalog.warehouses.insert(to, entry);
            Ok(())
        })?;
        return Ok(DONE.to_owned());
    } else {
        parse::expect(parser, &["SET"])?;
        set(&mut entry, parse::options(parser)?)?;
    }
    parse::end(parser)?;
    entry.updated_on = session.state.now;
    session.database.change(&session.connection, |catalog| {
        catalog.warehouses.insert(name, entry);
        Ok(())
    })?;
    Ok(DONE.to_owned())
}

pub(crate) fn drop(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let [name] = parts else { return Err(missing("Warehouse", &names::display_path(parts))) };
    check(session, name, &["OWNERSHIP"])?;
    session.database.change(&session.connection, |catalog| {
        catalog.warehouses.remove(name);
        catalog.forget_grants("WAREHOUSE", parts);
        Ok(())
    })?;
    if session.state.warehouse.as_ref() == Some(name) {
        session.state.warehouse = None;
    }
    Ok(())
}

fn check(session: &SqlSession, name: &str, privileges: &[&str]) -> Result<(), SqlError> {
    let entry = session.state.catalog.warehouses.get(name);
    let entry = entry.ok_or_else(|| missing("Warehouse", &names::display(name)))?;
    if session.state.may("WAREHOUSE", &[name.to_owned()], &entry.owner, privileges) {
        return Ok(());
    }
    Err(insufficient_privileges("warehouse", &names::display(name)))
}
