//! The seam to whoever makes the keys of connections and writes the customer's SQL.

use std::fmt::Debug;

use async_trait::async_trait;
use model::Result;
use serde::Deserialize;
use store::{Actor, Connection};
use utoipa::ToSchema;

/// What a customer is asked for, beside what the stored syncs of the connection need.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccessAsked {
    /// The size of a key that has to be made: 2048, 3072 or 4096; 2048 unless given.
    #[schema(minimum = 2048, maximum = 4096, multiple_of = 1024)]
    pub bits: Option<u32>,
    /// Let the user log in from these IPv4 networks only.
    pub egress: Vec<String>,
    /// Make the virtual warehouse: extra small, suspended after a minute.
    pub own_virtual_warehouse: bool,
    /// Switch change tracking on for tables whose changes are followed.
    pub track_changes: bool,
    /// Tables that are made later in the same schemas may be read as well.
    pub future_tables: bool,
    /// Tables that a query reads, as DATABASE.SCHEMA.TABLE.
    pub tables: Vec<String>,
    /// Views that are read, in the same way.
    pub views: Vec<String>,
}

/// The customer's SQL script, and the key that it names.
#[derive(Clone, Debug)]
pub struct AccessScript {
    pub sql: String,
    /// The fingerprint of the public key, as `DESC USER` shows it.
    pub fingerprint: String,
    /// Whether the key was made for it.
    pub is_new_key: bool,
}

/// How far the change of a key has come by one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationStep {
    /// The next key was made; the customer adds it.
    Begun,
    /// The customer has not added the next key yet.
    NotAdded,
    /// The next key is in use; the customer removes the former one.
    Switched,
    /// The customer has not removed the former key yet.
    NotRemoved,
    /// The former key is gone.
    Done,
}

/// What a step of a rotation came to.
#[derive(Clone, Debug)]
pub struct Rotated {
    pub step: RotationStep,
    /// What happened, for people.
    pub note: String,
    /// What the customer has to run before the next step.
    pub sql: Option<String>,
}

/// Makes and changes the keys that the vault keeps. No private key ever comes out of it.
#[async_trait]
pub trait Keys: Debug + Send + Sync {
    /// The script that gives access, with a key made where there is none yet.
    async fn access(&self, connection: &Connection, asked: &AccessAsked, by: &Actor) -> Result<AccessScript>;

    /// Goes on with putting a new key in place of the one in use.
    async fn rotate(&self, connection: &Connection, bits: Option<u32>, by: &Actor) -> Result<Rotated>;
}

impl RotationStep {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::NotAdded => "not_added",
            Self::Switched => "switched",
            Self::NotRemoved => "not_removed",
            Self::Done => "done",
        }
    }
}
