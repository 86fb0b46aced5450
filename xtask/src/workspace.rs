//! Where things are: the repository, the target folder, the cache of installed peers.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
}

impl Workspace {
    pub(crate) fn locate() -> Result<Self> {
        // Asked at run time: with a shared target folder this binary may have been built in another clone.
        let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().context("the folder of xtask has no parent")?.to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The folder of the DuckDB library; the run path in `.cargo/config.toml` names it relative to the binaries.
    pub(crate) fn duckdb(&self) -> PathBuf {
        self.target.join("duckdb")
    }

    /// Where the peers are described and pinned.
    pub(crate) fn peers(&self) -> PathBuf {
        self.root.join("peers")
    }

    /// Where the peers get installed: outside the target folder, because they outlive many of those.
    pub(crate) fn installed_peers(&self) -> PathBuf {
        if let Some(folder) = env::var_os("SNOWFERRY_PEERS") {
            return self.root.join(folder);
        }
        let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| env::home_dir().map(|home| home.join(".cache")));
        cache.unwrap_or_else(|| self.target.clone()).join("snowferry").join("peers")
    }
}
