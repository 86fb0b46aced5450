//! Which state database a command works on, and the key that opens its secrets.

use std::path::PathBuf;

use clap::Args;
use model::{Error, Result};
use store::{Actor, MasterKey, MasterKeySource, Store, Vault};

/// The state database.
#[derive(Args, Debug)]
pub(crate) struct StoreArgument {
    /// The state database: sqlite:PATH, or postgres://USER@HOST/DATABASE for several workers
    #[arg(
        long,
        value_name = "URL",
        env = "SNOWFERRY_STORE",
        default_value = "sqlite:snowferry.db",
        hide_env_values = true
    )]
    store: String,
}

/// The state database with its secrets.
#[derive(Args, Debug)]
pub(crate) struct VaultArgument {
    #[command(flatten)]
    pub(crate) store: StoreArgument,

    /// A file with the master key; the variable SNOWFERRY_MASTER_KEY holds it otherwise
    #[arg(
        long,
        value_name = "FILE",
        env = "SNOWFERRY_MASTER_KEY_FILE",
        conflicts_with = "master_key_command"
    )]
    master_key_file: Option<PathBuf>,

    /// A command that prints the master key, such as `pass show snowferry`; no shell reads it
    #[arg(long, value_name = "COMMAND", env = "SNOWFERRY_MASTER_KEY_COMMAND")]
    master_key_command: Option<String>,

    /// A file with the master key of before, while secrets are still under it; may be repeated
    #[arg(long, value_name = "FILE")]
    former_master_key_file: Vec<PathBuf>,
}

/// The variable that holds the master key itself.
const MASTER_KEY_VARIABLE: &str = "SNOWFERRY_MASTER_KEY";

impl StoreArgument {
    pub(crate) async fn open(&self) -> Result<Store> {
        Store::open(&self.store).await
    }
}

impl VaultArgument {
    pub(crate) async fn open(&self) -> Result<(Store, Vault)> {
        // The key comes first: without it, not even an empty database is made.
        let current = MasterKey::read(&self.source())?;
        let former = self.former_master_key_file.iter().cloned().map(MasterKeySource::File);
        let former = former.map(|source| MasterKey::read(&source)).collect::<Result<_>>()?;
        let store = self.store.open().await?;
        let vault = Vault::open(store.clone(), current, former).await?;
        Ok((store, vault))
    }

    fn source(&self) -> MasterKeySource {
        match (&self.master_key_file, &self.master_key_command) {
            (Some(file), _) => MasterKeySource::File(file.clone()),
            (None, Some(command)) => {
                MasterKeySource::Command(command.split_whitespace().map(str::to_owned).collect())
            }
            (None, None) => MasterKeySource::Environment(MASTER_KEY_VARIABLE.to_owned()),
        }
    }
}

/// Who acts, in the audit log: the user of this machine.
pub(crate) fn actor() -> Actor {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    Actor::new(format!("cli:{}", user.as_deref().unwrap_or("unknown")))
}

/// A stored sync as people name it.
#[derive(Args, Debug)]
pub(crate) struct SyncArgument {
    /// The sync, as TENANT/SYNC
    #[arg(value_name = "TENANT/SYNC")]
    sync: String,
}

impl SyncArgument {
    pub(crate) async fn find(&self, store: &Store) -> Result<(store::Tenant, store::Sync)> {
        let (tenant, sync) = self.sync.split_once('/').ok_or_else(|| {
            Error::config("sync_name", format!("`{}` does not name a sync", self.sync))
                .with_remedy("write the tenant and the sync, such as acme/opportunities")
        })?;
        let tenant = store.tenant_named(tenant).await?;
        let sync = store.sync_named(&tenant.id, sync).await?;
        Ok((tenant, sync))
    }
}
