//! Network policies: lists of addresses that a user may, or may not, log in from.

use std::net::IpAddr;

use sqlparser::parser::Parser;

use crate::login::network::AddressRange;
use crate::outcome::SqlError;
use crate::sql::catalog::{Catalog, NetworkPolicyEntry};
use crate::sql::ddl::Modifiers;
use crate::sql::error::{compilation, exists, insufficient_privileges, missing, unsupported};
use crate::sql::listing::{Cell, Listing};
use crate::sql::session::SqlSession;
use crate::sql::{names, parse};

const DONE: &str = "Statement executed successfully.";

pub(crate) fn create(
    session: &mut SqlSession,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<String, SqlError> {
    parse::expect(parser, &["POLICY"])?;
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let name = parse::identifier(parser)?;
    let mut entry = NetworkPolicyEntry {
        created_on: session.state.now,
        owner: session.state.role.clone(),
        ..NetworkPolicyEntry::default()
    };
    set(&mut entry, parse::options(parser)?)?;
    parse::end(parser)?;
    if !may_manage(session) {
        return Err(insufficient_privileges("account", "EMULATOR"));
    }
    let created = session.database.change(&session.connection, |catalog| {
        if catalog.network_policies.contains_key(&name) && !modifiers.or_replace {
            return if if_not_exists { Ok(false) } else { Err(exists(&names::display(&name))) };
        }
        catalog.network_policies.insert(name.clone(), entry);
        Ok(true)
    })?;
    let what = if created { "successfully created." } else { "already exists, statement succeeded." };
    Ok(format!("Network policy {name} {what}"))
}

pub(crate) fn alter(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    parse::expect(parser, &["POLICY"])?;
    let if_exists = parse::accept(parser, &["IF", "EXISTS"]);
    let name = parse::identifier(parser)?;
    parse::expect(parser, &["SET"])?;
    let options = parse::options(parser)?;
    parse::end(parser)?;
    match session.state.catalog.network_policies.get(&name) {
        Some(entry) if !may_change(session, &name, &entry.owner) => {
            return Err(insufficient_privileges("network policy", &names::display(&name)));
        }
        Some(_) => {}
        None if if_exists => return Ok(DONE.to_owned()),
        None => return Err(not_there(&name)),
    }
    session.database.change(&session.connection, |catalog| {
        let entry = catalog.network_policies.get_mut(&name).ok_or_else(|| not_there(&name))?;
        set(entry, options)
    })?;
    Ok(DONE.to_owned())
}

pub(crate) fn drop(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let [name] = parts else { return Err(missing("Network policy", &names::display_path(parts))) };
    let entry = session.state.catalog.network_policies.get(name).ok_or_else(|| not_there(name))?;
    if !may_change(session, name, &entry.owner) {
        return Err(insufficient_privileges("network policy", &names::display(name)));
    }
    session.database.change(&session.connection, |catalog| {
        catalog.network_policies.remove(name);
        Ok(())
    })
}

/// Only whoever owns a policy, or manages security, sees it.
pub(crate) fn show(session: &SqlSession) -> Listing {
    let mut listing = Listing::new(&[
        "moment:created_on",
        "name",
        "comment",
        "number:entries_in_allowed_ip_list",
        "number:entries_in_blocked_ip_list",
        "number:entries_in_allowed_network_rules",
        "number:entries_in_blocked_network_rules",
    ]);
    let policies = session.state.catalog.network_policies.iter();
    for (name, entry) in policies.filter(|(name, entry)| may_change(session, name, &entry.owner)) {
        listing.push(vec![
            Cell::Moment(entry.created_on),
            Cell::from(name.as_str()),
            Cell::from(entry.comment.as_str()),
            Cell::from(entry.allowed.len() as u64),
            Cell::from(entry.blocked.len() as u64),
            Cell::Number(0),
            Cell::Number(0),
        ]);
    }
    listing
}

/// The policy that a user is bound to, or an error where the account has none of this name.
pub(super) fn check_named(session: &SqlSession, name: &str) -> Result<(), SqlError> {
    match name.is_empty() || session.state.catalog.network_policies.contains_key(name) {
        true => Ok(()),
        false => Err(not_there(name)),
    }
}

/// True where the policy that `user` is bound to lets nobody in from `address`. The blocked addresses go first.
pub(crate) fn refuses(catalog: &Catalog, user: &str, address: IpAddr) -> bool {
    let bound = catalog.users.get(user).map_or("", |entry| entry.property("NETWORK_POLICY"));
    let Some(policy) = catalog.network_policies.get(bound) else { return false };
    let holds = |list: &[String]| {
        list.iter().filter_map(|text| text.parse::<AddressRange>().ok()).any(|range| range.contains(address))
    };
    holds(&policy.blocked) || !holds(&policy.allowed)
}

fn set(entry: &mut NetworkPolicyEntry, options: Vec<(String, String)>) -> Result<(), SqlError> {
    for (key, value) in options {
        match key.as_str() {
            "ALLOWED_IP_LIST" => entry.allowed = addresses(&value)?,
            "BLOCKED_IP_LIST" => entry.blocked = addresses(&value)?,
            "COMMENT" => entry.comment = value,
            other => return Err(unsupported(format!("the network policy option {other}"))),
        }
    }
    Ok(())
}

fn addresses(list: &str) -> Result<Vec<String>, SqlError> {
    let addresses: Vec<String> =
        list.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect();
    match addresses.iter().find(|text| text.parse::<AddressRange>().is_err()) {
        Some(text) => Err(compilation("001008", "22023", &format!("invalid value ['{text}']"))),
        None => Ok(addresses),
    }
}

fn may_manage(session: &SqlSession) -> bool {
    session.state.may("ACCOUNT", &[], "SECURITYADMIN", &["CREATE NETWORK POLICY"])
}

fn may_change(session: &SqlSession, name: &str, owner: &str) -> bool {
    let path = [name.to_owned()];
    session.state.may("NETWORK_POLICY", &path, owner, &["OWNERSHIP"])
        || session.state.effective_roles().contains("SECURITYADMIN")
}

fn not_there(name: &str) -> SqlError {
    missing("Network policy", &names::display(name))
}
