//! The codes that the sources give to errors, found by the constructors of [`model::Error`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Crates whose errors never reach a user as they are: the client's are lifted, the emulator's are Snowflake's.
const OTHERS: [&str; 2] = ["emulator", "snowflake"];
/// Faults of the tests' own making are nobody's to look up.
const FAULTS: [&str; 1] = ["faulty.rs"];

/// A code, the kind that it is given with where that can be seen, and the file.
pub(crate) struct Code {
    pub(crate) code: String,
    pub(crate) kind: Option<String>,
    pub(crate) place: String,
}

/// The text of all sources, without their tests.
pub(crate) struct Sources {
    files: Vec<(String, String)>,
    constants: BTreeMap<String, String>,
}

impl Sources {
    pub(crate) fn read() -> Self {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&crates).unwrap() {
            let folder = entry.unwrap().path();
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            if OTHERS.contains(&name.as_str()) || !folder.join("src").exists() {
                continue;
            }
            for path in rust_files(&folder.join("src")) {
                let shown = path.strip_prefix(&crates).unwrap().to_string_lossy().into_owned();
                if FAULTS.iter().any(|fault| shown.ends_with(fault)) || is_test(&shown) {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                files.push((shown, text));
            }
        }
        let constants = files.iter().flat_map(|(_, text)| constants(text)).collect();
        Self { files, constants }
    }

    /// Whether any source holds this word as a text.
    pub(crate) fn has_literal(&self, code: &str) -> bool {
        let literal = format!("\"{code}\"");
        self.files.iter().any(|(_, text)| text.contains(&literal))
    }

    /// The codes of all constructors that take a literal or a constant.
    pub(crate) fn codes(&self) -> Vec<Code> {
        let mut found = Vec::new();
        for (place, text) in &self.files {
            for (kind, argument) in constructed(text) {
                if let Some(code) = self.resolved(argument) {
                    found.push(Code { code, kind, place: place.clone() });
                }
            }
        }
        found
    }

    /// Files with constructors whose code is neither a literal nor a constant.
    pub(crate) fn places_that_hand_on(&self) -> BTreeSet<String> {
        let hands_on =
            |text: &str| constructed(text).iter().any(|(_, argument)| self.resolved(argument).is_none());
        self.files.iter().filter(|(_, text)| hands_on(text)).map(|(place, _)| place.clone()).collect()
    }

    fn resolved(&self, argument: &str) -> Option<String> {
        match argument.strip_prefix('"') {
            Some(rest) => rest.split('"').next().map(str::to_owned),
            None => self.constants.get(argument.rsplit("::").next()?).cloned(),
        }
    }
}

/// Kind and code of each constructor, as they are written.
fn constructed(text: &str) -> Vec<(Option<String>, &str)> {
    let mut found = Vec::new();
    for (constructor, kind) in [("Error::config(", Some("config")), ("Error::data(", Some("data"))] {
        let calls = text.split(constructor).skip(1);
        found.extend(calls.map(|arguments| (kind.map(str::to_owned), first_argument(arguments))));
    }
    for arguments in text.split("Error::new(").skip(1) {
        let first = first_argument(arguments);
        let Some(kind) = first.strip_prefix("ErrorKind::") else {
            found.push((None, second_argument(arguments)));
            continue;
        };
        found.push((Some(snake(kind)), second_argument(arguments)));
    }
    found
}

fn first_argument(arguments: &str) -> &str {
    arguments.split([',', ')']).next().unwrap_or_default().trim()
}

fn second_argument(arguments: &str) -> &str {
    arguments.split_once(',').map_or("", |(_, rest)| first_argument(rest))
}

/// `SchemaChanged` as the documentation writes it.
fn snake(variant: &str) -> String {
    let mut word = String::new();
    for c in variant.chars() {
        if c.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(c.to_ascii_lowercase());
    }
    word
}

/// `const NAME: &str = "code";`
fn constants(text: &str) -> Vec<(String, String)> {
    let declared = text.split("const ").skip(1).filter_map(|rest| {
        let (name, value) = rest.split_once(": &str = \"")?;
        let is_name = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        is_name.then(|| (name.to_owned(), value.split('"').next().unwrap_or_default().to_owned()))
    });
    declared.collect()
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.contains("/conformance/")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false if path.extension().is_some_and(|extension| extension == "rs") => vec![path],
            false => Vec::new(),
        })
        .collect()
}
