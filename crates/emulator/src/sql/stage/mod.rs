//! Snowflake stages in SQL: how statements name them, who may use them, and the statements about their files.

#![allow(dead_code, reason = "PUT calls the rest in the next step")]

mod files;
mod location;
mod reference;
mod scanner;

pub(crate) use self::files::{FileStatement, execute, fitting};
pub(crate) use self::location::{StageLocation, StageName};
pub(crate) use self::reference::{StagePrivilege, StageReference};
