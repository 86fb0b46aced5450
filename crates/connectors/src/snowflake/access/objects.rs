//! Each table, view and query that syncs are about, and each privilege that they take on it.

use model::{Error, ErrorKind, Result, StreamName, StreamSchema, TableName};
use snowflake::Session;

use super::need::{Need, On};
use super::{Finding, Held, Needs, Report, Step, StepName};
use crate::snowflake::catalog;
use crate::snowflake::object::Object;
use crate::snowflake::onboarding::{Access, Purpose};
use crate::snowflake::sql::{database_of, table_sql};

pub(super) async fn check(session: &Session, needs: &Needs, held: &Held, report: Report<'_>) {
    // A privilege that several syncs take is told once.
    let mut told: Vec<Need> = Vec::new();
    for access in &needs.objects {
        let looked_at = match &access.purpose {
            Purpose::Read { follows_changes } => {
                check_read(session, access, *follows_changes, held, &mut told, report).await
            }
            Purpose::Write { makes_table, .. } => {
                check_write(session, access, *makes_table, held, &mut told, report).await
            }
        };
        if let Err(error) = looked_at {
            report(Step::failed(StepName::Object, access.table.to_string(), Finding::of(error)));
        }
    }
    for query in &needs.queries {
        report(match catalog::describe(session, query).await {
            Ok(schema) => Step::passed(StepName::Object, described(&schema)),
            Err(error) => Step::failed(StepName::Object, query.to_string(), Finding::of(error)),
        });
    }
}

/// Snowflake compiles a SELECT without running it: where that succeeds, every privilege is proved.
async fn check_read(
    session: &Session,
    access: &Access,
    follows_changes: bool,
    held: &Held,
    told: &mut Vec<Need>,
    report: Report<'_>,
) -> Result<()> {
    let Access { table, is_view, .. } = access;
    let stream = StreamName::Table(table.clone());
    let needed = reading(table, *is_view)?;
    match catalog::describe(session, &stream).await {
        Ok(schema) => {
            let tracked =
                if follows_changes { Object::listed(session, &stream).await?.tracks_changes } else { None };
            report(match tracked {
                Some(false) => untracked(table, described(&schema))?,
                _ => Step::passed(StepName::Object, described(&schema)),
            });
            tell(&needed, held, told, report, |_| true);
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Permission) => {
            let is_held = |need: &Need| need.is_held(held);
            report(unseen(table, &needed, held, error));
            tell(&needed, held, told, report, is_held);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// What is written is not compiled beforehand, so the grants have to tell.
async fn check_write(
    session: &Session,
    access: &Access,
    makes_table: bool,
    held: &Held,
    told: &mut Vec<Need>,
    report: Report<'_>,
) -> Result<()> {
    let table = &access.table;
    let listed = match Object::of_table(session, table).await {
        Ok(object) => object,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Permission) => None,
        Err(error) => return Err(error),
    };
    let needed = writing(access, listed.is_some())?;
    report(match &listed {
        Some(object) => Step::passed(StepName::Object, format!("{table}: {}", object.kind)),
        None if makes_table => {
            Step::passed(StepName::Object, format!("{table}: not there yet, and would be made"))
        }
        None => {
            let message = format!("there is no table {table} that the role could see");
            unseen(table, &needed, held, Error::new(ErrorKind::NotFound, "target_not_found", message))
        }
    });
    tell(&needed, held, told, report, |need| need.is_held(held));
    Ok(())
}

/// What reading `table` takes, from the outside to the inside.
pub(super) fn reading(table: &TableName, is_view: bool) -> Result<Vec<Need>> {
    let mut needed = Need::around(table)?.to_vec();
    needed.push(Need::on_object("SELECT", table, is_view)?);
    Ok(needed)
}

/// The same for a table that is written to.
pub(super) fn writing(access: &Access, exists: bool) -> Result<Vec<Need>> {
    let Access { table, is_view, purpose } = access;
    let mut needed = Need::around(table)?.to_vec();
    if !exists && matches!(purpose, Purpose::Write { makes_table: true, .. }) {
        let schema = On::Schema([database_of(table)?.to_owned(), table.schema.clone()]);
        needed.push(Need { privilege: "CREATE TABLE", on: schema });
        return Ok(needed);
    }
    for privilege in purpose.privileges()? {
        needed.push(Need::on_object(privilege, table, *is_view)?);
    }
    Ok(needed)
}

fn tell(
    needed: &[Need],
    held: &Held,
    told: &mut Vec<Need>,
    report: Report<'_>,
    is_held: impl Fn(&Need) -> bool,
) {
    for need in needed {
        if !told.contains(need) {
            report(privilege(need, held, is_held(need)));
            told.push(need.clone());
        }
    }
}

/// Whether one privilege is there, and how it is granted where it is not.
pub(super) fn privilege(need: &Need, held: &Held, is_held: bool) -> Step {
    let name = need.sql().unwrap_or_default();
    if is_held {
        return Step::passed(StepName::Privilege, name);
    }
    let message = format!("the role {} lacks {name}", held.role);
    let error = Error::new(ErrorKind::Permission, "grant_missing", message);
    let finding = match need.grant(&held.role) {
        Ok(grant) => Finding::customers(error, vec![grant]),
        Err(_) => Finding::of(error),
    };
    Step::failed(StepName::Privilege, name, finding)
}

/// An object that cannot be seen is missing where nothing stands in the way of seeing it.
fn unseen(table: &TableName, needed: &[Need], held: &Held, error: Error) -> Step {
    if needed.iter().any(|need| !need.is_held(held)) {
        let subject = format!("{table} cannot be seen: privileges are missing, or it is not there");
        return Step::skipped(StepName::Object, subject);
    }
    let error = error.with_remedy(
        "check its name in the sync file: the role holds every privilege that it takes to see it",
    );
    Step::failed(StepName::Object, table.to_string(), Finding::of(error))
}

fn untracked(table: &TableName, subject: String) -> Result<Step> {
    let message = format!("changes of {table} are not tracked, and the sync reads them");
    let error = Error::config("change_tracking_off", message);
    let sql = vec![format!("ALTER TABLE {} SET CHANGE_TRACKING = TRUE;", table_sql(table)?)];
    Ok(Step::failed(StepName::Object, subject, Finding::customers(error, sql)))
}

fn described(schema: &StreamSchema) -> String {
    let rows = schema.row_count.map_or_else(String::new, |rows| format!(", {rows} rows"));
    format!("{}: {} columns{rows}", schema.stream, schema.columns.len())
}
