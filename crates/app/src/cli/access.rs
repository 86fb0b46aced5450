//! What the sync files of one connection do in the account: for the script that grants it, and for the check of it.

use std::path::PathBuf;

use clap::Args;
use connectors::snowflake::access::Needs;
use connectors::snowflake::onboarding::{Access, Purpose};
use model::{Error, ReadSpec, Result, StreamName, TableName};
use store::{Connection, Store, Vault};

use super::kept_key::KeptKey;
use super::service::connections::{find_connection, stored_files};
use super::state::{VaultArgument, actor};
use crate::config::{QualifiedTable, SyncFile};

#[derive(Args, Debug)]
pub(super) struct AccessArguments {
    /// The sync files of one service user
    #[arg(short, long = "file", value_name = "FILE", required_unless_present = "stored")]
    files: Vec<PathBuf>,

    /// The stored syncs over this connection, with what the vault has of it, instead of files
    #[arg(long, value_name = "TENANT/CONNECTION", conflicts_with = "files")]
    stored: Option<String>,

    #[command(flatten)]
    pub(super) objects: NamedObjects,

    #[command(flatten)]
    vault: VaultArgument,
}

/// What is read beside the tables that the files name.
#[derive(Args, Clone, Debug)]
pub(super) struct NamedObjects {
    /// Tables that are made later in the same schemas may be read as well
    #[arg(long)]
    pub(super) future_tables: bool,

    /// A table that a query reads; may be repeated
    #[arg(long = "table", value_name = "DATABASE.SCHEMA.TABLE")]
    pub(super) tables: Vec<String>,

    /// A view that is read; may be repeated
    #[arg(long = "view", value_name = "DATABASE.SCHEMA.VIEW")]
    pub(super) views: Vec<String>,
}

/// The syncs of one service user.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) files: Vec<SyncFile>,
    /// How each is called: by its path, or by its name in the state database.
    pub(super) names: Vec<String>,
    /// The key in the vault, where the syncs are stored ones.
    pub(super) kept: Option<KeptKey>,
}

impl AccessArguments {
    /// Reads the files, or what is stored of them. They log in as one user, with one role, or there is no one answer for all of
    /// them.
    pub(super) async fn read(&self) -> Result<Asked> {
        let asked = match &self.stored {
            Some(connection) => self.read_stored(connection).await?,
            None => Asked {
                files: self.files.iter().map(|path| SyncFile::read(path)).collect::<Result<_>>()?,
                names: self.files.iter().map(|path| path.display().to_string()).collect(),
                kept: None,
            },
        };
        refuse_different(&asked.files)?;
        Ok(asked)
    }

    async fn read_stored(&self, name: &str) -> Result<Asked> {
        let (store, vault) = self.vault.open().await?;
        let (tenant, connection) = find_connection(&store, name).await?;
        let files = stored_files_of(&store, &vault, &connection).await?;
        let names = files.iter().map(|file| format!("{}/{}", tenant.name, file.name())).collect();
        Ok(Asked { files, names, kept: Some(KeptKey { vault, connection, by: actor() }) })
    }
}

/// The stored syncs over a connection to an account: at least one, and all of one service user.
pub(super) async fn stored_files_of(
    store: &Store,
    vault: &Vault,
    connection: &Connection,
) -> Result<Vec<SyncFile>> {
    let files = stored_files(store, vault, connection).await?;
    if files.is_empty() {
        let message = format!("no stored sync goes over the connection {}", connection.name);
        return Err(Error::config("connect_incomplete", message)
            .with_remedy("name the connection to the customer's account, and apply its files first"));
    }
    refuse_different(&files)?;
    Ok(files)
}

impl NamedObjects {
    /// What all files together take, each object and purpose once.
    pub(super) fn needs(&self, files: &[SyncFile]) -> Result<Needs> {
        let mut needs = Needs { includes_future_tables: self.future_tables, ..Needs::default() };
        for file in files {
            if let StreamName::Query { .. } = &file.spec().stream
                && file.push().is_none()
            {
                needs.queries.push(file.spec().stream.clone());
            }
            for access in self.objects(file)? {
                if !needs.objects.contains(&access) {
                    needs.objects.push(access);
                }
            }
        }
        Ok(needs)
    }

    /// What one sync does in the account, as far as that is known.
    fn objects(&self, file: &SyncFile) -> Result<Vec<Access>> {
        let spec = file.spec();
        if let Some(push) = file.push() {
            let purpose = Purpose::Write { write: spec.write.clone(), makes_table: push.creates_table };
            return Ok(vec![Access { table: spec.target.clone(), is_view: false, purpose }]);
        }
        let purpose = Purpose::Read { follows_changes: spec.read == ReadSpec::Changes };
        let views = names(&self.views)?;
        let access =
            |table: TableName| Access { is_view: views.contains(&table), table, purpose: purpose.clone() };
        match &spec.stream {
            StreamName::Table(table) => Ok(vec![access(table.clone())]),
            StreamName::Query { .. } => {
                Ok(names(&self.tables)?.into_iter().chain(views.clone()).map(access).collect())
            }
        }
    }

    /// A script grants what it can name, so the tables behind a query have to be told.
    pub(super) fn refuse_unknown_tables(&self, files: &[SyncFile]) -> Result<()> {
        let is_unknown = |file: &&SyncFile| {
            file.push().is_none() && matches!(file.spec().stream, StreamName::Query { .. })
        };
        match files.iter().find(is_unknown) {
            Some(file) if self.tables.is_empty() && self.views.is_empty() => {
                let message =
                    format!("{} reads by a query, and which tables that needs is not known", file.name());
                Err(Error::config("connect_tables", message).with_remedy("name each with --table or --view"))
            }
            _ => Ok(()),
        }
    }
}

fn refuse_different(files: &[SyncFile]) -> Result<()> {
    let Some((first, rest)) = files.split_first() else { return Ok(()) };
    for (what, of) in PARTS_OF_LOG_IN {
        if rest.iter().any(|file| of(file) != of(first)) {
            return Err(Error::config("connect_different", format!("the files name different {what}s"))
                .with_remedy("take the files of each service user by themselves"));
        }
    }
    Ok(())
}

type Part = fn(&SyncFile) -> Option<&str>;

/// What the files of one connection have in common.
const PARTS_OF_LOG_IN: [(&str, Part); 5] = [
    ("tenant", |file| Some(file.tenant())),
    ("account", SyncFile::account),
    ("user", SyncFile::user),
    ("role", SyncFile::role),
    ("virtual_warehouse", SyncFile::virtual_warehouse),
];

fn names(texts: &[String]) -> Result<Vec<TableName>> {
    let name = |text: &String| {
        QualifiedTable::try_from(text.clone()).map(|QualifiedTable(table)| table).map_err(|message| {
            Error::config("connect_tables", message).with_remedy("write DATABASE.SCHEMA.TABLE")
        })
    };
    texts.iter().map(name).collect()
}
