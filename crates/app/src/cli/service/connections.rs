//! A stored connection as a whole: `snowferry close` and `mend`.

use clap::Args;
use model::{Error, Result};
use snowflake::Secret;
use store::{Connection, Store, Tenant, Vault};

use super::super::connect::closing_scripts;
use super::super::state::{StoreArgument, actor};
use super::opened;
use crate::config::{KeptSecrets, SyncFile};
use crate::output::print_line;

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
        // The script first: what cannot be printed any more would leave the customer with a user that nobody drops.
        let scripts = files_of(&store, &connection, &KeptSecrets::new())
            .await
            .and_then(|files| closing_scripts(&files));
        store.close_connection(&tenant.id, &connection.id, &actor()).await?;
        eprintln!(
            "{}/{} is closed: its secrets are destroyed, what waited is cancelled, what is going stops",
            tenant.name, connection.name
        );
        let scripts =
            scripts.map_err(|error| error.while_doing("printing the SQL that drops what was granted"))?;
        scripts.iter().try_for_each(|script| print_line(script.trim_end()))
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
    if connection.system != "snowflake" {
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
