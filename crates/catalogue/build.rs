//! Puts the pages of `docs/errors` into the program, so that they can be read where there is no documentation.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    // Asked when this runs: with a shared target folder it may have been built in another clone.
    let crate_folder = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where");
    let folder = Path::new(&crate_folder).join("../../docs/errors");
    println!("cargo:rerun-if-changed={}", folder.display());
    let entries = std::fs::read_dir(&folder).expect("docs/errors is part of the repository");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    let mut list = String::from("&[\n");
    for path in paths {
        println!("cargo:rerun-if-changed={}", path.display());
        let code = path.file_stem().expect("a page has a name").to_string_lossy().into_owned();
        let path = path.canonicalize().expect("a page has a path");
        writeln!(list, "    ({code:?}, include_str!({path:?})),").expect("a string can be written to");
    }
    list.push(']');
    let target = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo says where")).join("pages.rs");
    std::fs::write(target, list).expect("the list of pages can be written");
}
