//! A folder of files: every tenant, connection and sync that is to be stored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model::{Error, Result};
use store::{Wanted, WantedConnection, WantedTenant};

use super::stored::StoredSync;
use super::sync::SyncFile;
use super::tenant::{Limits, TENANT_FILE, read_tenant};

/// Folders within folders; beyond that somebody linked a folder into itself.
const DEPTH_MAX: usize = 16;

/// Reads all files of a folder and of those within it, or one file. The first mistake ends it.
pub(crate) fn read_folder(path: &Path) -> Result<Wanted> {
    let mut paths = Vec::new();
    collect(path, 0, &mut paths)?;
    paths.sort();
    let (tenant_files, sync_files): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.into_iter().partition(|path| path.file_name().is_some_and(|name| name == TENANT_FILE));
    let limits = read_limits(&tenant_files)?;
    let limits_of = |tenant: &str| limits.get(tenant).copied().unwrap_or_default();
    let mut tenants: BTreeMap<String, Tenant> = BTreeMap::new();
    for (name, limits) in &limits {
        tenants.insert(name.clone(), Tenant::new(*limits));
    }
    for path in &sync_files {
        let stored = SyncFile::to_store(path, limits_of)?;
        let tenant =
            tenants.entry(stored.tenant.clone()).or_insert_with(|| Tenant::new(limits_of(&stored.tenant)));
        tenant.add(stored)?;
    }
    if tenants.is_empty() {
        let message = format!("{} holds no YAML file", path.display());
        return Err(
            Error::config("folder_empty", message).with_remedy("name the folder of the sync files with -f")
        );
    }
    Ok(Wanted { tenants: tenants.into_iter().map(|(name, tenant)| tenant.wanted(name)).collect() })
}

fn read_limits(paths: &[PathBuf]) -> Result<BTreeMap<String, Limits>> {
    let mut limits = BTreeMap::new();
    for path in paths {
        let (tenant, said) = read_tenant(path, &SyncFile::read_text(path)?)?;
        if limits.insert(tenant.clone(), said).is_some() {
            let message = format!("{}: the tenant {tenant} has a {TENANT_FILE} already", path.display());
            return Err(Error::config("tenant_twice", message).with_remedy("keep one of them"));
        }
    }
    Ok(limits)
}

fn collect(path: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |error| {
        Error::config("sync_file_unreadable", format!("{} cannot be read: {error}", path.display()))
            .with_remedy("name the folder of the sync files with -f")
    };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    if depth == DEPTH_MAX {
        let message = format!("{} is {DEPTH_MAX} folders deep", path.display());
        return Err(
            Error::config("sync_file_unreadable", message).with_remedy("look for a link that leads back")
        );
    }
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?.path();
        let is_hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_yaml = entry.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if !is_hidden && (is_yaml || entry.is_dir()) {
            collect(&entry, depth + 1, paths)?;
        }
    }
    Ok(())
}

/// A tenant that is being put together.
struct Tenant {
    limits: Limits,
    /// With the file that was the first to name it.
    connections: BTreeMap<String, (PathBuf, WantedConnection)>,
    syncs: BTreeMap<String, StoredSync>,
}

impl Tenant {
    fn new(limits: Limits) -> Self {
        Self { limits, connections: BTreeMap::new(), syncs: BTreeMap::new() }
    }

    fn add(&mut self, stored: StoredSync) -> Result<()> {
        for connection in &stored.connections {
            self.add_connection(&stored.path, connection)?;
        }
        let name = stored.sync.name.clone();
        if let Some(first) = self.syncs.get(&name) {
            let message = format!(
                "{} and {} are both the sync {}/{name}",
                first.path.display(),
                stored.path.display(),
                stored.tenant
            );
            return Err(Error::config("sync_twice", message)
                .with_remedy("a sync goes by the name of its file: give one of them another name"));
        }
        self.syncs.insert(name, stored);
        Ok(())
    }

    fn add_connection(&mut self, path: &Path, connection: &WantedConnection) -> Result<()> {
        let Some((first, known)) = self.connections.get(&connection.name) else {
            self.connections.insert(connection.name.clone(), (path.to_owned(), connection.clone()));
            return Ok(());
        };
        let secrets = |one: &WantedConnection| {
            one.secrets
                .iter()
                .map(|(field, secret)| (field.clone(), secret.expose().to_owned()))
                .collect::<Vec<_>>()
        };
        if known.settings == connection.settings && secrets(known) == secrets(connection) {
            return Ok(());
        }
        let message = format!(
            "{} and {} describe the connection `{}` differently",
            first.display(),
            path.display(),
            connection.name
        );
        let remedy = match connection.system.as_str() {
            "duckdb" => "a tenant has one vendor database: write the same `duckdb.path` into all its files",
            _ => "let all files of a tenant log in to one account and user in the same way",
        };
        Err(Error::config("connection_differs", message).with_remedy(remedy))
    }

    fn wanted(self, name: String) -> WantedTenant {
        WantedTenant {
            name,
            runs_max: self.limits.runs_max,
            connections: self.connections.into_values().map(|(_, connection)| connection).collect(),
            syncs: self.syncs.into_values().map(|stored| stored.sync).collect(),
        }
    }
}
