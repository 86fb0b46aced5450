//! The peers: official drivers that judge the emulator, and servers by others that judge the client. Pinned by lock files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::command;
use crate::program;
use crate::workspace::Workspace;

/// Python environments, named like their lock files. fakesnow cannot live with the 5.x connector, and the object
/// stores and what judges the service need nothing of either.
const PYTHON_ENVIRONMENTS: [&str; 4] = ["classic", "service", "stores", "universal"];
/// Environments of the tools that Snowferry is compared with, for benchmarks alone.
const COMPARED_ENVIRONMENTS: [&str; 6] = ["arrow", "dlt", "ingestr", "meltano", "rust-core", "sling"];
/// Where those are described and pinned, below the peers.
const COMPARED: &str = "compared";
const NODE_MODULES: &str = "node";
/// Holds the hash of the lock file that was installed; written last, so a broken installation is repeated.
const STAMP: &str = "installed";

/// Installs what is missing or out of date and returns the folder to put into `SNOWFERRY_PEERS`.
pub(crate) fn install(workspace: &Workspace) -> Result<PathBuf> {
    let installed = workspace.installed_peers();
    let pinned = workspace.peers();
    for name in PYTHON_ENVIRONMENTS {
        let lock = pinned.join(format!("{name}.txt"));
        once(&installed.join(name), &lock, |folder| {
            python_environment(folder, &lock, &["--require-hashes", "--only-binary", ":all:"])
        })?;
    }
    let lock = pinned.join("package-lock.json");
    once(&installed.join(NODE_MODULES), &lock, |folder| node_modules(folder, &pinned))?;
    Ok(installed)
}

/// Installs the tools that Snowferry is compared with as well. Those that cannot be installed are left out.
pub(crate) fn install_compared(workspace: &Workspace) -> Result<PathBuf> {
    let installed = install(workspace)?;
    for name in COMPARED_ENVIRONMENTS {
        let lock = workspace.peers().join(COMPARED).join(name).with_extension("txt");
        let done = once(&installed.join(name), &lock, |folder| python_environment(folder, &lock, &[]));
        if let Err(error) = done {
            eprintln!("xtask: {name} is left out: {error:#}");
        }
    }
    Ok(installed)
}

fn once(folder: &Path, lock: &Path, install: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let wanted = fingerprint(lock)?;
    let stamp = folder.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    eprintln!("xtask: installing {} into {}", lock.display(), folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    install(folder)?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

fn python_environment(folder: &Path, lock: &Path, options: &[&str]) -> Result<()> {
    // Debian ships Python without `ensurepip`, which `venv` needs, in a package of its own.
    program::require("python3", &["-c", "import ensurepip, venv"], &["python3", "python3-venv"])?;
    command::run_quietly(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin").join("python"));
    pip.args(["-m", "pip", "install", "--quiet"]).args(options).arg("--requirement");
    command::run_quietly(pip.arg(lock)).map(drop)
}

fn node_modules(folder: &Path, pinned: &Path) -> Result<()> {
    program::require("npm", &["--version"], &["npm"])?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(pinned.join(file), folder.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]);
    command::run_quietly(npm.current_dir(folder)).map(drop)
}

fn fingerprint(lock: &Path) -> Result<String> {
    let text = fs::read(lock).with_context(|| format!("cannot read {}", lock.display()))?;
    Ok(Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect())
}
