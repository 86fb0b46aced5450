//! The documents keep up with the code.

use std::path::{Path, PathBuf};

#[test]
fn every_error_code_is_documented_and_every_documented_code_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let documented = std::fs::read_to_string(root.join("docs/errors.md")).unwrap();
    let documented: Vec<&str> =
        documented.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut sources = String::new();
    for name in ["model", "connectors", "datasets", "engine", "store", "service", "app"] {
        for path in rust_files(&root.join("crates").join(name).join("src")) {
            // Faults of the tests' own making are nobody's to look up.
            if !path.ends_with("faulty.rs") && !path.ends_with("retry.rs") {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let undocumented: Vec<&str> = codes(&sources).filter(|code| !documented.contains(code)).collect();
    assert!(undocumented.is_empty(), "not in docs/errors.md: {undocumented:?}");
    let unknown = documented.iter().filter(|code| !sources.contains(&format!("\"{code}\"")));
    assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&&str>::new(), "in docs/errors.md and nowhere else");
}

/// Where whole sync files stand.
pub(crate) const DOCUMENTS: [&str; 4] = ["README.md", "docs/imports.md", "docs/sync-file.md", "docs/push.md"];

#[test]
fn every_whole_sync_file_in_the_documents_makes_sense() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("example.yaml");
    let mut seen = 0;
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        for example in examples(&text) {
            std::fs::write(&path, &example).unwrap();
            let program = env!("CARGO_BIN_EXE_snowferry");
            let check =
                std::process::Command::new(program).arg("check").arg("-f").arg(&path).output().unwrap();
            let said = String::from_utf8(check.stdout).unwrap();
            let refused = String::from_utf8(check.stderr).unwrap();
            assert!(said.starts_with("ok   sync file"), "{document}: {refused}\n{example}");
            seen += 1;
        }
    }
    assert!(seen >= 3, "only {seen} examples were found");
}

/// The YAML of whole sync files. What is left to the reader is written as `{ … }`, and filled in here.
pub(crate) fn examples(document: &str) -> Vec<String> {
    let blocks = document.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let whole = blocks.filter(|block| block.contains("tenant:") && block.contains("stream:"));
    let log_in =
        "snowflake: { account: acme-prod, user: SNOWFERRY, password: { env: SNOWFERRY_TEST_UNSET } }";
    whole.map(|block| block.replace("snowflake: { … }", log_in).replace("read: { … }", "read: {}")).collect()
}

/// The snake_case words that constructors of errors are given as code.
fn codes(sources: &str) -> impl Iterator<Item = &str> {
    let constructors = ["Error::config(", "Error::data(", "Error::new("];
    constructors.into_iter().flat_map(move |constructor| {
        sources.split(constructor).skip(1).filter_map(|arguments| {
            let first = arguments.split('"').nth(1)?;
            let is_code = !first.is_empty() && first.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            is_code.then_some(first)
        })
    })
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .collect()
}
