//! What a customer is asked to run: a script that gives one service user exactly what syncs need, and one that takes it
//! all away again. Pure functions, so that what is sent to a customer can be read in a test.

mod reserved;
mod script;

#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

pub(crate) use reserved::SYSTEM_ROLES;
pub(crate) use script::policy_statements;

use model::{Error, Result, TableName, WriteSpec};
use snowflake::Identifier;

/// Access to a customer's account, as it is asked for.
#[derive(Clone, Debug)]
pub struct Onboarding {
    pub tenant: String,
    pub user: Identifier,
    pub role: Identifier,
    pub virtual_warehouse: Identifier,
    /// Whether the virtual warehouse is made for this user alone.
    pub makes_virtual_warehouse: bool,
    /// The public key as one line of base64, and how `DESC USER` shows it.
    pub public_key: String,
    pub fingerprint: String,
    pub objects: Vec<Access>,
    /// Where we come from; nothing leaves the account's own network policy as it is.
    pub egress: Vec<Ipv4Network>,
    /// Whether tables that will be made in the same schemas may be read as well.
    pub includes_future_tables: bool,
    /// Whether the account is to track changes of the tables that are read by them.
    pub tracks_changes: bool,
}

/// What is done with one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub table: TableName,
    pub is_view: bool,
    pub purpose: Purpose,
}

/// What somebody wants with an object, from which its privileges follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    Read { follows_changes: bool },
    Write { write: WriteSpec, makes_table: bool },
}

/// IPv4 addresses that begin alike, as network policies take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Network {
    address: Ipv4Addr,
    prefix: u8,
}

impl Ipv4Network {
    /// Reads `203.0.113.4` or `203.0.113.0/28`. The whole internet is no place that anybody comes from.
    pub fn parse(text: &str) -> Result<Self> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let network =
            address.parse().ok().zip(prefix.parse::<u8>().ok().filter(|prefix| (8..=32).contains(prefix)));
        let (address, prefix) = network.ok_or_else(|| {
            Error::config("egress_invalid", format!("`{text}` is no network of IPv4 addresses")).with_remedy(
                "write an address such as 203.0.113.4, or a network of at most 2^24 of them, 203.0.113.0/28",
            )
        })?;
        Ok(Self { address, prefix })
    }
}

impl std::fmt::Display for Ipv4Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Purpose {
    /// The privileges on the object itself; the least that does.
    pub(crate) fn privileges(&self) -> Result<&'static [&'static str]> {
        match self {
            Purpose::Read { .. } => Ok(&["SELECT"]),
            Purpose::Write { write: WriteSpec::Append, .. } => Ok(&["INSERT"]),
            Purpose::Write { write: WriteSpec::Rewrite, .. } => Ok(&["INSERT", "DELETE"]),
            Purpose::Write { write: WriteSpec::Upsert { delete_flag: None }, .. } => {
                Ok(&["INSERT", "UPDATE"])
            }
            Purpose::Write { write: WriteSpec::Upsert { delete_flag: Some(_) }, .. } => {
                Ok(&["INSERT", "UPDATE", "DELETE"])
            }
            Purpose::Write { write: WriteSpec::Mirror, .. } => {
                Err(Error::internal("a customer's table is never a mirror"))
            }
        }
    }
}

impl Onboarding {
    /// The script that gives access. Run twice it changes nothing.
    pub fn script(&self) -> Result<String> {
        reserved::refuse(self)?;
        script::opening(self)
    }

    /// The script that takes all of it away, and nothing that the first script has not made.
    pub fn closing_script(&self) -> Result<String> {
        reserved::refuse(self)?;
        Ok(script::closing(self))
    }
}
