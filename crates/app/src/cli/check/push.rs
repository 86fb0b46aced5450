//! The steps of a push: our side first, then the customer's, down to each privilege.

use connectors::snowflake::fit::Verdict;
use connectors::snowflake::push::{Preview, Privilege};
use model::{Error, ErrorKind, Result, TableName};

use super::{failed, logged_in, passed, step};
use crate::assemble::{self, PushSides};
use crate::cli::plan::planned;
use crate::config::{PushOptions, SyncFile};
use crate::output::{Terminal, count};

pub(super) async fn check(terminal: &Terminal, file: &SyncFile, options: &PushOptions) -> Result<()> {
    let sides = step(terminal, "vendor database", assemble::push_sides(file, options))?;
    passed(terminal, "vendor database", &file.tenant_file()?.path().display().to_string())?;
    let checked = check_sides(terminal, file, &sides).await;
    sides.destination.close().await;
    checked
}

async fn check_sides(terminal: &Terminal, file: &SyncFile, sides: &PushSides) -> Result<()> {
    let (schema, plan) = step(terminal, "stream", planned(sides, file.spec(), false).await)?;
    let rows = schema.row_count.map_or_else(String::new, |rows| format!(", {} rows", count(rows)));
    passed(terminal, "stream", &format!("{}: {} columns{rows}", plan.stream, schema.columns.len()))?;
    let context = step(terminal, "log-in", sides.destination.log_in().await)?;
    logged_in(terminal, &context)?;
    let preview = step(terminal, "target", sides.destination.preview(&plan).await)?;
    passed(terminal, "target", &target(&preview))?;
    let privileges = step(terminal, "privileges", sides.destination.privileges(&plan).await)?;
    check_privileges(terminal, &plan.target, &privileges)?;
    step(terminal, "columns", preview.mapping.refuse_misfits())?;
    let checked = preview.mapping.columns.iter().filter(|column| column.verdict == Verdict::Checked).count();
    let sent = preview.mapping.target_names().len();
    passed(terminal, "columns", &format!("{sent} are filled, {checked} of them checked value by value"))
}

fn target(preview: &Preview) -> String {
    match preview.row_count {
        _ if preview.is_created => format!("{} does not exist yet, and would be made", preview.target),
        Some(rows) => format!("{}: {} rows", preview.target, count(rows)),
        None => preview.target.to_string(),
    }
}

/// Shows every privilege before the missing ones are told together.
fn check_privileges(terminal: &Terminal, target: &TableName, privileges: &[Privilege]) -> Result<()> {
    for privilege in privileges {
        let show = if privilege.is_held { passed } else { failed };
        show(terminal, "privilege", &privilege.name)?;
    }
    let missing: Vec<&str> =
        privileges.iter().filter(|privilege| !privilege.is_held).map(|p| p.grant.as_str()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message =
        format!("the role lacks {} of the privileges that a push into {target} takes", missing.len());
    Err(Error::new(ErrorKind::Permission, "grant_missing", message)
        .with_remedy(format!("let the customer run: {}", missing.join(" "))))
}
