//! The page that lists the reports and these tests name each other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The reports by their names here: project and number, then what is claimed.
fn tests_of_reports() -> BTreeSet<String> {
    let sources = [
        include_str!("cursors.rs"),
        include_str!("long_reads.rs"),
        include_str!("names.rs"),
        include_str!("types.rs"),
    ];
    let functions = sources.iter().flat_map(|source| source.lines());
    let names = functions.filter_map(|line| line.strip_prefix("async fn ")?.split('(').next());
    names
        .filter(|name| name.split('_').any(|part| part.starts_with(|c: char| c.is_ascii_digit())))
        .map(str::to_owned)
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Everything between backticks that looks like the name of a test.
fn named_on_the_page() -> BTreeSet<String> {
    let page = std::fs::read_to_string(root().join("docs/field-failures.md")).unwrap();
    let quoted = page.split('`').enumerate().filter(|(place, _)| place % 2 == 1).map(|(_, text)| text);
    let is_name = |text: &&str| {
        text.matches('_').count() >= 3
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    quoted.filter(is_name).map(str::to_owned).collect()
}

fn every_function(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            every_function(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let named = source.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            names.extend(named.map(str::to_owned));
        }
    }
}

#[test]
fn the_page_of_field_failures_and_the_tests_name_each_other() {
    let (tests, named) = (tests_of_reports(), named_on_the_page());
    let missing: Vec<_> = tests.difference(&named).collect();
    assert!(missing.is_empty(), "docs/field-failures.md does not name {missing:?}");
    let mut functions = BTreeSet::new();
    every_function(&root().join("crates"), &mut functions);
    let unknown: Vec<_> = named.difference(&functions).collect();
    assert!(unknown.is_empty(), "docs/field-failures.md names tests that do not exist: {unknown:?}");
}

#[test]
fn the_page_answers_every_report_of_its_four_parts() {
    let page = std::fs::read_to_string(root().join("docs/field-failures.md")).unwrap();
    let numbers: Vec<u32> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next()?.trim().parse().ok())
        .collect();
    assert_eq!(numbers, (1..=48).collect::<Vec<u32>>(), "one row each, in order");
}
