//! Which Snowflake stage it is: by the number of its catalog entry, so that a stage of the same name made anew is
//! another one.

use std::fmt::Write;

/// One Snowflake stage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum StageId {
    /// `@~` of this user.
    User(String),
    /// `@%t` of the table with this number.
    Table(u64),
    /// A named Snowflake stage by its own number.
    Named(u64),
}

impl StageId {
    /// The stage's folder on disk, and the start of its keys in the object store.
    pub(crate) fn folder(&self) -> String {
        match self {
            Self::User(name) => format!("user-{}", escaped(name)),
            Self::Table(id) => format!("table-{id}"),
            Self::Named(id) => format!("named-{id}"),
        }
    }

    pub(crate) fn of_folder(folder: &str) -> Option<Self> {
        let (kind, name) = folder.split_once('-')?;
        match kind {
            "user" => Some(Self::User(unescaped(name)?)),
            "table" => Some(Self::Table(name.parse().ok()?)),
            "named" => Some(Self::Named(name.parse().ok()?)),
            _ => None,
        }
    }
}

/// Safe in a file name and in a URL, and different names stay different where letter case does not count.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_uppercase() || byte.is_ascii_digit() {
            text.push(char::from(byte));
        } else {
            write!(text, "_{byte:02x}").expect("a String takes every write");
        }
    }
    text
}

fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('_');
    let mut name = parts.next()?.as_bytes().to_vec();
    for part in parts {
        name.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        name.extend_from_slice(part.get(2..)?.as_bytes());
    }
    String::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::StageId;

    #[test]
    fn a_folder_names_one_stage_only() {
        let user = |name: &str| StageId::User(name.to_owned());
        for id in [user("SNOWFERRY"), user("sync.Ü_x@acme"), StageId::Table(7), StageId::Named(7)] {
            assert_eq!(StageId::of_folder(&id.folder()), Some(id));
        }
        assert_ne!(user("A").folder().to_lowercase(), user("a").folder().to_lowercase());
        assert_eq!(StageId::of_folder("lost+found"), None);
    }
}
