//! Postgres, which tests of the state database start for themselves: Debian's package of the version that they are for.

use std::path::PathBuf;

use anyhow::Result;

use crate::program;

/// Where the package puts its programs. Tests on another system are told by the same variable.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const VARIABLE: &str = "SNOWFERRY_POSTGRES_BIN";
const PACKAGE: &str = "postgresql-15";

/// Makes sure that tests find a Postgres to start.
pub(crate) fn install() -> Result<()> {
    let folder = std::env::var_os(VARIABLE).map_or_else(|| PROGRAMS.into(), PathBuf::from);
    let server = folder.join("postgres");
    program::require(&server.to_string_lossy(), &["--version"], &[PACKAGE])
}
