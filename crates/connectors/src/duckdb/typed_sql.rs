//! A query some of whose columns are given other types: by exact conversion, or not at all.

use model::OFFSET_AT_END;

use super::sql::{literal, quoted};

/// A type that a column is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenType {
    Text,
    Number { precision: u8, scale: u8 },
    Float,
    Bool,
    Date,
    Timestamp,
    Json,
}

/// What our own error of a statement begins with; a column and its type follow, and never a value.
const REFUSAL: &str = "snowferry: ";

/// A fraction of a second with more digits than a timestamp keeps.
const BEYOND_MICROSECONDS: &str = "\\.[0-9]{6}[0-9]*[1-9]";

impl GivenType {
    fn sql(self) -> String {
        match self {
            Self::Text => "VARCHAR".to_owned(),
            Self::Number { precision, scale } => format!("DECIMAL({precision},{scale})"),
            Self::Float => "DOUBLE".to_owned(),
            Self::Bool => "BOOLEAN".to_owned(),
            Self::Date => "DATE".to_owned(),
            Self::Timestamp => "TIMESTAMP".to_owned(),
            Self::Json => "JSON".to_owned(),
        }
    }
}

/// The query with these types of some of its columns. What would not come back the same from its new type ends the statement
/// with an error of ours, which `refused_value` knows.
pub fn typed_sql<'a>(query: &str, types: impl IntoIterator<Item = (&'a str, GivenType)>) -> String {
    let converted = types
        .into_iter()
        .map(|(name, given)| format!("{} AS {}", exact(name, given), quoted(name)))
        .collect::<Vec<_>>();
    format!("SELECT * REPLACE ({}) FROM (\n{query}\n) AS typed", converted.join(",\n"))
}

/// What the error of such a statement says of the value that was refused; nothing, where it is an error of another kind.
pub(super) fn refused_value(text: &str) -> Option<&str> {
    let said = text.strip_prefix("Invalid Input Error: ")?.strip_prefix(REFUSAL)?;
    said.lines().next()
}

fn exact(name: &str, given: GivenType) -> String {
    let column = quoted(name);
    let data_type = given.sql();
    let text = format!("{column}::VARCHAR");
    let cast = match given {
        GivenType::Text => return format!("CAST({column} AS {data_type})"),
        // From a float DuckDB makes the digits of its binary value; its text has those that it was written with.
        GivenType::Number { .. } => format!(
            "CASE WHEN typeof({column}) IN ('DOUBLE', 'FLOAT') THEN TRY_CAST({text} AS {data_type})\n\
             ELSE TRY_CAST({column} AS {data_type}) END"
        ),
        _ => format!("TRY_CAST({column} AS {data_type})"),
    };
    // A cast would leave out the offset that a text has, and digits behind the sixth.
    let is_plain_moment = format!(
        "NOT regexp_matches(substr({text}, 11), {}) AND NOT regexp_matches({text}, {})",
        literal(OFFSET_AT_END),
        literal(BEYOND_MICROSECONDS)
    );
    // Text is compared by what it says: a number with more digits than fit is another number.
    let same = match given {
        GivenType::Number { scale, .. } => format!(
            "CASE typeof({column}) WHEN 'VARCHAR' THEN TRY_CAST({text} AS DOUBLE) = ({cast})::DOUBLE\n\
             AND NOT regexp_matches({text}, '\\.[0-9]{{{scale},}}[1-9]')\n\
             WHEN 'DOUBLE' THEN ({cast})::VARCHAR::DOUBLE = TRY_CAST({text} AS DOUBLE)\n\
             WHEN 'FLOAT' THEN ({cast})::VARCHAR::FLOAT = TRY_CAST({text} AS FLOAT)\n\
             ELSE ({cast}) = {column} END"
        ),
        GivenType::Date => format!(
            "CASE WHEN typeof({column}) = 'VARCHAR' THEN {is_plain_moment} ELSE true END\n\
             AND ({cast})::TIMESTAMP = TRY_CAST({column} AS TIMESTAMP)"
        ),
        GivenType::Timestamp => format!(
            "CASE WHEN typeof({column}) = 'VARCHAR' THEN {is_plain_moment} ELSE ({cast}) = {column} END"
        ),
        GivenType::Bool => format!("lower({text}) IN ('true', 'false', '1', '0')"),
        GivenType::Text | GivenType::Float | GivenType::Json => "true".to_owned(),
    };
    let refusal =
        format!("{REFUSAL}column {} has a value that is no {}", one_line(name), data_type.to_lowercase());
    format!(
        "CASE WHEN {column} IS NULL THEN NULL WHEN ({cast}) IS NOT NULL AND ({same}) THEN {cast}\n\
         ELSE error({}) END",
        literal(&refusal)
    )
}

/// A name as a message of one line shows it.
fn one_line(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use duckdb::Connection;

    use super::*;

    const MONEY: GivenType = GivenType::Number { precision: 38, scale: 9 };
    const CENTS: GivenType = GivenType::Number { precision: 18, scale: 2 };

    /// What a value becomes, as text; or what is said of it.
    fn given(value: &str, given: GivenType) -> Result<String, String> {
        let sql = typed_sql(&format!("SELECT {value} AS \"it's\""), [("it's", given)]);
        let sql = format!("SELECT \"it's\"::VARCHAR FROM ({sql})");
        let connection = Connection::open_in_memory().unwrap();
        connection.query_row(&sql, [], |row| row.get(0)).map_err(|error: duckdb::Error| {
            let text = error.to_string();
            refused_value(&text).unwrap_or_else(|| panic!("{value}: {text}")).to_owned()
        })
    }

    #[test]
    fn what_comes_back_the_same_is_converted() {
        for (value, to, expected) in [
            ("1203703692.75::DOUBLE", CENTS, "1203703692.75"),
            ("1203703692.75::DOUBLE", MONEY, "1203703692.750000000"),
            ("0.1::DOUBLE", MONEY, "0.100000000"),
            ("0.1::FLOAT", CENTS, "0.10"),
            ("1.5e17::DOUBLE", MONEY, "150000000000000000.000000000"),
            ("12.5::DECIMAL(9,3)", CENTS, "12.50"),
            ("7", CENTS, "7.00"),
            ("'12.50'", CENTS, "12.50"),
            ("'2026-01-31 10:00:00.123456'", GivenType::Timestamp, "2026-01-31 10:00:00.123456"),
            ("'2026-01-31 10:00:00.123456000'", GivenType::Timestamp, "2026-01-31 10:00:00.123456"),
            ("'2026-01-31T10:00:00'", GivenType::Timestamp, "2026-01-31 10:00:00"),
            ("TIMESTAMP '2026-01-31 00:00:00'", GivenType::Date, "2026-01-31"),
            ("'2026-01-31'", GivenType::Date, "2026-01-31"),
            ("'{\"a\": 1}'", GivenType::Json, "{\"a\": 1}"),
            ("'1.5'", GivenType::Float, "1.5"),
            ("1", GivenType::Bool, "true"),
            ("1.25::DOUBLE", GivenType::Text, "1.25"),
        ] {
            assert_eq!(given(value, to).as_deref(), Ok(expected), "{value} as {to:?}");
        }
    }

    #[test]
    fn what_would_be_another_value_is_refused_and_its_column_named() {
        for (value, to, data_type) in [
            ("'2026-01-31 10:00:00.123456789'", GivenType::Timestamp, "timestamp"),
            ("'2026-01-31 10:00:00.0000001'", GivenType::Timestamp, "timestamp"),
            ("'2026-01-31 10:00:00+02'", GivenType::Timestamp, "timestamp"),
            ("TIMESTAMP_NS '2026-01-31 10:00:00.123456789'", GivenType::Timestamp, "timestamp"),
            ("'yesterday'", GivenType::Timestamp, "timestamp"),
            ("'2026-01-31 00:00:00.0000001'", GivenType::Date, "date"),
            ("'2026-01-31 10:00:00'", GivenType::Date, "date"),
            ("0.125::DOUBLE", CENTS, "decimal(18,2)"),
            ("'NaN'::DOUBLE", CENTS, "decimal(18,2)"),
            ("1e300::DOUBLE", MONEY, "decimal(38,9)"),
            ("0.125::DECIMAL(9,3)", CENTS, "decimal(18,2)"),
            ("'12.505'", CENTS, "decimal(18,2)"),
            ("'twelve'", CENTS, "decimal(18,2)"),
            ("'twelve'", GivenType::Float, "double"),
            ("'{'", GivenType::Json, "json"),
            ("'maybe'", GivenType::Bool, "boolean"),
        ] {
            let expected = format!("column it's has a value that is no {data_type}");
            assert_eq!(given(value, to), Err(expected), "{value} as {to:?}");
        }
    }
}
