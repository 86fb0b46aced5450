//! The steps of a pull.

use model::{Result, Source};

use super::{logged_in, passed, step};
use crate::assemble;
use crate::config::SyncFile;
use crate::output::{Terminal, count};

pub(super) async fn check(terminal: &Terminal, file: &SyncFile) -> Result<()> {
    let source = assemble::snowflake_source(file)?;
    let stream = &file.spec().stream;
    let steps = async {
        let context = step(terminal, "log-in", source.log_in().await)?;
        logged_in(terminal, &context)?;
        let schema = step(terminal, "stream", source.describe(stream).await)?;
        let rows = schema.row_count.map_or_else(String::new, |rows| format!(", {} rows", count(rows)));
        passed(terminal, "stream", &format!("{stream}: {} columns{rows}", schema.columns.len()))
    };
    let checked = steps.await;
    source.close().await;
    checked?;
    let tenant_file = file.tenant_file()?;
    if tenant_file.path().exists() {
        step(terminal, "vendor database", tenant_file.open_read_only())?;
    }
    passed(terminal, "vendor database", &tenant_file.path().display().to_string())
}
