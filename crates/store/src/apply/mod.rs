//! Making what is stored equal to what somebody wrote down: in one transaction, with every difference told.

mod connection;
mod prune;
mod secret;
mod sync;
mod tenant;

use std::time::Duration;

use model::{Result, ScheduleSpec};
use serde_json::Value;

pub use prune::Prune;

use crate::audit::Actor;
use crate::database::Tx;
use crate::secrets::{SecretValue, Vault};

/// All that is to be stored.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub tenants: Vec<WantedTenant>,
}

/// A tenant as it is to be, with all below it.
#[derive(Clone, Debug)]
pub struct WantedTenant {
    pub name: String,
    pub runs_max: u32,
    pub connections: Vec<WantedConnection>,
    pub syncs: Vec<WantedSync>,
}

/// A connection as it is to be.
#[derive(Clone, Debug)]
pub struct WantedConnection {
    pub name: String,
    pub system: String,
    /// How to reach it; never a secret.
    pub settings: Value,
    pub runs_max: u32,
    /// Its secrets by field. Those that are kept and not named here are destroyed.
    pub secrets: Vec<(String, SecretValue)>,
    /// Fields whose secrets are in the vault alone and come there in another way: they stay as they are.
    pub kept: Vec<String>,
}

/// A sync as it is to be.
#[derive(Clone, Debug)]
pub struct WantedSync {
    pub name: String,
    /// The names of its connections, which are the same tenant's.
    pub source: String,
    pub destination: String,
    pub definition: Value,
    pub schedule: Option<ScheduleSpec>,
    /// How old its last success may become before people are told.
    pub late_after: Option<Duration>,
}

/// How it is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// What becomes of syncs and connections that are stored and not wanted.
    pub prune: Prune,
    /// Says what would be changed, and changes nothing.
    pub is_dry_run: bool,
}

/// What a difference is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    Tenant,
    Connection,
    Sync,
}

/// One difference between what was stored and what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub object: Object,
    /// The tenant's name; below it, the tenant's and the object's with a slash between.
    pub name: String,
    pub kind: ChangeKind,
}

/// What is done about a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Changed(Vec<FieldChange>),
    Removed,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    pub field: String,
    pub values: FieldValues,
}

/// What a field was and what it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValues {
    Shown {
        before: Option<String>,
        after: Option<String>,
    },
    /// Nobody sees what it was or will be.
    Secret,
}

impl Object {
    /// The word used in JSON and in documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Object::Tenant => "tenant",
            Object::Connection => "connection",
            Object::Sync => "sync",
        }
    }
}

impl Vault {
    /// Makes tenants, connections, their secrets and syncs equal to what is wanted, all of it or nothing, and answers what
    /// differed. Two at once follow each other. A sync that goes on with another definition keeps its runs, and one that
    /// is going ends as it began.
    pub async fn apply(&self, wanted: &Wanted, options: ApplyOptions, by: &Actor) -> Result<Vec<Change>> {
        let tx = self.store().database.begin_queue_decision().await?;
        let mut applying = Applying { vault: self, tx, by, changes: Vec::new() };
        prune::guard(&mut applying.tx, wanted, options.prune).await?;
        for tenant in &wanted.tenants {
            applying.tenant(tenant).await?;
        }
        if options.prune != Prune::Nothing {
            applying.prune(wanted).await?;
        }
        if !options.is_dry_run {
            applying.tx.commit().await?;
        }
        Ok(applying.changes)
    }
}

/// An application of what is wanted, in the middle of its transaction.
struct Applying<'a> {
    vault: &'a Vault,
    tx: Tx,
    by: &'a Actor,
    changes: Vec<Change>,
}

impl Applying<'_> {
    fn note(&mut self, object: Object, name: String, kind: ChangeKind) {
        self.changes.push(Change { object, name, kind });
    }

    /// Notes a change of fields, where there is any, and answers whether there is.
    fn note_fields(&mut self, object: Object, name: String, fields: Vec<FieldChange>) -> bool {
        let has_any = !fields.is_empty();
        if has_any {
            self.note(object, name, ChangeKind::Changed(fields));
        }
        has_any
    }
}

/// The fields of two documents that differ.
fn document_changes(before: &Value, after: &Value) -> Vec<FieldChange> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return field_change("definition", Some(text(before)), Some(text(after))).into_iter().collect();
    };
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| field_change(name, old.get(name).map(text), new.get(name).map(text)))
        .collect()
}

fn field_change(field: &str, before: Option<String>, after: Option<String>) -> Option<FieldChange> {
    let differs = before != after;
    differs.then(|| FieldChange { field: field.to_owned(), values: FieldValues::Shown { before, after } })
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
