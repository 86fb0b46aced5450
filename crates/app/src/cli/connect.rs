//! `snowferry connect`: the script that gives us access to a customer's account, with a key pair made on this machine.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use connectors::snowflake::onboarding::{Access, Ipv4Network, Onboarding, Purpose};
use model::{Error, ReadSpec, Result, StreamName, TableName};
use snowflake::{Identifier, KeyBits};

use crate::config::{QualifiedTable, SyncFile};
use crate::output::{Terminal, print_line};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry connect -f acme/opportunities.yaml > acme-access.sql
  snowferry connect -f acme/opportunities.yaml -f acme/users.yaml --egress 203.0.113.4 --own-virtual-warehouse
  snowferry connect -f acme/opportunities.yaml --close")]
pub(crate) struct ConnectCommand {
    /// The sync files of one service user; the script grants what all of them need
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Let the user log in from these IPv4 addresses only; may be repeated
    #[arg(long, value_name = "NETWORK")]
    egress: Vec<String>,

    /// Make the virtual warehouse: extra small, suspended after a minute
    #[arg(long)]
    own_virtual_warehouse: bool,

    /// Allow reading tables that are made later in the same schemas as well
    #[arg(long)]
    future_tables: bool,

    /// Switch change tracking on for tables whose changes are followed
    #[arg(long)]
    track_changes: bool,

    /// A table that a query reads; may be repeated
    #[arg(long = "table", value_name = "DATABASE.SCHEMA.TABLE")]
    tables: Vec<String>,

    /// A view that is read; may be repeated
    #[arg(long = "view", value_name = "DATABASE.SCHEMA.VIEW")]
    views: Vec<String>,

    /// The size of a key that has to be made
    #[arg(long, value_enum, default_value_t, value_name = "BITS")]
    bits: Bits,

    /// Print the script that takes everything away again
    #[arg(long)]
    close: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Bits {
    #[default]
    #[value(name = "2048")]
    Rsa2048,
    #[value(name = "3072")]
    Rsa3072,
    #[value(name = "4096")]
    Rsa4096,
}

impl ConnectCommand {
    pub(crate) fn run(&self, terminal: &Terminal) -> Result<()> {
        let files = self.files.iter().map(|path| SyncFile::read(path)).collect::<Result<Vec<_>>>()?;
        // Everything that may be refused comes before a key is made.
        let onboarding = self.onboarding(&files)?;
        if self.close {
            return print_line(onboarding.closing_script()?.trim_end());
        }
        onboarding.script()?;
        let pair = files[0].key_pair(self.bits.into())?;
        if let Some(path) = &pair.made {
            let note = format!("the private key was made in {}; it is not in the script", path.display());
            eprintln!("{}", terminal.dim(&note));
        }
        let public_key = pair.key.public_key_body();
        let public_key = public_key.map_err(|error| Error::internal(error.message().to_owned()))?;
        let fingerprint = pair.key.fingerprint().to_owned();
        print_line(Onboarding { public_key, fingerprint, ..onboarding }.script()?.trim_end())
    }

    /// What is asked for, still without a key.
    fn onboarding(&self, files: &[SyncFile]) -> Result<Onboarding> {
        let first = &files[0];
        let same = |what: &str, of: fn(&SyncFile) -> Option<&str>| {
            let value = of(first).ok_or_else(|| {
                Error::config("connect_incomplete", format!("{} names no {what}", first.name()))
                    .with_remedy(format!("add `{what}` under `snowflake`"))
            })?;
            match files.iter().all(|file| of(file) == Some(value)) {
                true => Ok(value),
                false => Err(Error::config("connect_different", format!("the files name different {what}s"))
                    .with_remedy("make one script for each service user")),
            }
        };
        let tenant = same("tenant", |file| Some(file.tenant()))?.to_owned();
        let mut objects = Vec::new();
        for file in files {
            objects.extend(self.objects(file)?);
        }
        objects.dedup();
        Ok(Onboarding {
            tenant,
            user: folded(same("user", SyncFile::user)?)?,
            role: folded(same("role", SyncFile::role)?)?,
            virtual_warehouse: folded(same("virtual_warehouse", SyncFile::virtual_warehouse)?)?,
            makes_virtual_warehouse: self.own_virtual_warehouse,
            public_key: String::new(),
            fingerprint: String::new(),
            objects,
            egress: self.egress.iter().map(|text| Ipv4Network::parse(text)).collect::<Result<_>>()?,
            includes_future_tables: self.future_tables,
            tracks_changes: self.track_changes,
        })
    }

    /// What one sync does in the account.
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
            StreamName::Query { .. } if self.tables.is_empty() && views.is_empty() => {
                let message =
                    format!("{} reads by a query, and which tables that needs is not known", file.name());
                Err(Error::config("connect_tables", message).with_remedy("name each with --table or --view"))
            }
            StreamName::Query { .. } => {
                Ok(names(&self.tables)?.into_iter().chain(views.clone()).map(access).collect())
            }
        }
    }
}

impl From<Bits> for KeyBits {
    fn from(bits: Bits) -> Self {
        match bits {
            Bits::Rsa2048 => KeyBits::Rsa2048,
            Bits::Rsa3072 => KeyBits::Rsa3072,
            Bits::Rsa4096 => KeyBits::Rsa4096,
        }
    }
}

/// A name as the log-in folds it.
fn folded(name: &str) -> Result<Identifier> {
    if !name.starts_with('"') && name.contains(['.', '!']) {
        let message = format!("`{name}` names something inside something else, such as a database role");
        return Err(Error::config("connect_name", message)
            .with_remedy("name a role of the account: only such a role can be that of a session"));
    }
    Identifier::parse(name).map_err(|error| {
        Error::config("connect_name", format!("`{name}` cannot be a name: {}", error.message()))
            .with_remedy("correct it in the sync file")
    })
}

fn names(texts: &[String]) -> Result<Vec<TableName>> {
    let name = |text: &String| {
        QualifiedTable::try_from(text.clone()).map(|QualifiedTable(table)| table).map_err(|message| {
            Error::config("connect_tables", message).with_remedy("write DATABASE.SCHEMA.TABLE")
        })
    };
    texts.iter().map(name).collect()
}
