//! GRANT and REVOKE: privileges on objects, on all objects of a container, on future ones, and roles.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::outcome::{Outcome, SqlError};
use crate::sql::catalog::{Catalog, Grant, Grantee, Securable};
use crate::sql::error::{insufficient_privileges, missing, unsupported};
use crate::sql::listing::Listing;
use crate::sql::session::{SqlSession, listed};
use crate::sql::{names, parse};

const DDL: u64 = 0x6000;

/// What ALL PRIVILEGES stands for, by kind of object.
fn all_privileges(kind: &str) -> &'static [&'static str] {
    match kind {
        "TABLE" => &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES"],
        "VIEW" => &["SELECT", "REFERENCES"],
        "SCHEMA" => &[
            "USAGE",
            "MONITOR",
            "MODIFY",
            "CREATE TABLE",
            "CREATE VIEW",
            "CREATE STAGE",
            "CREATE FILE FORMAT",
            "CREATE SEQUENCE",
        ],
        "DATABASE" => &["USAGE", "MONITOR", "MODIFY", "CREATE SCHEMA"],
        "STAGE" => &["READ", "WRITE"],
        "WAREHOUSE" => &["USAGE", "OPERATE", "MONITOR", "MODIFY"],
        _ => &["USAGE"],
    }
}

pub(crate) fn execute(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<Outcome, SqlError> {
    session.commit()?;
    session.refresh();
    let is_grant = parse::accept(parser, &["GRANT"]);
    if !is_grant {
        parse::expect(parser, &["REVOKE"])?;
        parse::accept(parser, &["GRANT", "OPTION", "FOR"]);
    }
    let is_role = parse::peek_word(parser).as_deref() == Some("ROLE");
    if is_role {
        role(session, parser, is_grant)?;
    } else {
        privileges(session, parser, is_grant)?;
    }
    session.refresh();
    listed(DDL, Listing::status("Statement executed successfully."))
}

/// `ROLE r TO | FROM ROLE | USER x`.
fn role(session: &mut SqlSession, parser: &mut Parser<'_>, is_grant: bool) -> Result<(), SqlError> {
    parse::expect(parser, &["ROLE"])?;
    let name = parse::identifier(parser)?;
    let to = grantee(parser, is_grant)?;
    parse::end(parser)?;
    check_grantee(session, &to)?;
    let owner =
        session.state.catalog.roles.get(&name).ok_or_else(|| missing("Role", &names::display(&name)))?;
    let may = session.state.may("ROLE", std::slice::from_ref(&name), &owner.owner, &["OWNERSHIP"]);
    if !may && !session.state.may_account("MANAGE GRANTS") {
        return Err(insufficient_privileges("role", &names::display(&name)));
    }
    let on = Securable { kind: "ROLE".to_owned(), path: vec![name.clone()], is_future: false };
    let granted_by = session.state.role.clone();
    if let Grantee::User(user) = &to {
        session.users.alter(user, |user| change_roles(user, &name, is_grant));
    }
    session.database.change(&session.connection, |catalog| {
        change(catalog, is_grant, "USAGE", on, to, false, &granted_by);
        Ok(())
    })
}

/// The log-in side looks at a user's roles too.
fn change_roles(user: &mut crate::users::User, role: &str, is_grant: bool) {
    if let Some(roles) = &mut user.roles {
        roles.retain(|known| known != role);
        if is_grant {
            roles.push(role.to_owned());
        }
    }
}

fn grantee(parser: &mut Parser<'_>, is_grant: bool) -> Result<Grantee, SqlError> {
    parse::expect(parser, &[if is_grant { "TO" } else { "FROM" }])?;
    if parse::accept(parser, &["USER"]) {
        return Ok(Grantee::User(parse::identifier(parser)?));
    }
    parse::accept(parser, &["ROLE"]);
    Ok(Grantee::Role(parse::identifier(parser)?))
}

fn check_grantee(session: &SqlSession, to: &Grantee) -> Result<(), SqlError> {
    let catalog = &session.state.catalog;
    match to {
        Grantee::Role(role) if !catalog.roles.contains_key(role) => {
            Err(missing("Role", &names::display(role)))
        }
        Grantee::User(user) if !catalog.users.contains_key(user) && session.users.get(user).is_none() => {
            Err(missing("User", &names::display(user)))
        }
        _ => Ok(()),
    }
}

/// `privilege, … ON object TO | FROM ROLE r`.
fn privileges(session: &mut SqlSession, parser: &mut Parser<'_>, is_grant: bool) -> Result<(), SqlError> {
    let mut wanted = Vec::new();
    let mut words = Vec::new();
    loop {
        if parse::accept(parser, &["ON"]) {
            break;
        }
        if parser.consume_token(&Token::Comma) {
            wanted.push(std::mem::take(&mut words).join(" "));
        } else {
            words.push(parse::take_word(parser)?);
        }
    }
    wanted.push(words.join(" "));
    let securables = securables(session, parser)?;
    let to = grantee(parser, is_grant)?;
    let with_grant_option = parse::accept(parser, &["WITH", "GRANT", "OPTION"]);
    let _ = parse::accept(parser, &["COPY", "CURRENT", "GRANTS"])
        || parse::accept(parser, &["REVOKE", "CURRENT", "GRANTS"])
        || parse::accept(parser, &["CASCADE"])
        || parse::accept(parser, &["RESTRICT"]);
    parse::end(parser)?;
    check_grantee(session, &to)?;
    for on in &securables {
        check_may_grant(session, on)?;
    }
    let granted_by = session.state.role.clone();
    session.database.change(&session.connection, |catalog| {
        for on in securables {
            for privilege in &wanted {
                let list: Vec<&str> = match privilege.as_str() {
                    "ALL" | "ALL PRIVILEGES" => all_privileges(&on.kind).to_vec(),
                    only => vec![only],
                };
                for privilege in list {
                    if privilege == "OWNERSHIP" && is_grant && !on.is_future {
                        take_ownership(catalog, &on, &to);
                    }
                    change(
                        catalog,
                        is_grant,
                        privilege,
                        on.clone(),
                        to.clone(),
                        with_grant_option,
                        &granted_by,
                    );
                }
            }
        }
        Ok(())
    })
}

fn take_ownership(catalog: &mut Catalog, on: &Securable, to: &Grantee) {
    let Grantee::Role(role) = to else { return };
    match (on.kind.as_str(), on.path.as_slice()) {
        ("DATABASE", [name]) => {
            if let Some(entry) = catalog.databases.get_mut(name) {
                entry.owner.clone_from(role);
            }
        }
        ("SCHEMA", [database, name]) => {
            if let Ok(entry) = catalog.schema_mut(database, name) {
                entry.owner.clone_from(role);
            }
        }
        ("TABLE" | "VIEW", [database, schema, name]) => {
            if let Ok(schema) = catalog.schema_mut(database, schema) {
                if let Some(entry) = schema.tables.get_mut(name) {
                    entry.owner.clone_from(role);
                }
                if let Some(entry) = schema.views.get_mut(name) {
                    entry.owner.clone_from(role);
                }
            }
        }
        ("STAGE", [database, schema, name]) => {
            if let Ok(schema) = catalog.schema_mut(database, schema)
                && let Some(entry) = schema.stages.get_mut(name)
            {
                entry.owner.clone_from(role);
            }
        }
        ("WAREHOUSE", [name]) => {
            if let Some(entry) = catalog.warehouses.get_mut(name) {
                entry.owner.clone_from(role);
            }
        }
        _ => {}
    }
}

fn change(
    catalog: &mut Catalog,
    is_grant: bool,
    privilege: &str,
    on: Securable,
    to: Grantee,
    with_grant_option: bool,
    granted_by: &str,
) {
    catalog.grants.retain(|grant| !(grant.privilege == privilege && grant.on == on && grant.to == to));
    if is_grant {
        catalog.grants.push(Grant {
            created_on: catalog.now,
            privilege: privilege.to_owned(),
            on,
            to,
            with_grant_option,
            granted_by: granted_by.to_owned(),
        });
    }
}

/// The kind of object by its plural.
fn singular(plural: &str) -> Result<&'static str, SqlError> {
    Ok(match plural {
        "TABLES" => "TABLE",
        "VIEWS" => "VIEW",
        "SCHEMAS" => "SCHEMA",
        "STAGES" => "STAGE",
        other => return Err(unsupported(format!("grants on {other}"))),
    })
}

fn securables(session: &SqlSession, parser: &mut Parser<'_>) -> Result<Vec<Securable>, SqlError> {
    let is_future = parse::accept(parser, &["FUTURE"]);
    if is_future || parse::accept(parser, &["ALL"]) {
        let kind = singular(&parse::take_word(parser)?)?;
        parse::expect(parser, &["IN"])?;
        let in_schema = parse::accept(parser, &["SCHEMA"]);
        if !in_schema {
            parse::expect(parser, &["DATABASE"])?;
        }
        let parts = parse::name(parser)?;
        let container = if in_schema { session.state.qualify_schema(&parts)?.to_vec() } else { parts };
        check_container(session, &container)?;
        if is_future {
            return Ok(vec![Securable { kind: kind.to_owned(), path: container, is_future: true }]);
        }
        return Ok(members(&session.state.catalog, kind, &container));
    }
    if parse::accept(parser, &["ACCOUNT"]) {
        return Ok(vec![Securable { kind: "ACCOUNT".to_owned(), path: Vec::new(), is_future: false }]);
    }
    let is_kind = |word: &str| {
        matches!(word, "TABLE" | "VIEW" | "STAGE" | "SCHEMA" | "DATABASE" | "WAREHOUSE" | "USER" | "ROLE")
    };
    if parse::accept(parser, &["FILE", "FORMAT"]) {
        let parts = parse::name(parser)?;
        session.state.file_format(&parts, "")?;
        let path = session.state.qualify_table(&parts)?.to_vec();
        return Ok(vec![Securable { kind: "FILE_FORMAT".to_owned(), path, is_future: false }]);
    }
    let word = parse::peek_word(parser).unwrap_or_default();
    let kind = if is_kind(&word) { parse::take_word(parser)? } else { "TABLE".to_owned() };
    let parts = parse::name(parser)?;
    let (kind, path) = match kind.as_str() {
        "TABLE" | "VIEW" => {
            let path = session.state.qualify_table(&parts)?;
            let schema = session.state.catalog.schema(&path[0], &path[1])?;
            // ON TABLE may also name a view.
            let kind = if schema.views.contains_key(&path[2]) { "VIEW" } else { "TABLE" };
            if !schema.has(&path[2]) {
                return Err(missing(
                    if kind == "VIEW" { "View" } else { "Table" },
                    &names::display_path(&parts),
                ));
            }
            (kind.to_owned(), path.to_vec())
        }
        "STAGE" => {
            let path = session.state.qualify_table(&parts)?;
            let stages = &session.state.catalog.schema(&path[0], &path[1])?.stages;
            if !stages.contains_key(&path[2]) {
                return Err(missing("Stage", &names::display_path(&parts)));
            }
            (kind, path.to_vec())
        }
        "SCHEMA" => {
            let path = session.state.qualify_schema(&parts)?;
            session.state.catalog.schema(&path[0], &path[1])?;
            (kind, path.to_vec())
        }
        _ => (kind, parts),
    };
    Ok(vec![Securable { kind, path, is_future: false }])
}

fn check_container(session: &SqlSession, container: &[String]) -> Result<(), SqlError> {
    match container {
        [database] => session.state.catalog.database(database).map(|_| ()),
        [database, schema] => session.state.catalog.schema(database, schema).map(|_| ()),
        _ => Err(missing("Schema", &names::display_path(container))),
    }
}

/// Every object of a kind in a schema or database.
fn members(catalog: &Catalog, kind: &str, container: &[String]) -> Vec<Securable> {
    let mut found = Vec::new();
    let mut push = |path: &[&String]| {
        let path: Vec<String> = path.iter().map(|part| (*part).clone()).collect();
        if path.starts_with(container) {
            found.push(Securable { kind: kind.to_owned(), path, is_future: false });
        }
    };
    for (database, entry) in &catalog.databases {
        for (schema, entry) in &entry.schemas {
            match kind {
                "SCHEMA" => push(&[database, schema]),
                "STAGE" => entry.stages.keys().for_each(|stage| push(&[database, schema, stage])),
                "TABLE" => entry.tables.keys().for_each(|table| push(&[database, schema, table])),
                _ => entry.views.keys().for_each(|view| push(&[database, schema, view])),
            }
        }
    }
    found
}

/// The owner, the administrator, and who manages grants may grant.
fn check_may_grant(session: &SqlSession, on: &Securable) -> Result<(), SqlError> {
    let catalog = &session.state.catalog;
    let shown = names::display_path(&on.path);
    let owner = match (on.kind.as_str(), on.path.as_slice()) {
        ("DATABASE", [name]) => catalog.database(name)?.owner.clone(),
        ("SCHEMA", [database, name]) => catalog.schema(database, name)?.owner.clone(),
        ("TABLE" | "VIEW", [database, schema, name]) => {
            let schema = catalog.schema(database, schema)?;
            let table = schema.tables.get(name).map(|entry| entry.owner.clone());
            table.or_else(|| schema.views.get(name).map(|entry| entry.owner.clone())).unwrap_or_default()
        }
        ("STAGE", [database, schema, name]) => {
            let stage = catalog.schema(database, schema)?.stages.get(name);
            stage.map(|entry| entry.owner.clone()).unwrap_or_default()
        }
        ("FILE_FORMAT", parts) => session.state.file_format(parts, "")?.owner,
        ("WAREHOUSE", [name]) => {
            catalog.warehouses.get(name).ok_or_else(|| missing("Warehouse", &shown))?.owner.clone()
        }
        ("USER", [name]) => catalog.users.get(name).ok_or_else(|| missing("User", &shown))?.owner.clone(),
        _ => "ACCOUNTADMIN".to_owned(),
    };
    if session.state.may(&on.kind, &on.path, &owner, &["OWNERSHIP"])
        || session.state.may_account("MANAGE GRANTS")
    {
        return Ok(());
    }
    Err(insufficient_privileges(&on.kind.to_lowercase(), &shown))
}

/// Gives a new object what future grants of its schema and database say.
pub(crate) fn apply_future(catalog: &mut Catalog, kind: &str, path: &[String], owner: &str) {
    let container = &path[..path.len() - 1];
    let future = catalog
        .grants
        .iter()
        .filter(|grant| grant.on.is_future && grant.on.kind == kind && container.starts_with(&grant.on.path));
    let granted: Vec<Grant> = future
        .map(|grant| Grant {
            created_on: catalog.now,
            on: Securable { kind: kind.to_owned(), path: path.to_vec(), is_future: false },
            granted_by: owner.to_owned(),
            ..grant.clone()
        })
        .collect();
    catalog.grants.extend(granted);
}
