//! The tables of the pages are what the code does.

use std::fmt::Write;
use std::path::PathBuf;

use datasets::{Dataset, ExportChoice};

use crate::bad_input::{reasons, tables};
use crate::matching;

/// The fields of every dataset, and the columns that rows land with.
fn contracts() -> String {
    let mut page = String::new();
    for dataset in Dataset::ALL {
        let _ = write!(
            page,
            "\n### `{dataset}`\n\n| field | type | need | also found as | what it is |\n|---|---|---|---|---|\n"
        );
        for field in dataset.fields() {
            let aliases: Vec<String> = field.aliases.iter().map(|alias| format!("`{alias}`")).collect();
            let default =
                field.default.map(|default| format!("; {default} where absent")).unwrap_or_default();
            let _ = writeln!(
                page,
                "| `{}` | {} | {}{default} | {} | {} |",
                field.name,
                field.field_type.name(),
                field.need.words(),
                aliases.join(", "),
                field.meaning
            );
        }
    }
    page
}

fn landed() -> String {
    let mut page = String::new();
    for (title, dataset) in
        [("Actions", Dataset::CustomActions), ("Objects", Dataset::Objects), ("Metrics", Dataset::Metrics)]
    {
        let _ = write!(page, "\n**{title}**\n\n| column | type | what it is |\n|---|---|---|\n");
        for column in dataset.landed_columns() {
            let _ = writeln!(page, "| `{}` | {} | {} |", column.name, column.logical_type, column.meaning);
        }
    }
    page
}

#[test]
fn the_page_of_imports_says_what_the_code_does() {
    let generated =
        [("contracts", contracts()), ("landed", landed()), ("reasons", reasons()), ("bad input", tables())];
    assert_page("imports.md", &generated);
}

#[test]
fn the_page_of_matching_says_what_the_code_does() {
    assert_page("matching.md", &[("inputs", matching::inputs::table())]);
}

#[test]
fn the_page_of_exports_names_every_column() {
    let mut page = String::new();
    for export in [
        "raw_actions",
        "{ stage_data: { stages: [{ name: A, kind: person, actions: [a] }] } }",
        "{ objects: { type: deal } }",
        "opportunity_revenue",
        "metrics",
    ] {
        let export = serde_saphyr::from_str::<ExportChoice>(export).unwrap().0.unwrap();
        let _ = write!(page, "\n### `{}`\n\n| column | what it is |\n|---|---|\n", export.name());
        for column in export.columns() {
            let _ = writeln!(page, "| `{}` | {} |", column.name, column.meaning);
        }
    }
    assert_page("exports.md", &[("columns", page)]);
}

/// Between its marks the page has these texts.
fn assert_page(name: &str, generated: &[(&str, String)]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    let mut page = std::fs::read_to_string(&path).unwrap();
    let before = page.clone();
    for (name, text) in generated {
        let (start, end) = (format!("<!-- {name}: generated -->\n"), format!("<!-- {name}: end -->"));
        let from = page.find(&start).unwrap_or_else(|| panic!("no {start}")) + start.len();
        let until = from + page[from..].find(&end).unwrap_or_else(|| panic!("no {end}"));
        page.replace_range(from..until, &format!("{}\n", text.trim_start_matches('\n')));
    }
    if std::env::var_os("SNOWFERRY_BLESS").is_some() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    assert!(
        before == page,
        "docs/{name} is not what the code does: run this test with SNOWFERRY_BLESS=1, and look at the difference"
    );
}
