//! As whom we are logged in: the user's public keys, the role of the session, and what else the user could become.

use arrow_cast::display::array_value_to_string;
use model::{Error, ErrorKind, Owner, Result};
use snowflake::{ConnectionConfig, Credentials, Session};

use super::{Finding, Report, Step, StepName, folded};
use crate::snowflake::catalog::{ShownRows, show};
use crate::snowflake::onboarding::SYSTEM_ROLES;
use crate::snowflake::sql::quoted;

/// The two slots for public keys of a user.
pub(super) const SLOTS: [&str; 2] = ["RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"];

pub(super) async fn check(config: &ConnectionConfig, session: &Session, report: Report<'_>) {
    let user = match current_user(session).await {
        Ok(user) => user,
        Err(error) => return report(Step::failed(StepName::LogIn, config.user.trim(), Finding::of(error))),
    };
    check_keys(config, session, &user, report).await;
    check_role(config, session, &user, report).await;
}

pub(super) async fn current_user(session: &Session) -> Result<String> {
    let batches = show(session, "SELECT CURRENT_USER()").await?;
    let first = batches.iter().find(|batch| batch.num_rows() > 0);
    first
        .and_then(|batch| array_value_to_string(batch.column(0), 0).ok())
        .ok_or_else(|| Error::internal("the account does not say who is logged in"))
}

/// The fingerprints in both slots.
pub(super) async fn fingerprints(session: &Session, user: &str) -> Result<[Option<String>; 2]> {
    let mut found = [None, None];
    for batch in show(session, &format!("DESC USER {}", quoted(user)?)).await? {
        let rows = ShownRows(&batch);
        for row in 0..batch.num_rows() {
            let property = rows.text("property", row).unwrap_or_default();
            let slot = SLOTS.iter().position(|slot| property == format!("{slot}_FP"));
            let value = rows.text("value", row).filter(|value| value.starts_with("SHA256:"));
            if let (Some(slot), Some(value)) = (slot, value) {
                found[slot] = Some(value);
            }
        }
    }
    Ok(found)
}

async fn check_keys(config: &ConnectionConfig, session: &Session, user: &str, report: Report<'_>) {
    let Credentials::KeyPair(key) = &config.credentials else {
        let subject = format!("none: the log-in is by {}", config.credentials.name());
        return report(Step::skipped(StepName::Key, subject));
    };
    let ours = key.fingerprint();
    let slots = match fingerprints(session, user).await {
        Ok(slots) => slots,
        Err(error) => {
            let subject = format!("{ours}; the user's properties cannot be seen: {}", error.message());
            return report(Step::skipped(StepName::Key, subject));
        }
    };
    match slots.iter().position(|slot| slot.as_deref() == Some(ours)) {
        Some(slot) => report(Step::passed(StepName::Key, format!("{ours} is {}", SLOTS[slot]))),
        // The log-in went through, so the account may show nothing of what it has.
        None => report(Step::skipped(StepName::Key, format!("{ours} is not among what DESC USER shows"))),
    }
    for (slot, other) in slots.iter().enumerate() {
        let Some(other) = other.as_ref().filter(|other| *other != ours) else { continue };
        let message =
            format!("{} of the user holds another key, {other}, which could log in as well", SLOTS[slot]);
        let error = Error::new(ErrorKind::Permission, "more_than_needed", message);
        let Some(name) = folded(&format!("\"{}\"", user.replace('"', "\"\""))) else { continue };
        let sql = vec![format!("ALTER USER {name} UNSET {};", SLOTS[slot])];
        report(Step::noted(StepName::MoreThanNeeded, SLOTS[slot], Finding::customers(error, sql)));
    }
}

async fn check_role(config: &ConnectionConfig, session: &Session, user: &str, report: Report<'_>) {
    let Some(role) = session.context().role else {
        let error = Error::config("role_missing", "the session has no role")
            .with_remedy("name one under `snowflake.role`, or let the customer set the user's DEFAULT_ROLE");
        return report(Step::failed(StepName::Role, "none", Finding::of(error)));
    };
    let is_named = config.role.is_some();
    report(Step::passed(StepName::Role, if is_named { role.clone() } else { format!("{role}, by default") }));
    if SYSTEM_ROLES.contains(&role.as_str()) {
        let message =
            format!("{role} is a role that Snowflake defines; a sync needs one of its own that may do less");
        let error = Error::new(ErrorKind::Permission, "more_than_needed", message).with_remedy(
            "name another role under `snowflake.role`, and let the customer run the script of `snowferry connect`",
        );
        let finding = Finding { error, owner: Owner::Operator, sql: Vec::new() };
        report(Step::noted(StepName::MoreThanNeeded, format!("the role {role}"), finding));
    }
    match other_roles(session, &role).await {
        Ok(others) => {
            for other in others {
                let message = format!("the user may also become {other}");
                let error = Error::new(ErrorKind::Permission, "more_than_needed", message);
                let (Ok(role), Ok(user)) = (quoted(&other), quoted(user)) else { continue };
                let sql = vec![format!("REVOKE ROLE {role} FROM USER {user};")];
                let subject = format!("the role {other}");
                report(Step::noted(StepName::MoreThanNeeded, subject, Finding::customers(error, sql)));
            }
        }
        Err(error) => tracing::debug!(error = %error, "the roles of the user cannot be seen"),
    }
}

/// Roles of the user beside the one that is used.
async fn other_roles(session: &Session, role: &str) -> Result<Vec<String>> {
    let mut others = Vec::new();
    for batch in show(session, "SHOW GRANTS").await? {
        let rows = ShownRows(&batch);
        let roles = (0..batch.num_rows()).filter_map(|row| rows.text("role", row));
        others.extend(roles.filter(|other| other != role));
    }
    Ok(others)
}
