//! The steps of a push beside its log-in and its privileges: what it reads, and whether that fits the customer's table.

use connectors::snowflake::fit::Verdict;
use connectors::snowflake::push::Preview;
use model::StreamPlan;

use super::told::Told;
use crate::assemble::{self, PushSides};
use crate::cli::plan::planned;
use crate::config::{PushOptions, SyncFile};
use crate::output::count;

/// A push whose own side was looked at.
pub(super) struct PlannedPush {
    sides: PushSides,
    plan: StreamPlan,
}

impl PlannedPush {
    pub(super) async fn close(&self) {
        self.sides.destination.close().await;
    }
}

/// The vendor database, and the stream in it.
pub(super) async fn check_source(
    told: &mut Told<'_>,
    file: &SyncFile,
    options: &PushOptions,
) -> Option<PlannedPush> {
    let opened = assemble::push_sides(file, options).and_then(|sides| Ok((sides, file.tenant_file()?)));
    let (sides, tenant_file) = told.step("vendor database", opened)?;
    told.passed("vendor database", &tenant_file.path().display().to_string());
    let (schema, plan) = told.step("stream", planned(&sides, file.spec(), false).await)?;
    let rows = schema.row_count.map_or_else(String::new, |rows| format!(", {} rows", count(rows)));
    told.passed("stream", &format!("{}: {} columns{rows}", plan.stream, schema.columns.len()));
    Some(PlannedPush { sides, plan })
}

/// The customer's table as it is now, and a verdict for each column.
pub(super) async fn check_target(told: &mut Told<'_>, push: &PlannedPush) {
    let Some(preview) = told.step("target", push.sides.destination.preview(&push.plan).await) else { return };
    told.passed("target", &target(&preview));
    if told.step("columns", preview.mapping.refuse_misfits()).is_none() {
        return;
    }
    let checked = preview.mapping.columns.iter().filter(|column| column.verdict == Verdict::Checked).count();
    let sent = preview.mapping.target_names().len();
    told.passed("columns", &format!("{sent} are filled, {checked} of them checked value by value"));
}

fn target(preview: &Preview) -> String {
    match preview.row_count {
        _ if preview.is_created => format!("{} does not exist yet, and would be made", preview.target),
        Some(rows) => format!("{}: {} rows", preview.target, count(rows)),
        None => preview.target.to_string(),
    }
}
