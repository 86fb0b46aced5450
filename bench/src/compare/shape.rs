//! The tables that are compared, made up from row numbers so that every run has the same rows.

use clap::ValueEnum;

/// Columns of the wide table and of those with one type.
const WIDE_COLUMNS: u32 = 200;
const SAME_COLUMNS: u32 = 10;

/// What a table looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// Ten columns as analytics products have them
    Events,
    /// Four columns: a number, two texts, a timestamp
    Narrow,
    /// Two hundred columns of five types
    Wide,
    /// Ten columns of texts
    Texts,
    /// Ten columns of NUMBER(18,2)
    Decimals,
    /// A number and nested documents of some 400 bytes
    Documents,
}

impl Shape {
    /// The name of the table.
    pub fn table(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_uppercase()).unwrap_or_default()
    }

    /// The statement that makes the table in Snowflake's SQL. `ID` counts its rows from zero.
    pub fn create(self, rows: u64) -> String {
        self.create_of(rows, &self.columns())
    }

    pub(super) fn create_of(self, rows: u64, columns: &str) -> String {
        format!(
            "CREATE OR REPLACE TABLE BENCH.PUBLIC.{} AS SELECT N::NUMBER(38,0) AS ID, {columns} \
             FROM (SELECT SEQ8() AS N FROM TABLE(GENERATOR(ROWCOUNT => {rows})))",
            self.table()
        )
    }

    pub(super) fn columns(self) -> String {
        match self {
            Self::Events => EVENTS.to_owned(),
            Self::Narrow => NARROW.to_owned(),
            Self::Wide => numbered(WIDE_COLUMNS - 1, |column| match column % 5 {
                0 => text(column),
                1 => decimal(column),
                2 => format!("MOD(N * {column}, 1000000)::NUMBER(18,0)"),
                3 => format!("(MOD(N * {column}, 1000000) / 1000)::FLOAT"),
                _ => moment(column),
            }),
            Self::Texts => numbered(SAME_COLUMNS - 1, text),
            Self::Decimals => numbered(SAME_COLUMNS - 1, decimal),
            Self::Documents => DOCUMENTS.to_owned(),
        }
    }
}

fn numbered(count: u32, column: impl Fn(u32) -> String) -> String {
    let columns: Vec<String> = (1..=count).map(|number| format!("{} AS C{number}", column(number))).collect();
    columns.join(", ")
}

fn text(column: u32) -> String {
    format!("'value-' || MOD(N * {}, 99991) || '-' || SUBSTR(MD5(N + {column}), 1, 12)", 7919 + column)
}

fn decimal(column: u32) -> String {
    format!("(MOD(N * {}, 99999999) / 100)::NUMBER(18,2)", 104_729 + column)
}

fn moment(column: u32) -> String {
    format!("DATEADD('second', MOD(N * {}, 30000000), '2023-11-14 22:13:20'::TIMESTAMP_NTZ)", 7919 + column)
}

const EVENTS: &str = "
    'user-' || LPAD(TO_CHAR(MOD(N * 7919, 200000)), 8, '0') || '-' || SUBSTR(MD5(N), 1, 8) AS USER_ID,
    'person' || MOD(N * 7919, 200000) || '@company' || MOD(N * 7919, 977) || '.example' AS EMAIL,
    DECODE(MOD(N * 31, 6), 0, 'page_view', 1, 'login', 2, 'click', 3, 'purchase', 4, 'sign_up', 'logout') AS EVENT,
    IFF(MOD(N * 17, 10) = 0, NULL, MOD(N * 104729, 9999999) / 100)::NUMBER(18,2) AS AMOUNT,
    IFF(MOD(N * 13, 20) = 0, NULL, MOD(N * 29, 2) = 0) AS IS_PAID,
    DATEADD('nanosecond', MOD(N * 7919, 1000000000),
        DATEADD('second', MOD(N * 15485863, 30000000), '2023-11-14 22:13:20'::TIMESTAMP_NTZ)) AS TS,
    DATEADD('second', MOD(N * 15485863, 30000000), '2023-11-14 22:13:20'::TIMESTAMP_NTZ)::DATE AS DAY,
    PARSE_JSON('{\"plan\":\"p' || MOD(N * 3, 4) || '\",\"seats\":' || MOD(N * 11, 500)
        || ',\"page\":\"/docs/' || MOD(N * 7, 10000) || '\",\"ok\":true}') AS PROPS,
    (MOD(N * 2654435761, 9007199254740992) / 1000000)::FLOAT AS SCORE";

const NARROW: &str = "
    'user-' || MOD(N * 7919, 200000) AS USER_ID,
    DECODE(MOD(N * 31, 6), 0, 'page_view', 1, 'login', 2, 'click', 3, 'purchase', 4, 'sign_up', 'logout') AS EVENT,
    DATEADD('second', MOD(N * 15485863, 30000000), '2023-11-14 22:13:20'::TIMESTAMP_NTZ) AS TS";

const DOCUMENTS: &str = "
    PARSE_JSON('{\"account\":{\"id\":' || N || ',\"name\":\"Company ' || MOD(N, 977)
        || '\",\"address\":{\"city\":\"City ' || MOD(N, 503) || '\",\"zip\":\"' || LPAD(TO_CHAR(MOD(N, 99999)), 5, '0')
        || '\"}},\"items\":[{\"sku\":\"A' || MOD(N, 1000) || '\",\"count\":' || MOD(N, 9) || ',\"price\":' || (MOD(N * 7, 9999) / 100)
        || '},{\"sku\":\"B' || MOD(N, 700) || '\",\"count\":' || MOD(N, 5) || ',\"price\":' || (MOD(N * 3, 9999) / 100)
        || '}],\"tags\":[\"' || SUBSTR(MD5(N), 1, 8) || '\",\"' || SUBSTR(MD5(N + 1), 1, 8)
        || '\"],\"paid\":' || IFF(MOD(N, 2) = 0, 'true', 'false') || ',\"note\":\"' || MD5(N) || MD5(N + 7) || '\"}') AS DOCUMENT";
