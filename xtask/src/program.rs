//! Programs of the system that a task needs, installed with apt-get where that is allowed.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::command;

/// True when `program arguments` can be started and succeeds.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Makes sure that `program arguments` works: on Debian as root by installing `packages`, elsewhere by saying what to do.
pub(crate) fn require(program: &str, arguments: &[&str], packages: &[&str]) -> Result<()> {
    if works(program, arguments) {
        return Ok(());
    }
    let install = format!("apt-get install {}", packages.join(" "));
    if !may_install() {
        bail!("`{program}` is missing or incomplete; on Debian: sudo {install}");
    }
    eprintln!("xtask: `{program}` is missing or incomplete: {install}");
    command::run_quietly(Command::new("apt-get").arg("update"))?;
    let mut apt = Command::new("apt-get");
    apt.args(["install", "--yes", "--no-install-recommends"]).args(packages);
    command::run_quietly(apt.env("DEBIAN_FRONTEND", "noninteractive"))?;
    if !works(program, arguments) {
        bail!("`{program}` does not work even after `{install}`");
    }
    Ok(())
}

fn may_install() -> bool {
    // Only root may write there; asking for the user id would need a dependency or unsafe code.
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| owner(&process) == 0);
    is_root && Path::new("/usr/bin/apt-get").exists()
}

#[cfg(unix)]
fn owner(metadata: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(metadata)
}

#[cfg(not(unix))]
fn owner(_: &std::fs::Metadata) -> u32 {
    u32::MAX
}
