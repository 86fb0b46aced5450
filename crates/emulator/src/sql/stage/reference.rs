//! Snowflake stages looked up in the catalog, with the session's privileges.

use super::{StageLocation, StageName};
use crate::outcome::SqlError;
use crate::sql::catalog::{StageEntry, TableEntry};
use crate::sql::error::{insufficient_privileges, missing};
use crate::sql::names::{display, display_path};
use crate::sql::state::SessionState;
use crate::stage::StageId;

/// What a statement does with a named Snowflake stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StagePrivilege {
    Read,
    Write,
}

/// A Snowflake stage that the session may use.
#[derive(Clone, Debug)]
pub(crate) enum StageReference {
    User(String),
    Table(TableEntry),
    Named { path: [String; 3], entry: StageEntry },
}

impl StageReference {
    pub(crate) fn id(&self) -> StageId {
        match self {
            Self::User(name) => StageId::User(name.clone()),
            Self::Table(entry) => StageId::Table(entry.id),
            Self::Named { entry, .. } => StageId::Named(entry.id),
        }
    }

    /// The stages of users and tables always are.
    pub(crate) fn is_client_side_encrypted(&self) -> bool {
        match self {
            Self::User(_) | Self::Table(_) => true,
            Self::Named { entry, .. } => entry.is_client_side_encrypted,
        }
    }

    /// A file as LIST, REMOVE and COPY name it: below the stage's name in small letters, where it has one.
    pub(crate) fn listed(&self, file: &str) -> String {
        match self {
            Self::User(_) | Self::Table(_) => file.to_owned(),
            Self::Named { path, .. } => format!("{}/{file}", path[2].to_lowercase()),
        }
    }
}

impl SessionState {
    /// The stage of a location: one's own, that of a table that one owns, or a named one with the privilege.
    pub(crate) fn stage(
        &self,
        location: &StageLocation,
        privilege: StagePrivilege,
    ) -> Result<StageReference, SqlError> {
        match &location.name {
            StageName::User => Ok(StageReference::User(self.user.clone())),
            StageName::Table(parts) => {
                let path = self.qualify_table(parts)?;
                let (_, entry) = self.table(path, &display_path(parts), "OWNERSHIP")?;
                Ok(StageReference::Table(entry))
            }
            StageName::Named(parts) => self.named_stage(
                parts,
                match privilege {
                    StagePrivilege::Read => "READ",
                    StagePrivilege::Write => "WRITE",
                },
            ),
        }
    }

    /// The named Snowflake stage, where the session has the privilege on it; any will do when it is empty.
    pub(crate) fn named_stage(&self, parts: &[String], privilege: &str) -> Result<StageReference, SqlError> {
        let path = self.qualify_table(parts)?;
        if let Some(entry) = self.temporary_stages.get(&path) {
            return Ok(StageReference::Named { path, entry: entry.clone() });
        }
        if !self.sees_database(&path[0]) {
            return Err(missing("Database", &display(&path[0])));
        }
        if !self.sees_schema(&path[0], &path[1]) {
            return Err(missing("Schema", &display_path(&path[..2])));
        }
        let hidden = || missing("Stage", &display_path(parts));
        let entry = self.catalog.schema(&path[0], &path[1])?.stages.get(&path[2]).ok_or_else(hidden)?;
        if !self.may("STAGE", &path, &entry.owner, &[]) {
            return Err(hidden());
        }
        if !privilege.is_empty() && !self.may("STAGE", &path, &entry.owner, &[privilege]) {
            return Err(insufficient_privileges("stage", &display(&path[2])));
        }
        Ok(StageReference::Named { path, entry: entry.clone() })
    }
}
