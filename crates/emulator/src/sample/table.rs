//! One table of the sample: how it is created, and its rows as text that Snowflake's own casts turn into values.

use std::iter;

/// Rows bound by one statement: bounds the memory of a load, and is few enough statements to be fast.
const ROWS_PER_STATEMENT: usize = 20_000;

/// One statement of the sample's load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleStatement {
    pub text: String,
    /// Values for the question marks of `text`: one array of text per question mark, all of one length.
    pub columns: Vec<Vec<Option<String>>>,
}

impl SampleStatement {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), columns: Vec::new() }
    }
}

pub(super) type Row = Vec<Option<String>>;

/// A table with its rows, which are made only when they are asked for.
pub(super) struct SampleTable {
    /// Database, schema and table.
    pub(super) name: String,
    /// Name and definition, such as `("ID", "NUMBER(38,0) NOT NULL")`.
    pub(super) columns: Vec<(&'static str, &'static str)>,
    pub(super) rows: Box<dyn Iterator<Item = Row>>,
}

impl SampleTable {
    /// Creates the table, then fills it through a temporary table of text: binds are text, and the casts that give
    /// them their types are the same SQL that a user would write.
    pub(super) fn statements(self) -> impl Iterator<Item = SampleStatement> {
        let Self { name, columns, rows } = self;
        let landing = format!("{name}_LANDING");
        let definitions: Vec<_> = columns.iter().map(|(column, ty)| format!("{column} {ty}")).collect();
        let texts: Vec<_> = columns.iter().map(|(column, _)| format!("{column} VARCHAR")).collect();
        let casts: Vec<_> = columns.iter().map(|(column, ty)| cast(column, ty)).collect();
        let before = [
            format!("CREATE OR REPLACE TABLE {name} ({})", definitions.join(", ")),
            format!("CREATE OR REPLACE TEMPORARY TABLE {landing} ({})", texts.join(", ")),
        ];
        let after = [
            format!("INSERT INTO {name} SELECT {} FROM {landing}", casts.join(", ")),
            format!("DROP TABLE {landing}"),
        ];
        let insert = format!("INSERT INTO {landing} VALUES ({})", vec!["?"; columns.len()].join(", "));
        let width = columns.len();
        let mut rows = rows;
        let inserts = iter::from_fn(move || {
            let columns = transpose(width, rows.by_ref().take(ROWS_PER_STATEMENT));
            (!columns[0].is_empty()).then(|| SampleStatement { text: insert.clone(), columns })
        });
        before
            .into_iter()
            .map(SampleStatement::plain)
            .chain(inserts)
            .chain(after.into_iter().map(SampleStatement::plain))
    }
}

fn cast(column: &str, definition: &str) -> String {
    let ty = definition.trim_end_matches(" NOT NULL");
    match ty {
        "VARIANT" | "OBJECT" | "ARRAY" => format!("PARSE_JSON({column})::{ty}"),
        "VARCHAR" => column.to_owned(),
        _ if ty.starts_with("BINARY") => format!("TO_BINARY({column}, 'HEX')"),
        _ => format!("{column}::{ty}"),
    }
}

fn transpose(width: usize, rows: impl Iterator<Item = Row>) -> Vec<Vec<Option<String>>> {
    let mut columns = vec![Vec::new(); width];
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    columns
}

/// A value that is there.
pub(super) fn some(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}
