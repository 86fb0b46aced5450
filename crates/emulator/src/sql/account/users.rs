//! Users: what SHOW and DESCRIBE tell of them is kept in the catalog, what they log in with in the shared registry.

use sqlparser::parser::Parser;

use super::network_policies;
use crate::login::public_key::PublicKey;
use crate::outcome::SqlError;
use crate::sql::catalog::{Catalog, Grantee, UserEntry};
use crate::sql::ddl::Modifiers;
use crate::sql::error::{compilation, exists, insufficient_privileges, missing, unsupported};
use crate::sql::session::SqlSession;
use crate::sql::{names, parse};
use crate::users::{User, Users};

/// Properties that a statement may set.
const PROPERTIES: [&str; 20] = [
    "TYPE",
    "COMMENT",
    "LOGIN_NAME",
    "DISPLAY_NAME",
    "FIRST_NAME",
    "LAST_NAME",
    "EMAIL",
    "DISABLED",
    "MUST_CHANGE_PASSWORD",
    "DEFAULT_WAREHOUSE",
    "DEFAULT_NAMESPACE",
    "DEFAULT_ROLE",
    "DEFAULT_SECONDARY_ROLES",
    "RSA_PUBLIC_KEY",
    "RSA_PUBLIC_KEY_2",
    "PASSWORD",
    "NETWORK_POLICY",
    "DAYS_TO_EXPIRY",
    "MINS_TO_UNLOCK",
    "MIDDLE_NAME",
];
const DONE: &str = "Statement executed successfully.";

pub(crate) fn create(
    session: &mut SqlSession,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<String, SqlError> {
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let name = parse::identifier(parser)?;
    let options = parse::options(parser)?;
    parse::end(parser)?;
    if !session.state.may_account("CREATE USER") {
        return Err(insufficient_privileges("account", "EMULATOR"));
    }
    let is_taken = session.state.catalog.users.contains_key(&name) || session.users.get(&name).is_some();
    if is_taken && !modifiers.or_replace {
        return if if_not_exists {
            Ok(format!("{name} already exists, statement succeeded."))
        } else {
            Err(exists(&names::display(&name)))
        };
    }
    let mut entry = UserEntry {
        created_on: session.state.now,
        owner: session.state.role.clone(),
        ..UserEntry::default()
    };
    let mut user = User::new(name.clone());
    user.roles = Some(Vec::new());
    for (key, value) in &options {
        set(&mut entry, &mut user, key, Some(value))?;
    }
    network_policies::check_named(session, entry.property("NETWORK_POLICY"))?;
    session.database.change(&session.connection, |catalog| {
        catalog.users.insert(name.clone(), entry);
        Ok(())
    })?;
    session.users.drop_user(&name);
    session.users.add(user);
    Ok(format!("User {name} successfully created."))
}

/// Puts the users that a data folder remembers among those who may log in. Passwords are not kept, keys are.
pub(crate) fn restore(catalog: &Catalog, users: &Users) {
    for (name, entry) in &catalog.users {
        if users.get(name).is_some() {
            continue;
        }
        let mut user = User::new(name.clone());
        let grants = catalog.grants.iter().filter(|grant| grant.to == Grantee::User(name.clone()));
        user.roles = Some(
            grants.filter(|grant| grant.on.kind == "ROLE").flat_map(|grant| grant.on.path.clone()).collect(),
        );
        let mut rebuilt = entry.clone();
        for key in PROPERTIES {
            if let Some(value) = entry.properties.get(key)
                && let Err(error) = set(&mut rebuilt, &mut user, key, Some(value))
            {
                tracing::warn!(user.name = name, %error, "a property of a remembered user was left out");
            }
        }
        users.add(user);
    }
}

/// Sets one property, or takes it back where there is no value.
fn set(entry: &mut UserEntry, user: &mut User, key: &str, value: Option<&String>) -> Result<(), SqlError> {
    if !PROPERTIES.contains(&key) {
        return Err(unsupported(format!("the user property {key}")));
    }
    match key {
        "PASSWORD" => {
            entry.has_password = value.is_some();
            user.password = value.cloned();
            return Ok(());
        }
        "RSA_PUBLIC_KEY" | "RSA_PUBLIC_KEY_2" => {
            let public_key = match value {
                None => None,
                Some(text) => Some(PublicKey::parse(text).map_err(|_| {
                    compilation(
                        "002503",
                        "22023",
                        &format!("New public key rejected by current policy for {key}"),
                    )
                })?),
            };
            let fingerprint = format!("{key}_FP");
            match &public_key {
                Some(public_key) => entry.properties.insert(fingerprint, public_key.fingerprint()),
                None => entry.properties.remove(&fingerprint),
            };
            user.public_keys[usize::from(key.ends_with("_2"))] = public_key;
        }
        "DISABLED" => user.is_disabled = value.is_some_and(|value| value.eq_ignore_ascii_case("true")),
        "DEFAULT_ROLE" => user.default_role = value.cloned(),
        "DEFAULT_WAREHOUSE" => user.default_warehouse = value.cloned(),
        "DEFAULT_NAMESPACE" => {
            let parts: Vec<&str> = value.map(|text| text.split('.').collect()).unwrap_or_default();
            user.default_database = parts.first().map(|part| (*part).to_owned());
            user.default_schema = parts.get(1).map(|part| (*part).to_owned());
        }
        _ => {}
    }
    match value {
        Some(value) => entry.properties.insert(key.to_owned(), value.clone()),
        None => entry.properties.remove(key),
    };
    Ok(())
}

fn copy(users: &Users, name: &str) -> User {
    users.get(name).unwrap_or_else(|| User::new(name))
}

pub(crate) fn alter(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    let if_exists = parse::accept(parser, &["IF", "EXISTS"]);
    let name = parse::identifier(parser)?;
    let mut entry = match session.state.catalog.users.get(&name) {
        Some(entry) => entry.clone(),
        // A user that only the log-in side knows so far.
        None if session.users.get(&name).is_some() => UserEntry {
            created_on: session.state.now,
            owner: "ACCOUNTADMIN".to_owned(),
            ..UserEntry::default()
        },
        None if if_exists => return Ok(DONE.to_owned()),
        None => return Err(missing("User", &names::display(&name))),
    };
    if session.state.user != name
        && !session.state.may("USER", std::slice::from_ref(&name), &entry.owner, &["OWNERSHIP"])
    {
        return Err(insufficient_privileges("user", &names::display(&name)));
    }
    let mut user = copy(&session.users, &name);
    if parse::accept(parser, &["UNSET"]) {
        loop {
            let key = parse::take_word(parser)?;
            set(&mut entry, &mut user, &key, None)?;
            if !parser.consume_token(&sqlparser::tokenizer::Token::Comma) {
                break;
            }
        }
    } else {
        if !parse::accept(parser, &["SET"]) {
            return Err(unsupported("this form of ALTER USER"));
        }
        for (key, value) in parse::options(parser)? {
            set(&mut entry, &mut user, &key, Some(&value))?;
        }
    }
    parse::end(parser)?;
    network_policies::check_named(session, entry.property("NETWORK_POLICY"))?;
    session.database.change(&session.connection, |catalog| {
        catalog.users.insert(name.clone(), entry);
        Ok(())
    })?;
    session.users.drop_user(&name);
    session.users.add(user);
    Ok(DONE.to_owned())
}

pub(crate) fn drop(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let [name] = parts else { return Err(missing("User", &names::display_path(parts))) };
    let owner = session.state.catalog.users.get(name).map_or("ACCOUNTADMIN", |entry| entry.owner.as_str());
    if session.users.get(name).is_none() && !session.state.catalog.users.contains_key(name) {
        return Err(missing("User", &names::display(name)));
    }
    if !session.state.may("USER", parts, owner, &["OWNERSHIP"]) {
        return Err(insufficient_privileges("user", &names::display(name)));
    }
    session.database.change(&session.connection, |catalog| {
        catalog.users.remove(name);
        catalog.grants.retain(|grant| grant.to != Grantee::User(name.clone()));
        Ok(())
    })?;
    session.users.drop_user(name);
    Ok(())
}
