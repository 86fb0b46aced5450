//! Snowflake stages in SQL: how statements name them, who may use them, and the statements about their files.

mod bound;
mod files;
mod location;
mod reference;
mod scanner;
mod transfer;

pub(crate) use self::bound::with_bound_values;
pub(crate) use self::files::{FileStatement, execute, fitting};
pub(crate) use self::location::{StageLocation, StageName};
pub(crate) use self::reference::{StagePrivilege, StageReference};
