//! The prebuilt DuckDB library: fetched from npm's package once, verified, and linked instead of half an hour of C++.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::command;
use crate::program;
use crate::workspace::Workspace;

/// The npm package that holds the library of exactly the version that the `duckdb` crate is made for.
const PACKAGE: &str = "@duckdb/node-bindings-linux-x64@1.5.6-r.1";
const LIBRARY: &str = "libduckdb.so";
/// SHA-256 of the library itself, so that it does not matter by which way it came.
const LIBRARY_SHA256: &str = "3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633";
/// Measured unoptimised on two idle cores.
const BUNDLED_BUILD: &str = "about 17 minutes on two cores, once";

/// How DuckDB gets into our programs.
pub(crate) enum DuckDb {
    /// Linked from this folder.
    Prebuilt(PathBuf),
    /// Compiled from source by its crate.
    Bundled,
}

impl DuckDb {
    /// Tells a cargo command that builds the workspace how DuckDB is to be linked.
    pub(crate) fn apply(&self, cargo: &mut Command) {
        match self {
            // The very variable that .cargo/config.toml sets, so that plain cargo commands rebuild nothing afterwards.
            DuckDb::Prebuilt(folder) => cargo.env("DUCKDB_LIB_DIR", folder),
            DuckDb::Bundled => {
                cargo.env_remove("DUCKDB_LIB_DIR");
                cargo.args(["--features", "app/bundled,connectors/bundled,emulator/bundled"])
            }
        };
    }
}

/// Puts the library into the target folder unless it is there already; falls back to compiling DuckDB.
pub(crate) fn provide(workspace: &Workspace) -> Result<DuckDb> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        eprintln!("xtask: no prebuilt DuckDB for this platform: compiling it ({BUNDLED_BUILD})");
        return Ok(DuckDb::Bundled);
    }
    let folder = workspace.duckdb();
    if is_genuine(&folder.join(LIBRARY))? {
        return Ok(DuckDb::Prebuilt(folder));
    }
    match fetch(&folder) {
        Ok(()) => Ok(DuckDb::Prebuilt(folder)),
        Err(error) => {
            eprintln!("xtask: no prebuilt DuckDB: {error:#}");
            eprintln!("xtask: compiling it instead ({BUNDLED_BUILD})");
            Ok(DuckDb::Bundled)
        }
    }
}

fn fetch(folder: &Path) -> Result<()> {
    program::require("npm", &["--version"], &["npm"])?;
    program::require("tar", &["--version"], &["tar"])?;
    eprintln!("xtask: fetching {PACKAGE} (20 MB)");
    let download = folder.join("download");
    fs::create_dir_all(&download).with_context(|| format!("cannot create {}", download.display()))?;
    let outcome = unpack_into(&download).and_then(|unpacked| {
        if !is_genuine(&unpacked)? {
            bail!("the library in {PACKAGE} has not the expected SHA-256 {LIBRARY_SHA256}");
        }
        // A rename is atomic: another build never links half a library.
        fs::rename(&unpacked, folder.join(LIBRARY)).context("cannot move the library into place")
    });
    let _ = fs::remove_dir_all(&download);
    outcome
}

fn unpack_into(download: &Path) -> Result<PathBuf> {
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", PACKAGE]).current_dir(download);
    let printed = command::run_quietly(&mut npm)?;
    let archive = printed.lines().last().context("npm pack named no file")?.trim().to_owned();
    let mut tar = Command::new("tar");
    tar.args(["-xzf", &archive, "--strip-components=1"]).current_dir(download);
    command::run_quietly(&mut tar)?;
    Ok(download.join(LIBRARY))
}

fn is_genuine(library: &Path) -> Result<bool> {
    if !library.exists() {
        return Ok(false);
    }
    Ok(sha256(library).with_context(|| format!("cannot read {}", library.display()))? == LIBRARY_SHA256)
}

fn sha256(file: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let mut reader = fs::File::open(file)?;
    let mut block = vec![0; 1 << 20];
    loop {
        let count = reader.read(&mut block)?;
        if count == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&block[..count]);
    }
}
