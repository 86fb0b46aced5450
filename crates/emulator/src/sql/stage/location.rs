//! How statements name places in Snowflake stages: `@~/path`, `@%table/path`, `@db.schema.stage/path`.

use crate::outcome::SqlError;
use crate::sql::error::{compilation, unsupported};
use crate::sql::names;

/// A Snowflake stage by its name, not looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StageName {
    /// The user's own.
    User,
    /// That of a table, by the table's name.
    Table(Vec<String>),
    Named(Vec<String>),
}

/// A Snowflake stage and a path in it, which is a prefix of file names, without a leading slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StageLocation {
    pub name: StageName,
    pub path: String,
}

impl StageLocation {
    /// Reads a location as it stands in a statement, without the single quotes around it.
    pub(crate) fn parse(text: &str) -> Result<Self, SqlError> {
        let Some(rest) = text.strip_prefix('@') else {
            let is_external = text.contains("://");
            return Err(if is_external { unsupported("an external location") } else { invalid(text) });
        };
        let end = name_end(rest);
        let (name, path) = rest.split_at(end);
        let path = path.trim_start_matches('/').to_owned();
        if name == "~" {
            return Ok(Self { name: StageName::User, path });
        }
        let (containers, last) = name.split_at(last_part(name));
        let name = match last.strip_prefix('%') {
            Some(table) => StageName::Table(names::from_text(&format!("{containers}{table}"))?),
            // The mark may stand inside the quotes as well.
            None if last.starts_with("\"%") => {
                StageName::Table(names::from_text(&format!("{containers}\"{}", &last[2..]))?)
            }
            None if name.is_empty() => return Err(invalid(text)),
            None => StageName::Named(names::from_text(name)?),
        };
        Ok(Self { name, path })
    }

    /// The path as a folder's: with a slash at its end, where it is not empty.
    pub(crate) fn folder(&self) -> String {
        match self.path.as_str() {
            "" => String::new(),
            path if path.ends_with('/') => path.to_owned(),
            path => format!("{path}/"),
        }
    }
}

/// Where the stage's name ends: at the first slash outside double quotes.
fn name_end(text: &str) -> usize {
    let mut is_quoted = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '/' if !is_quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// Where the last part of a dotted name begins.
fn last_part(name: &str) -> usize {
    let mut is_quoted = false;
    let mut start = 0;
    for (at, letter) in name.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => start = at + 1,
            _ => {}
        }
    }
    start
}

fn invalid(text: &str) -> SqlError {
    compilation("001003", "42000", &format!("'{text}' is not a location in a stage"))
}

#[cfg(test)]
mod tests {
    use super::{StageLocation, StageName};

    fn read(text: &str) -> (StageName, String) {
        let location = StageLocation::parse(text).unwrap();
        (location.name, location.path)
    }

    fn strings(parts: &[&str]) -> Vec<String> {
        parts.iter().map(|part| (*part).to_owned()).collect()
    }

    #[test]
    fn every_way_to_name_a_stage_is_read() {
        assert_eq!(read("@~"), (StageName::User, String::new()));
        assert_eq!(read("@~/run 1/part"), (StageName::User, "run 1/part".to_owned()));
        assert_eq!(read("@%t/x/"), (StageName::Table(strings(&["T"])), "x/".to_owned()));
        assert_eq!(
            read("@d.\"my schema\".%\"my/t\"/x"),
            (StageName::Table(strings(&["D", "my schema", "my/t"])), "x".to_owned())
        );
        assert_eq!(read("@\"D\".\"S\".\"%T\"").0, StageName::Table(strings(&["D", "S", "T"])));
        assert_eq!(read("@stg"), (StageName::Named(strings(&["STG"])), String::new()));
        assert_eq!(
            read("@\"D\".\"s.1\".STG/run42/"),
            (StageName::Named(strings(&["D", "s.1", "STG"])), "run42/".to_owned())
        );
    }

    #[test]
    fn what_is_no_stage_is_refused() {
        for text in ["", "stg/x", "@", "@/x", "s3://bucket/x"] {
            assert!(StageLocation::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_becomes_a_folder_with_one_slash() {
        let folder = |text| StageLocation::parse(text).unwrap().folder();
        assert_eq!(
            [folder("@~"), folder("@~/a"), folder("@~/a/"), folder("@~/")],
            ["", "a/", "a/", ""].map(str::to_owned)
        );
    }
}
