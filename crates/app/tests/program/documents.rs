//! The documents keep up with the code.

use std::path::Path;

/// Where whole sync files stand.
pub(crate) const DOCUMENTS: [&str; 6] = [
    "README.md",
    "docs/exports.md",
    "docs/imports.md",
    "docs/matching.md",
    "docs/push.md",
    "docs/sync-file.md",
];

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
    let whole = blocks.filter(|block| block.contains("tenant:") && block.contains("source:"));
    let log_in =
        "snowflake: { account: acme-prod, user: SNOWFERRY, password: { env: SNOWFERRY_TEST_UNSET } }";
    whole.map(|block| block.replace("snowflake: { … }", log_in).replace("read: { … }", "read: {}")).collect()
}
