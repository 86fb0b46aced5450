//! A stored connection as a whole: `snowferry close` and `mend`.

use std::collections::BTreeSet;

use clap::Args;
use model::{Error, Result};
use snowflake::Secret;
use store::{Connection, Store, Tenant, Vault};

use super::super::connect::closing_script;
use super::super::state::{StoreArgument, actor};
use super::opened;
use crate::config::{KeptSecrets, SyncFile};
use crate::output::print_line;

/// What a connection to a customer's account is to.
const ACCOUNT: &str = "snowflake";

/// A stored connection as people name it.
#[derive(Args, Debug)]
pub(crate) struct ConnectionArgument {
    /// The connection, as TENANT/CONNECTION
    #[arg(value_name = "TENANT/CONNECTION")]
    connection: String,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry close acme/acme-prod-snowferry > acme-closing.sql

Its secrets are destroyed and its runs cancelled; what is printed is the SQL by which the customer drops the rest.")]
pub(crate) struct CloseCommand {
    #[command(flatten)]
    connection: ConnectionArgument,

    #[command(flatten)]
    store: StoreArgument,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  snowferry mend acme/acme-prod-snowferry")]
pub(crate) struct MendCommand {
    #[command(flatten)]
    connection: ConnectionArgument,

    #[command(flatten)]
    store: StoreArgument,
}

impl ConnectionArgument {
    pub(crate) async fn find(&self, store: &Store) -> Result<(Tenant, Connection)> {
        find_connection(store, &self.connection).await
    }
}

/// The connection of this name, and its tenant.
pub(crate) async fn find_connection(store: &Store, name: &str) -> Result<(Tenant, Connection)> {
    let (tenant, connection) = name.split_once('/').ok_or_else(|| {
        Error::config("connection_name", format!("`{name}` does not name a connection"))
            .with_remedy("write the tenant and the connection, such as acme/acme-prod-snowferry")
    })?;
    let tenant = store.tenant_named(tenant).await?;
    let connection = store.connection_named(&tenant.id, connection).await?;
    Ok((tenant, connection))
}

impl CloseCommand {
    pub(crate) async fn run(&self) -> Result<()> {
        let (store, _queue) = opened(&self.store).await?;
        let (tenant, connection) = self.connection.find(&store).await?;
        let closing = Closing::of(&store, &connection).await;
        store.close_connection(&tenant.id, &connection.id, &actor()).await?;
        eprintln!(
            "{}/{} is closed: its secrets are destroyed, what waited is cancelled, what is going stops",
            tenant.name, connection.name
        );
        for reason in &closing.obstacles {
            eprintln!(
                "there is no SQL to drop what the customer granted: {reason}; let the customer drop it by hand"
            );
        }
        closing.scripts.iter().try_for_each(|script| print_line(script.trim_end()))
    }
}

/// What a customer is to run once a connection is closed.
#[derive(Debug, Default)]
struct Closing {
    /// One for each role that the syncs log in with.
    scripts: BTreeSet<String>,
    /// Why there is none, or none for some of the syncs. That keeps no connection open.
    obstacles: BTreeSet<String>,
}

impl Closing {
    async fn of(store: &Store, connection: &Connection) -> Self {
        let mut closing = Self::default();
        if connection.system != ACCOUNT {
            return closing;
        }
        let files = files_of(store, connection, &KeptSecrets::new()).await;
        if files.as_ref().is_ok_and(Vec::is_empty) {
            closing.obstacles.insert("no sync is left that says who logs in".to_owned());
        }
        let scripts = match files {
            Ok(files) => files.iter().map(closing_script).collect(),
            Err(error) => vec![Err(error)],
        };
        for script in scripts {
            match script {
                Ok(script) => closing.scripts.insert(script),
                Err(error) => closing.obstacles.insert(error.message().to_owned()),
            };
        }
        closing
    }
}

/// The files of the syncs that use a customer's account, with its secrets opened.
pub(crate) async fn stored_files(
    store: &Store,
    vault: &Vault,
    connection: &Connection,
) -> Result<Vec<SyncFile>> {
    let mut kept = KeptSecrets::new();
    for field in vault.fields(&connection.tenant, &connection.id).await? {
        let secret = vault.get(&connection.tenant, &connection.id, &field).await?;
        kept.insert(field, Secret::new(secret.expose()));
    }
    files_of(store, connection, &kept).await
}

/// The same with the secrets given; none of a database of ours.
async fn files_of(store: &Store, connection: &Connection, kept: &KeptSecrets) -> Result<Vec<SyncFile>> {
    if connection.system != ACCOUNT {
        return Ok(Vec::new());
    }
    let syncs = store.syncs(&connection.tenant).await?;
    let uses = |sync: &&store::Sync| sync.source == connection.id || sync.destination == connection.id;
    let file = |sync: &store::Sync| SyncFile::from_store(&sync.name, &sync.definition, kept.clone());
    syncs.iter().filter(uses).map(file).collect()
}

impl MendCommand {
    pub(crate) async fn run(&self) -> Result<()> {
        let (store, _queue) = opened(&self.store).await?;
        let (tenant, connection) = self.connection.find(&store).await?;
        store.mend_connection(&tenant.id, &connection.id, &actor()).await?;
        print_line(&format!("{}/{} is tried again at once", tenant.name, connection.name))
    }
}
