//! A place inside a Snowflake stage, written as SQL so that nothing in a name or path can end the literal early.

use std::fmt;

use crate::{Error, ErrorKind, ObjectName, Result};

/// The longest path. The object stores allow 1024 bytes, some of which the stage's own prefix takes.
const PATH_BYTES_MAX: usize = 700;

/// A folder or file of a Snowflake stage. Printed, it is the quoted literal that `PUT`, `GET`, `LIST`, `REMOVE` and
/// `COPY INTO` take.
///
/// ```
/// use snowflake::{ObjectName, StageLocation};
/// assert_eq!(StageLocation::user("runs/42/")?.to_string(), "'@~/runs/42/'");
/// let table: ObjectName = "crm.sales.orders".parse()?;
/// assert_eq!(StageLocation::table(&table, "")?.to_string(), r#"'@"CRM"."SALES".%"ORDERS"'"#);
/// assert_eq!(StageLocation::named(&"my_stage".parse()?, "it's")?.to_string(), r#"'@"MY_STAGE"/it\'s'"#);
/// # Ok::<(), snowflake::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StageLocation {
    stage: Stage,
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stage {
    User,
    Table(ObjectName),
    Named(ObjectName),
}

impl StageLocation {
    /// In the user's own stage, `@~`, which every user has.
    ///
    /// A path that ends in a slash is a folder; without the slash it is a prefix of file names, as in Snowflake.
    pub fn user(path: &str) -> Result<Self> {
        Self::new(Stage::User, path)
    }

    /// In the stage of a table, `@%table`.
    pub fn table(table: &ObjectName, path: &str) -> Result<Self> {
        Self::new(Stage::Table(table.clone()), path)
    }

    /// In a named stage.
    pub fn named(stage: &ObjectName, path: &str) -> Result<Self> {
        Self::new(Stage::Named(stage.clone()), path)
    }

    /// A file or folder of this folder.
    pub fn join(&self, path: &str) -> Result<Self> {
        if !self.is_folder() {
            return Err(refused("the path before it does not end in a slash"));
        }
        Self::new(self.stage.clone(), &format!("{}{path}", self.path))
    }

    /// The path inside the stage.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether files can be put into it: it is the whole stage, or its path ends in a slash.
    pub fn is_folder(&self) -> bool {
        self.path.is_empty() || self.path.ends_with('/')
    }

    fn new(stage: Stage, path: &str) -> Result<Self> {
        if path.len() > PATH_BYTES_MAX {
            return Err(refused("it is longer than 700 bytes"));
        }
        if path.chars().any(char::is_control) {
            return Err(refused("it holds a control character"));
        }
        let segments = path.strip_suffix('/').unwrap_or(path);
        if !path.is_empty() && segments.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(refused("one of its parts is empty, . or .."));
        }
        Ok(Self { stage, path: path.to_owned() })
    }
}

impl fmt::Display for StageLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::User => "~".to_owned(),
            Stage::Named(name) => name.to_string(),
            Stage::Table(table) => {
                let (object, outer) = table.parts().split_last().expect("a name has at least one part");
                let outer: String = outer.iter().map(|part| format!("{part}.")).collect();
                format!("{outer}%{object}")
            }
        };
        let slash = if self.path.is_empty() { "" } else { "/" };
        f.write_str(&file_literal(&format!("@{stage}{slash}{}", self.path)))
    }
}

/// A literal as `PUT` and `GET` read them: they know the backslash, but not the doubled quote.
pub(super) fn file_literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Statement, format!("this path in a Snowflake stage cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_of_stage_is_written_quoted() {
        let name: ObjectName = r#"db."my schema"."it's""#.parse().unwrap();
        for (location, expected) in [
            (StageLocation::user(""), "'@~'"),
            (StageLocation::user("a b/c"), "'@~/a b/c'"),
            (StageLocation::named(&name, "x/"), r#"'@"DB"."my schema"."it\'s"/x/'"#),
            (StageLocation::table(&name, ""), r#"'@"DB"."my schema".%"it\'s"'"#),
        ] {
            assert_eq!(location.unwrap().to_string(), expected);
        }
    }

    #[test]
    fn paths_that_climb_or_hide_are_refused() {
        for path in ["/", "/a", "a//b", "a/../b", "..", "./a", "a\nb", "a\0", &"x".repeat(701)] {
            assert!(StageLocation::user(path).is_err(), "{path:?}");
        }
        assert!(StageLocation::user("a").unwrap().join("b").is_err());
        assert_eq!(StageLocation::user("a/").unwrap().join("b").unwrap().path(), "a/b");
    }

    proptest! {
        #[test]
        fn nothing_in_a_path_ends_the_literal(path in r"[a'\\/;\-]{1,20}") {
            let Ok(location) = StageLocation::user(&path) else { return Ok(()) };
            let literal = location.to_string();
            let inside = literal.strip_prefix("'@~/").unwrap().strip_suffix('\'').unwrap();
            let mut characters = inside.chars();
            let mut read = String::new();
            while let Some(c) = characters.next() {
                prop_assert_ne!(c, '\'');
                read.push(if c == '\\' { characters.next().unwrap() } else { c });
            }
            prop_assert_eq!(read, path);
        }
    }
}
