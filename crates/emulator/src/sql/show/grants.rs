//! SHOW GRANTS.

use sqlparser::parser::Parser;

use crate::outcome::SqlError;
use crate::sql::catalog::{Grant, Grantee};
use crate::sql::error::{missing, unsupported};
use crate::sql::listing::{Cell, Listing, true_false};
use crate::sql::session::SqlSession;
use crate::sql::{names, parse};

pub(super) fn show(
    session: &SqlSession,
    parser: &mut Parser<'_>,
    is_future: bool,
) -> Result<Listing, SqlError> {
    if is_future {
        return future(session, parser);
    }
    if parse::accept(parser, &["ON"]) {
        return on(session, parser);
    }
    if parse::accept(parser, &["OF"]) {
        parse::expect(parser, &["ROLE"])?;
        let role = parse::identifier(parser)?;
        parse::end(parser)?;
        return Ok(of_role(session, |grant| grant.on.path.first() == Some(&role)));
    }
    if !parse::accept(parser, &["TO"]) {
        // Without anything: the roles of the current user.
        parse::end(parser)?;
        let user = Grantee::User(session.state.user.clone());
        return Ok(of_role(session, |grant| grant.to == user));
    }
    if parse::accept(parser, &["USER"]) {
        let user = Grantee::User(parse::identifier(parser)?);
        parse::end(parser)?;
        return Ok(of_role(session, |grant| grant.to == user));
    }
    parse::accept(parser, &["ROLE"]);
    let role = parse::identifier(parser)?;
    parse::end(parser)?;
    if !session.state.catalog.roles.contains_key(&role) {
        return Err(missing("Role", &names::display(&role)));
    }
    let to = Grantee::Role(role.clone());
    let mut listing = list(session, |grant| grant.to == to && !grant.on.is_future);
    owned(session, &role, &mut listing);
    Ok(listing)
}

fn empty(kind: &str, to: &str) -> Listing {
    Listing::new(&[
        "moment:created_on",
        "privilege",
        kind,
        "name",
        to,
        "grantee_name",
        "grant_option",
        "granted_by",
    ])
}

fn row(grant: &Grant) -> Vec<Cell> {
    let (granted_to, grantee) = match &grant.to {
        Grantee::Role(role) => ("ROLE", role),
        Grantee::User(user) => ("USER", user),
    };
    vec![
        Cell::Moment(grant.created_on),
        Cell::from(grant.privilege.as_str()),
        Cell::from(grant.on.kind.as_str()),
        Cell::from(shown_name(grant)),
        Cell::from(granted_to),
        Cell::from(grantee.as_str()),
        true_false(grant.with_grant_option),
        Cell::from(grant.granted_by.as_str()),
    ]
}

/// A grant on what will be made names the place and, in angle brackets, the kind.
fn shown_name(grant: &Grant) -> String {
    let path = names::display_path(&grant.on.path);
    if grant.on.is_future { format!("{path}.<{}>", grant.on.kind) } else { path }
}

fn list(session: &SqlSession, is_wanted: impl Fn(&Grant) -> bool) -> Listing {
    let mut listing = empty("granted_on", "granted_to");
    for grant in session.state.catalog.grants.iter().filter(|grant| is_wanted(grant)) {
        listing.push(row(grant));
    }
    listing
}

/// OWNERSHIP of what a role created is a grant too.
fn owned(session: &SqlSession, role: &str, listing: &mut Listing) {
    let mut push = |created_on: i64, kind: &str, path: &[&String]| {
        let path: Vec<String> = path.iter().map(|part| (*part).clone()).collect();
        listing.push(vec![
            Cell::Moment(created_on),
            Cell::from("OWNERSHIP"),
            Cell::from(kind),
            Cell::from(names::display_path(&path)),
            Cell::from("ROLE"),
            Cell::from(role),
            true_false(true),
            Cell::from(role),
        ]);
    };
    for (database, entry) in &session.state.catalog.databases {
        if entry.owner == role {
            push(entry.created_on, "DATABASE", &[database]);
        }
        for (schema, entry) in &entry.schemas {
            if entry.owner == role {
                push(entry.created_on, "SCHEMA", &[database, schema]);
            }
            for (table, entry) in entry.tables.iter().filter(|(_, entry)| entry.owner == role) {
                push(entry.created_on, "TABLE", &[database, schema, table]);
            }
            for (view, entry) in entry.views.iter().filter(|(_, entry)| entry.owner == role) {
                push(entry.created_on, "VIEW", &[database, schema, view]);
            }
            for (stage, entry) in entry.stages.iter().filter(|(_, entry)| entry.owner == role) {
                push(entry.created_on, "STAGE", &[database, schema, stage]);
            }
        }
    }
    for (warehouse, entry) in session.state.catalog.warehouses.iter().filter(|(_, entry)| entry.owner == role)
    {
        push(entry.created_on, "WAREHOUSE", &[warehouse]);
    }
}

fn of_role(session: &SqlSession, is_wanted: impl Fn(&Grant) -> bool) -> Listing {
    let mut listing =
        Listing::new(&["moment:created_on", "role", "granted_to", "grantee_name", "granted_by"]);
    let grants =
        session.state.catalog.grants.iter().filter(|grant| grant.on.kind == "ROLE" && is_wanted(grant));
    for grant in grants {
        let (granted_to, grantee) = match &grant.to {
            Grantee::Role(role) => ("ROLE", role),
            Grantee::User(user) => ("USER", user),
        };
        listing.push(vec![
            Cell::Moment(grant.created_on),
            Cell::from(grant.on.path.first().map(String::as_str)),
            Cell::from(granted_to),
            Cell::from(grantee.as_str()),
            Cell::from(grant.granted_by.as_str()),
        ]);
    }
    listing
}

fn on(session: &SqlSession, parser: &mut Parser<'_>) -> Result<Listing, SqlError> {
    let kind = parse::take_word(parser)?;
    if kind == "ACCOUNT" {
        parse::end(parser)?;
        return Ok(list(session, |grant| grant.on.kind == "ACCOUNT"));
    }
    let parts = parse::name(parser)?;
    parse::end(parser)?;
    let path: Vec<String> = match kind.as_str() {
        "TABLE" | "VIEW" => {
            let path = session.state.qualify_table(&parts)?;
            match session.state.object(path.clone(), &names::display_path(&parts), "") {
                Err(failure) if failure.code != "003001" => return Err(failure),
                _ => path.to_vec(),
            }
        }
        "STAGE" => {
            session.state.named_stage(&parts, "")?;
            session.state.qualify_table(&parts)?.to_vec()
        }
        "SCHEMA" => {
            let path = session.state.qualify_schema(&parts)?;
            session.state.catalog.schema(&path[0], &path[1])?;
            path.to_vec()
        }
        "DATABASE" | "WAREHOUSE" | "USER" | "ROLE" => parts,
        other => return Err(unsupported(format!("SHOW GRANTS ON {other}"))),
    };
    let mut listing =
        list(session, |grant| !grant.on.is_future && grant.on.kind == kind && grant.on.path == path);
    let owner = owner(session, &kind, &path);
    if let Some(owner) = owner {
        let mut all = empty("granted_on", "granted_to");
        owned(session, &owner, &mut all);
        let shown = names::display_path(&path);
        all.rows.retain(|row| row[2] == Cell::from(kind.as_str()) && row[3] == Cell::from(shown.as_str()));
        listing.rows.extend(all.rows);
    }
    Ok(listing)
}

fn owner(session: &SqlSession, kind: &str, path: &[String]) -> Option<String> {
    let catalog = &session.state.catalog;
    match (kind, path) {
        ("DATABASE", [name]) => catalog.databases.get(name).map(|entry| entry.owner.clone()),
        ("WAREHOUSE", [name]) => catalog.warehouses.get(name).map(|entry| entry.owner.clone()),
        ("SCHEMA", [database, name]) => catalog.schema(database, name).ok().map(|entry| entry.owner.clone()),
        ("TABLE", [database, schema, name]) => {
            catalog.schema(database, schema).ok()?.tables.get(name).map(|entry| entry.owner.clone())
        }
        ("STAGE", [database, schema, name]) => {
            catalog.schema(database, schema).ok()?.stages.get(name).map(|entry| entry.owner.clone())
        }
        ("VIEW", [database, schema, name]) => {
            catalog.schema(database, schema).ok()?.views.get(name).map(|entry| entry.owner.clone())
        }
        _ => None,
    }
}

/// `IN SCHEMA | DATABASE name`, or `TO ROLE name`.
fn future(session: &SqlSession, parser: &mut Parser<'_>) -> Result<Listing, SqlError> {
    let mut listing = empty("grant_on", "grant_to");
    let grants = session.state.catalog.grants.iter().filter(|grant| grant.on.is_future);
    if parse::accept(parser, &["TO"]) {
        parse::accept(parser, &["ROLE"]);
        let to = Grantee::Role(parse::identifier(parser)?);
        parse::end(parser)?;
        grants.filter(|grant| grant.to == to).for_each(|grant| listing.push(row(grant)));
        return Ok(listing);
    }
    parse::expect(parser, &["IN"])?;
    let in_schema = parse::accept(parser, &["SCHEMA"]);
    if !in_schema {
        parse::expect(parser, &["DATABASE"])?;
    }
    let parts = parse::name(parser)?;
    parse::end(parser)?;
    let path = if in_schema { session.state.qualify_schema(&parts)?.to_vec() } else { parts };
    grants.filter(|grant| grant.on.path == path).for_each(|grant| listing.push(row(grant)));
    Ok(listing)
}
