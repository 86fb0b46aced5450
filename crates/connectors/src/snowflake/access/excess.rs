//! What was granted to the role beyond what its syncs take.

use model::{Error, ErrorKind, Result};
use snowflake::Session;

use super::held::HeldGrant;
use super::need::{Need, On};
use super::objects::{reading, writing};
use super::{Finding, Held, Needs, Report, Step, StepName};
use crate::snowflake::catalog::{ShownRows, show};
use crate::snowflake::onboarding::{Purpose, SYSTEM_ROLES};
use crate::snowflake::sql::quoted;

/// More than these are counted and not listed: the point is made.
const LISTED_MAX: usize = 20;

pub(super) async fn check(session: &Session, needs: &Needs, held: &Held, report: Report<'_>) {
    // What such a role may do has no end, and that it is used was told already.
    if SYSTEM_ROLES.contains(&held.role.as_str()) {
        return;
    }
    let needed = match needed(session, needs) {
        Ok(needed) => needed,
        Err(error) => {
            return report(Step::failed(StepName::MoreThanNeeded, "", Finding::of(error)));
        }
    };
    let mut more: Vec<&HeldGrant> = held.own().filter(|grant| !is_needed(grant, needs, &needed)).collect();
    more.dedup();
    for grant in more.iter().take(LISTED_MAX) {
        report(told(grant, &held.role));
    }
    if more.len() > LISTED_MAX {
        let subject = format!("and {} privileges more", more.len() - LISTED_MAX);
        report(Step::skipped(StepName::MoreThanNeeded, subject));
    }
    if !needs.includes_future_tables {
        check_future(session, held, report).await;
    }
}

fn needed(session: &Session, needs: &Needs) -> Result<Vec<Need>> {
    let mut needed = Vec::new();
    if let Some(name) = session.context().virtual_warehouse {
        needed.push(Need { privilege: "USAGE", on: On::VirtualWarehouse(name) });
    }
    for access in &needs.objects {
        match &access.purpose {
            Purpose::Read { .. } => needed.extend(reading(&access.table, access.is_view)?),
            Purpose::Write { .. } => {
                needed.extend(writing(access, true)?);
                needed.extend(writing(access, false)?);
            }
        }
    }
    Ok(needed)
}

fn is_needed(grant: &HeldGrant, needs: &Needs, needed: &[Need]) -> bool {
    // Whoever made a table owns it.
    let is_made_here = grant.privilege == "OWNERSHIP"
        && needs.objects.iter().any(|access| {
            matches!(access.purpose, Purpose::Write { makes_table: true, .. })
                && grant.parts
                    == [
                        access.table.database.clone().unwrap_or_default(),
                        access.table.schema.clone(),
                        access.table.table.clone(),
                    ]
        });
    // What a query reads is not known, so what lets it read may be what it takes.
    let may_be_of_query = !needs.queries.is_empty()
        && match grant.privilege.as_str() {
            "SELECT" => grant.is_on_object(),
            "USAGE" => matches!(grant.kind.as_str(), "DATABASE" | "SCHEMA"),
            _ => false,
        };
    is_made_here || may_be_of_query || needed.iter().any(|need| is_the_same(grant, need))
}

fn is_the_same(grant: &HeldGrant, need: &Need) -> bool {
    let parts: Vec<&str> = grant.parts.iter().map(String::as_str).collect();
    let is_on = match &need.on {
        On::VirtualWarehouse(name) => grant.kind == "WAREHOUSE" && parts == [name.as_str()],
        On::Database(name) => grant.kind == "DATABASE" && parts == [name.as_str()],
        On::Schema(path) => grant.kind == "SCHEMA" && parts == path.each_ref().map(String::as_str),
        On::Object { path, .. } => parts == path.each_ref().map(String::as_str),
    };
    is_on && grant.privilege == need.privilege
}

fn told(grant: &HeldGrant, role: &str) -> Step {
    let HeldGrant { privilege, kind, name, through, .. } = grant;
    let on =
        if kind == "ACCOUNT" { "ACCOUNT".to_owned() } else { format!("{} {name}", kind.replace('_', " ")) };
    let subject = match through {
        Some(through) => format!("{privilege} ON {on}, through {through}"),
        None => format!("{privilege} ON {on}"),
    };
    let message = format!("the role {role} holds {subject}, which no sync takes");
    let error = Error::new(ErrorKind::Permission, "more_than_needed", message);
    let role = quoted(role).unwrap_or_default();
    let sql = match through {
        Some(through) => format!("REVOKE {through} FROM ROLE {role};"),
        // Ownership is not revoked: somebody else has to take it.
        None if privilege == "OWNERSHIP" => {
            format!("GRANT OWNERSHIP ON {on} TO ROLE \"SYSADMIN\" COPY CURRENT GRANTS;")
        }
        None => format!("REVOKE {privilege} ON {on} FROM ROLE {role};"),
    };
    Step::noted(StepName::MoreThanNeeded, subject, Finding::customers(error, vec![sql]))
}

/// Privileges on what does not exist yet.
async fn check_future(session: &Session, held: &Held, report: Report<'_>) {
    let Ok(role) = quoted(&held.role) else { return };
    let batches = match show(session, &format!("SHOW FUTURE GRANTS TO ROLE {role}")).await {
        Ok(batches) => batches,
        Err(error) => {
            tracing::debug!(error = %error, "future grants cannot be seen");
            return;
        }
    };
    for batch in &batches {
        let rows = ShownRows(batch);
        for row in 0..batch.num_rows() {
            let text = |column: &str| rows.text(column, row).unwrap_or_default();
            let (privilege, kind, name) = (text("privilege"), text("grant_on"), text("name"));
            // Snowflake ends the name with the kind in angle brackets: DB.SCHEMA.<TABLE>.
            let place = name.split(".<").next().unwrap_or_default();
            let container = if place.contains('.') { "SCHEMA" } else { "DATABASE" };
            let on = format!("FUTURE {}S IN {container} {place}", kind.replace('_', " "));
            let subject = format!("{privilege} ON {on}");
            let message = format!("the role {} would hold {subject}", held.role);
            let error = Error::new(ErrorKind::Permission, "more_than_needed", message);
            let sql = vec![format!("REVOKE {privilege} ON {on} FROM ROLE {role};")];
            report(Step::noted(StepName::MoreThanNeeded, subject, Finding::customers(error, sql)));
        }
    }
}
