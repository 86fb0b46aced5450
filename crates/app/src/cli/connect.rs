//! `snowferry connect`: the script that gives us access to a customer's account, with a key pair made on this machine.

use clap::{Args, ValueEnum};
use connectors::snowflake::onboarding::{Ipv4Network, Onboarding};
use model::{Error, Result};
use snowflake::{Identifier, KeyBits, PrivateKey};

use super::access::{AccessArguments, Asked, NamedObjects};
use super::rotate::Rotation;
use crate::config::SyncFile;
use crate::output::{Terminal, print_line};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry connect -f acme/opportunities.yaml > acme-access.sql
  snowferry connect -f acme/opportunities.yaml -f acme/users.yaml --egress 203.0.113.4 --own-virtual-warehouse
  snowferry connect -f acme/opportunities.yaml --close
  snowferry connect -f acme/opportunities.yaml --rotate
  snowferry connect --stored acme/acme-prod-snowferry > acme-access.sql")]
pub(crate) struct ConnectCommand {
    #[command(flatten)]
    access: AccessArguments,

    /// Let the user log in from these IPv4 addresses only; may be repeated
    #[arg(long, value_name = "NETWORK")]
    egress: Vec<String>,

    /// Make the virtual warehouse: extra small, suspended after a minute
    #[arg(long)]
    own_virtual_warehouse: bool,

    /// Switch change tracking on for tables whose changes are followed
    #[arg(long)]
    track_changes: bool,

    /// The size of a key that has to be made
    #[arg(long, value_enum, default_value_t, value_name = "BITS")]
    bits: Bits,

    /// Print the script that takes everything away again
    #[arg(long)]
    close: bool,

    /// Go on with putting a new key in place of the one in use, step by step, so that no run fails
    #[arg(long, conflicts_with_all = ["close", "egress", "own_virtual_warehouse", "track_changes"])]
    rotate: bool,
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
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let Asked { files, kept, .. } = self.access.read().await?;
        if self.rotate {
            let rotated = Rotation::of(&files[0], kept, self.bits.into())?.go_on().await?;
            eprintln!("{}", terminal.dim(&rotated.note));
            return rotated.sql.map_or(Ok(()), |sql| print_line(&sql));
        }
        // Everything that may be refused comes before a key is made.
        let onboarding = self.grants().onboarding(&files)?;
        if self.close {
            return print_line(onboarding.closing_script()?.trim_end());
        }
        onboarding.script()?;
        let (key, made_in) = match kept {
            Some(kept) => {
                let (key, is_new) = kept.current_or_new(self.bits.into()).await?;
                (key, is_new.then(|| "the vault".to_owned()))
            }
            None => {
                let pair = files[0].key_pair(self.bits.into())?;
                (pair.key, pair.made.map(|path| path.display().to_string()))
            }
        };
        if let Some(place) = made_in {
            let note = format!("the private key was made in {place}; it is not in the script");
            eprintln!("{}", terminal.dim(&note));
        }
        print_line(with_key(onboarding, &key)?.script()?.trim_end())
    }

    fn grants(&self) -> Grants {
        Grants {
            objects: self.access.objects.clone(),
            egress: self.egress.clone(),
            own_virtual_warehouse: self.own_virtual_warehouse,
            track_changes: self.track_changes,
        }
    }
}

/// What a customer is asked for, beside what the files need.
#[derive(Debug)]
pub(super) struct Grants {
    pub(super) objects: NamedObjects,
    pub(super) egress: Vec<String>,
    pub(super) own_virtual_warehouse: bool,
    pub(super) track_changes: bool,
}

impl Grants {
    /// What is asked for, still without a key.
    pub(super) fn onboarding(&self, files: &[SyncFile]) -> Result<Onboarding> {
        self.objects.refuse_unknown_tables(files)?;
        Ok(Onboarding {
            makes_virtual_warehouse: self.own_virtual_warehouse,
            objects: self.objects.needs(files)?.objects,
            egress: self.egress.iter().map(|text| Ipv4Network::parse(text)).collect::<Result<_>>()?,
            includes_future_tables: self.objects.future_tables,
            tracks_changes: self.track_changes,
            ..bare_onboarding(&files[0])?
        })
    }
}

/// The same with the public half of a key.
pub(super) fn with_key(onboarding: Onboarding, key: &PrivateKey) -> Result<Onboarding> {
    let public_key = key.public_key_body();
    let public_key = public_key.map_err(|error| Error::internal(error.message().to_owned()))?;
    Ok(Onboarding { public_key, fingerprint: key.fingerprint().to_owned(), ..onboarding })
}

/// Who logs in, as a file names it, and nothing else that is asked for. It is all that a closing script needs.
fn bare_onboarding(file: &SyncFile) -> Result<Onboarding> {
    let named = |what: &str, value: Option<&str>| {
        value.map(str::to_owned).ok_or_else(|| {
            Error::config("connect_incomplete", format!("{} names no {what}", file.name()))
                .with_remedy(format!("add `{what}` under `snowflake`"))
        })
    };
    Ok(Onboarding {
        tenant: file.tenant().to_owned(),
        user: folded(&named("user", file.user())?)?,
        role: folded(&named("role", file.role())?)?,
        virtual_warehouse: folded(&named("virtual_warehouse", file.virtual_warehouse())?)?,
        makes_virtual_warehouse: false,
        public_key: String::new(),
        fingerprint: String::new(),
        objects: Vec::new(),
        egress: Vec::new(),
        includes_future_tables: false,
        tracks_changes: false,
    })
}

/// The script that drops whatever was made for a file.
pub(super) fn closing_script(file: &SyncFile) -> Result<String> {
    bare_onboarding(file)?.closing_script()
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
