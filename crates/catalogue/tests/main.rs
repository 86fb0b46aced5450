//! Pages and sources keep up with each other, both ways.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod sources;

use std::path::Path;

use catalogue::{index, page, pages};
use model::{Disposition, ErrorKind, Owner};
use sources::{Code, Sources};

#[test]
fn every_code_in_the_sources_has_a_page_of_its_kind() {
    let sources = Sources::read();
    let mut wrong = Vec::new();
    for Code { code, kind, place } in sources.codes() {
        match page(&code) {
            None => wrong.push(format!("{place}: docs/errors/{code}.md is missing")),
            Some(page) => {
                let kinds: Vec<&str> = page.kinds().into_iter().map(ErrorKind::as_str).collect();
                if let Some(kind) = kind.filter(|kind| !kinds.contains(&kind.as_str())) {
                    wrong.push(format!("{place}: {code} is of kind {kind}, and its page says {kinds:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_is_of_a_code_in_the_sources() {
    let sources = Sources::read();
    let unknown: Vec<&str> =
        pages().map(|page| page.code()).filter(|code| !sources.has_literal(code)).collect();
    assert!(unknown.is_empty(), "no source gives {unknown:?}");
}

#[test]
fn codes_that_are_handed_on_come_from_few_places() {
    // What is handed on there stands as a text beside it, and the program refuses to end with a code that has no page. Look at
    // a new place before it is added.
    let known = [
        "connectors/src/duckdb/read_sql.rs",
        "connectors/src/snowflake/access/reach.rs",
        "connectors/src/snowflake/error.rs",
        "connectors/src/snowflake/push/guards.rs",
        "store/src/error.rs",
    ];
    let places = Sources::read().places_that_hand_on();
    let unknown: Vec<&String> = places.iter().filter(|place| !known.contains(&place.as_str())).collect();
    assert!(unknown.is_empty(), "errors get a code that is neither a text nor a constant in {unknown:?}");
}

#[test]
fn every_page_says_what_it_has_to() {
    for page in pages() {
        let code = page.code();
        assert!(page.text().starts_with(&format!("# {code}\n\n")), "{code}: the heading is its code");
        assert!(page.meaning().ends_with('.'), "{code}: a sentence says what it means");
        assert!(!page.remedy().is_empty(), "{code}: somebody is told what to do");
        let kinds = page.kinds();
        let named = page.text().lines().find_map(|line| line.strip_prefix("* kind: ")).unwrap();
        assert_eq!(named.split(", ").count(), kinds.len(), "{code}: a kind that there is none of");
        assert!(!kinds.is_empty(), "{code}");
        let owner = page.text().lines().find_map(|line| line.strip_prefix("* owner: ")).unwrap();
        assert!(Owner::ALL.iter().any(|known| known.as_str() == owner), "{code}: {owner}");
        let retried = page.text().lines().find_map(|line| line.strip_prefix("* retried: ")).unwrap();
        let expected = match kinds[0].disposition() {
            Disposition::RetryLater => "yes, after a growing delay",
            Disposition::RetryOnce => "yes, at once",
            _ => "no",
        };
        assert_eq!(retried, expected, "{code}");
        assert_eq!(page.is_retried(), retried != "no", "{code}");
    }
}

#[test]
fn pages_link_to_pages_that_are_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    for page in pages() {
        for link in page.text().split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(folder.join(link).exists(), "{} links to {link}", page.code());
        }
    }
}

#[test]
fn the_list_of_errors_is_made_from_the_pages() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    if std::env::var_os("SNOWFERRY_UPDATE_DOCS").is_some() {
        std::fs::write(&path, index()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert!(written == index(), "docs/errors.md is not what SNOWFERRY_UPDATE_DOCS=1 makes of the pages");
}
