//! Roles.

use sqlparser::parser::Parser;

use crate::outcome::SqlError;
use crate::sql::catalog::{Grantee, RoleEntry};
use crate::sql::ddl::Modifiers;
use crate::sql::error::{exists, insufficient_privileges, missing, unsupported};
use crate::sql::session::SqlSession;
use crate::sql::{names, parse};

pub(crate) fn create(
    session: &mut SqlSession,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<String, SqlError> {
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let name = parse::identifier(parser)?;
    let mut entry = RoleEntry {
        created_on: session.state.now,
        owner: session.state.role.clone(),
        comment: String::new(),
    };
    for (key, value) in parse::options(parser)? {
        match key.as_str() {
            "COMMENT" => entry.comment = value,
            other => return Err(unsupported(format!("the role option {other}"))),
        }
    }
    parse::end(parser)?;
    if !session.state.may_account("CREATE ROLE") {
        return Err(insufficient_privileges("account", "EMULATOR"));
    }
    let created = session.database.change(&session.connection, |catalog| {
        if catalog.roles.contains_key(&name) && !modifiers.or_replace {
            return if if_not_exists { Ok(false) } else { Err(exists(&names::display(&name))) };
        }
        catalog.roles.insert(name.clone(), entry);
        Ok(true)
    })?;
    let what = if created { "successfully created." } else { "already exists, statement succeeded." };
    Ok(format!("Role {name} {what}"))
}

pub(crate) fn alter(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    parse::accept(parser, &["IF", "EXISTS"]);
    let name = parse::identifier(parser)?;
    parse::expect(parser, &["SET"])?;
    let options = parse::options(parser)?;
    parse::end(parser)?;
    session.database.change(&session.connection, |catalog| {
        let role = catalog.roles.get_mut(&name).ok_or_else(|| missing("Role", &names::display(&name)))?;
        for (key, value) in options {
            match key.as_str() {
                "COMMENT" => role.comment = value,
                other => return Err(unsupported(format!("the role option {other}"))),
            }
        }
        Ok(())
    })?;
    Ok("Statement executed successfully.".to_owned())
}

pub(crate) fn drop(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let [name] = parts else { return Err(missing("Role", &names::display_path(parts))) };
    let entry =
        session.state.catalog.roles.get(name).ok_or_else(|| missing("Role", &names::display(name)))?;
    if !session.state.may("ROLE", parts, &entry.owner, &["OWNERSHIP"]) {
        return Err(insufficient_privileges("role", &names::display(name)));
    }
    session.database.change(&session.connection, |catalog| {
        catalog.roles.remove(name);
        catalog.forget_grants("ROLE", parts);
        catalog.grants.retain(|grant| grant.to != Grantee::Role(name.clone()));
        Ok(())
    })
}
