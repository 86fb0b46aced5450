//! SHOW of what belongs to the account, and of the session's own settings.

use crate::sql::catalog::Grantee;
use crate::sql::listing::{Cell, Listing, true_false, yes_no};
use crate::sql::session::SqlSession;

pub(super) fn warehouses(session: &SqlSession) -> Listing {
    let mut listing = Listing::new(&[
        "name",
        "state",
        "type",
        "size",
        "number:min_cluster_count",
        "number:max_cluster_count",
        "number:started_clusters",
        "number:running",
        "number:queued",
        "is_default",
        "is_current",
        "number:auto_suspend",
        "auto_resume",
        "available",
        "provisioning",
        "quiescing",
        "other",
        "moment:created_on",
        "moment:resumed_on",
        "moment:updated_on",
        "owner",
        "comment",
        "enable_query_acceleration",
        "number:query_acceleration_max_scale_factor",
        "resource_monitor",
        "actives",
        "pendings",
        "failed",
        "suspended",
        "uuid",
        "scaling_policy",
        "owner_role_type",
        "resource_constraint",
    ]);
    let state = &session.state;
    for (name, entry) in state.catalog.warehouses.iter().filter(|(name, _)| state.sees_warehouse(name)) {
        let is_suspended = session.database.is_suspended(name, entry, state.now);
        let (status, clusters) = if is_suspended { ("SUSPENDED", 0) } else { ("STARTED", 1) };
        listing.push(vec![
            Cell::from(name.as_str()),
            Cell::from(status),
            Cell::from("STANDARD"),
            Cell::from(entry.size.as_str()),
            Cell::Number(1),
            Cell::Number(1),
            Cell::Number(clusters),
            Cell::Number(0),
            Cell::Number(0),
            yes_no(false),
            yes_no(state.warehouse.as_ref() == Some(name)),
            entry.auto_suspend.map_or(Cell::Null, Cell::from),
            true_false(entry.auto_resume),
            Cell::from(if is_suspended { "" } else { "100" }),
            Cell::from(""),
            Cell::from(""),
            Cell::from(""),
            Cell::Moment(entry.created_on),
            Cell::Moment(entry.resumed_on.max(entry.created_on)),
            Cell::Moment(entry.updated_on),
            Cell::from(entry.owner.as_str()),
            Cell::from(entry.comment.as_str()),
            true_false(false),
            Cell::Number(8),
            Cell::from("null"),
            Cell::from(clusters.to_string()),
            Cell::from("0"),
            Cell::from("0"),
            Cell::from((1 - clusters).to_string()),
            Cell::from(entry.uuid.as_str()),
            Cell::from("STANDARD"),
            Cell::from("ROLE"),
            Cell::Null,
        ]);
    }
    listing
}

pub(super) fn roles(session: &SqlSession) -> Listing {
    let mut listing = Listing::new(&[
        "moment:created_on",
        "name",
        "is_default",
        "is_current",
        "is_inherited",
        "number:assigned_to_users",
        "number:granted_to_roles",
        "number:granted_roles",
        "owner",
        "comment",
    ]);
    let state = &session.state;
    let effective = state.effective_roles();
    for (name, entry) in &state.catalog.roles {
        let grants = || state.catalog.grants.iter().filter(|grant| grant.on.kind == "ROLE");
        let of_role = || grants().filter(|grant| grant.on.path.first() == Some(name));
        let users = of_role().filter(|grant| matches!(grant.to, Grantee::User(_))).count();
        let parents = of_role().filter(|grant| matches!(grant.to, Grantee::Role(_))).count();
        let children = grants().filter(|grant| grant.to == Grantee::Role(name.clone())).count();
        let is_current = state.role == *name;
        listing.push(vec![
            Cell::Moment(entry.created_on),
            Cell::from(name.as_str()),
            yes_no(false),
            yes_no(is_current),
            yes_no(!is_current && effective.contains(name)),
            Cell::from(users as u64),
            Cell::from(parents as u64),
            Cell::from(children as u64),
            Cell::from(entry.owner.as_str()),
            Cell::from(entry.comment.as_str()),
        ]);
    }
    listing
}

pub(super) fn users(session: &SqlSession) -> Listing {
    let mut listing = Listing::new(&[
        "name",
        "moment:created_on",
        "login_name",
        "display_name",
        "first_name",
        "last_name",
        "email",
        "mins_to_unlock",
        "days_to_expiry",
        "comment",
        "disabled",
        "must_change_password",
        "snowflake_lock",
        "default_warehouse",
        "default_namespace",
        "default_role",
        "default_secondary_roles",
        "ext_authn_duo",
        "ext_authn_uid",
        "mins_to_bypass_mfa",
        "owner",
        "moment:last_success_login",
        "moment:expires_at_time",
        "moment:locked_until_time",
        "has_password",
        "has_rsa_public_key",
        "type",
        "has_mfa",
        "has_workload_identity",
    ]);
    for (name, entry) in &session.state.catalog.users {
        let property = |key: &str| Cell::from(entry.property(key));
        let or_name = |key: &str| {
            if entry.property(key).is_empty() { Cell::from(name.as_str()) } else { property(key) }
        };
        let is_set = |key: &str| !entry.property(key).is_empty();
        listing.push(vec![
            Cell::from(name.as_str()),
            Cell::Moment(entry.created_on),
            or_name("LOGIN_NAME"),
            or_name("DISPLAY_NAME"),
            property("FIRST_NAME"),
            property("LAST_NAME"),
            property("EMAIL"),
            Cell::from(""),
            Cell::from(""),
            property("COMMENT"),
            true_false(entry.property("DISABLED").eq_ignore_ascii_case("true")),
            true_false(entry.property("MUST_CHANGE_PASSWORD").eq_ignore_ascii_case("true")),
            true_false(false),
            property("DEFAULT_WAREHOUSE"),
            property("DEFAULT_NAMESPACE"),
            property("DEFAULT_ROLE"),
            property("DEFAULT_SECONDARY_ROLES"),
            true_false(false),
            Cell::from(""),
            Cell::from(""),
            Cell::from(entry.owner.as_str()),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            true_false(entry.has_password),
            true_false(is_set("RSA_PUBLIC_KEY") || is_set("RSA_PUBLIC_KEY_2")),
            property("TYPE"),
            true_false(false),
            true_false(false),
        ]);
    }
    listing
}

pub(super) fn parameters(session: &SqlSession) -> Listing {
    let mut listing = Listing::new(&["key", "value", "default", "level", "description", "type"]);
    for [key, value, default, level] in session.state.parameters.rows() {
        let kind = match default.as_str() {
            "true" | "false" => "BOOLEAN",
            number if number.parse::<i64>().is_ok() => "NUMBER",
            _ => "STRING",
        };
        let cells = [key, value, default, level, String::new(), kind.to_owned()];
        listing.push(cells.into_iter().map(Cell::from).collect());
    }
    listing
}

pub(super) fn variables(session: &SqlSession) -> Listing {
    let mut listing = Listing::new(&["number:session_id", "name", "value"]);
    for (name, value) in &session.state.variables {
        listing.push(vec![
            Cell::Number(session.state.session_id),
            Cell::from(name.as_str()),
            Cell::from(value.trim_matches('\'').replace("''", "'")),
        ]);
    }
    listing
}
