//! Every error that a user can meet: what it means, who acts on it, whether it is tried again by itself, and what to do.
//!
//! A page is one file of `docs/errors`, named by its code. The tests of this crate keep pages and sources together.

mod index;
mod page;

pub use index::index;
pub use page::Page;

use model::{Error, Owner};

/// Code and text of each page, by code.
static SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// All pages, by code.
pub fn pages() -> impl Iterator<Item = Page> {
    SOURCES.iter().map(|(code, text)| Page::new(code, text))
}

/// The page of a code.
pub fn page(code: &str) -> Option<Page> {
    let found = SOURCES.binary_search_by_key(&code, |(code, _)| *code).ok()?;
    let (code, text) = SOURCES[found];
    Some(Page::new(code, text))
}

/// Who acts on an error.
pub fn owner_of(error: &Error) -> Owner {
    let page = page(error.code());
    debug_assert!(page.is_some(), "docs/errors has no page for {}", error.code());
    page.map_or(Owner::Us, |page| page.owner())
}
