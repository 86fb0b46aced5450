//! Which logical type each DuckDB type travels in, and the expression that brings its values there.

use model::{Column, Error, LogicalType, Result, StreamName, VectorElement, offset_column_name};

use super::sql::quoted;

/// A column of a table, view or query, as DuckDB describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) name: String,
    /// The type in DuckDB's own words, without the names that users give to types.
    pub(super) data_type: String,
    pub(super) is_nullable: bool,
}

/// The logical type of a DuckDB type, or `None` where no logical type holds every value of it.
pub(super) fn logical_type(data_type: &str) -> Option<LogicalType> {
    let is_wide = false;
    Some(match data_type {
        "BOOLEAN" => LogicalType::Bool,
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "UTINYINT" | "USMALLINT" | "UINTEGER" => {
            LogicalType::Int64
        }
        "UBIGINT" => LogicalType::Decimal { precision: 20, scale: 0 },
        "HUGEINT" | "UHUGEINT" => LogicalType::Decimal { precision: 38, scale: 0 },
        "FLOAT" | "DOUBLE" => LogicalType::Float64,
        "VARCHAR" | "UUID" | "BIT" => LogicalType::Text,
        "JSON" | "VARIANT" => LogicalType::Json,
        "BLOB" => LogicalType::Binary,
        "DATE" => LogicalType::Date,
        "TIME" => LogicalType::Time { scale: 6 },
        "TIME_NS" => LogicalType::Time { scale: 9 },
        "TIMESTAMP_S" => LogicalType::Timestamp { scale: 0, is_wide },
        "TIMESTAMP_MS" => LogicalType::Timestamp { scale: 3, is_wide },
        "TIMESTAMP" => LogicalType::Timestamp { scale: 6, is_wide },
        "TIMESTAMP_NS" => LogicalType::Timestamp { scale: 9, is_wide },
        "TIMESTAMP WITH TIME ZONE" => LogicalType::TimestampUtc { scale: 6, is_wide },
        compound => return compound_type(compound),
    })
}

fn compound_type(data_type: &str) -> Option<LogicalType> {
    if let Some(list) = data_type.strip_suffix(']') {
        let (element, dimension) = list.rsplit_once('[')?;
        return Some(match (element, dimension.parse()) {
            ("FLOAT", Ok(dimension)) => LogicalType::Vector { element: VectorElement::Float, dimension },
            ("INTEGER", Ok(dimension)) => LogicalType::Vector { element: VectorElement::Int, dimension },
            _ => LogicalType::Json,
        });
    }
    let (name, rest) = data_type.split_once('(')?;
    match name {
        "DECIMAL" => {
            let (precision, scale) = rest.strip_suffix(')')?.split_once(',')?;
            Some(LogicalType::Decimal {
                precision: precision.trim().parse().ok()?,
                scale: scale.trim().parse().ok()?,
            })
        }
        "ENUM" => Some(LogicalType::Text),
        "STRUCT" | "MAP" | "UNION" => Some(LogicalType::Json),
        _ => None,
    }
}

/// The expression that gives a column's values in a form that Arrow has, under the column's own name.
pub(super) fn expression(name: &str, data_type: &str) -> String {
    let column = quoted(name);
    let cast = |to: &str| format!("CAST({column} AS {to}) AS {column}");
    match data_type {
        "TINYINT" | "SMALLINT" | "INTEGER" | "UTINYINT" | "USMALLINT" | "UINTEGER" => cast("BIGINT"),
        "UBIGINT" => cast("DECIMAL(20,0)"),
        // What does not fit becomes the largest HUGEINT, which is refused as every HUGEINT of more than 38 digits is.
        "UHUGEINT" => format!(
            "CASE WHEN {column} > {HUGEINT_MAX}::UHUGEINT THEN {HUGEINT_MAX}::HUGEINT \
             ELSE CAST({column} AS HUGEINT) END AS {column}"
        ),
        "FLOAT" => cast("DOUBLE"),
        "UUID" | "BIT" | "JSON" => cast("VARCHAR"),
        "VARIANT" => format!("CAST(CAST({column} AS JSON) AS VARCHAR) AS {column}"),
        _ if data_type.starts_with("ENUM(") && data_type.ends_with(')') => cast("VARCHAR"),
        _ if logical_type(data_type) == Some(LogicalType::Json) => {
            format!("CAST(to_json({column}) AS VARCHAR) AS {column}")
        }
        _ => column,
    }
}

const HUGEINT_MAX: &str = "170141183460469231731687303715884105727";

/// The columns of a stream, without those of a type that has no home here.
pub(super) fn known_columns(described: &[Described]) -> Vec<Column> {
    let is_offset_of = |instant: &Described, column: &Described| {
        matches!(instant.data_type.as_str(), "TIMESTAMP WITH TIME ZONE" | "TIMESTAMP_NS")
            && column.data_type == "SMALLINT"
            && column.name == offset_column_name(&instant.name)
    };
    let mut columns = Vec::with_capacity(described.len());
    for column in described {
        if described.iter().any(|instant| is_offset_of(instant, column)) {
            continue;
        }
        let Some(mut logical_type) = logical_type(&column.data_type) else { continue };
        if described.iter().any(|offset| is_offset_of(column, offset)) {
            logical_type = with_offset(logical_type);
        }
        columns.push(Column {
            name: column.name.clone(),
            logical_type,
            source_type: column.data_type.clone(),
            is_nullable: column.is_nullable,
        });
    }
    columns
}

/// An instant beside which a column says with which offset it was written: this is how pulls land it.
fn with_offset(logical_type: LogicalType) -> LogicalType {
    match logical_type {
        LogicalType::Timestamp { scale, is_wide } | LogicalType::TimestampUtc { scale, is_wide } => {
            LogicalType::TimestampOffset { scale, is_wide }
        }
        other => other,
    }
}

/// The columns of a stream that can be moved as it is.
pub(super) fn columns(stream: &StreamName, described: &[Described]) -> Result<Vec<Column>> {
    for column in described {
        if logical_type(&column.data_type).is_none() {
            let message = format!(
                "column {} of {stream} is {}, which cannot be moved as it is",
                column.name, column.data_type
            );
            return Err(Error::config("type_unsupported", message)
                .with_remedy(format!("cast it in a query: {}", helpful_cast(column))));
        }
    }
    Ok(known_columns(described))
}

/// What a person most likely wants of a type that has no home.
fn helpful_cast(column: &Described) -> String {
    let name = quoted(&column.name);
    match column.data_type.as_str() {
        "BIGNUM" => format!("{name}::VARCHAR::DECIMAL(38,0)"),
        "TIME WITH TIME ZONE" => format!("{name}::TIME, which drops the offset, or {name}::VARCHAR"),
        "INTERVAL" => format!("epoch_us({name}) for microseconds, or {name}::VARCHAR"),
        _ => format!("{name}::VARCHAR"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, data_type: &str) -> Described {
        Described { name: name.to_owned(), data_type: data_type.to_owned(), is_nullable: true }
    }

    #[test]
    fn lists_of_anything_are_json_and_fixed_ones_of_numbers_are_vectors() {
        let float = |dimension| LogicalType::Vector { element: VectorElement::Float, dimension };
        assert_eq!(logical_type("FLOAT[3]"), Some(float(3)));
        for json in
            ["FLOAT[]", "FLOAT[3][]", "FLOAT[3][2]", "DOUBLE[3]", "ENUM('a]', 'b')[]", "STRUCT(a INTEGER[2])"]
        {
            assert_eq!(logical_type(json), Some(LogicalType::Json), "{json}");
        }
        assert_eq!(logical_type("ENUM('x]')"), Some(LogicalType::Text));
    }

    #[test]
    fn an_instant_and_its_offset_are_one_column() {
        let described = [
            described("at__offset_minutes", "SMALLINT"),
            described("at", "TIMESTAMP_NS"),
            described("b", "TIMESTAMP"),
            described("b__offset_minutes", "SMALLINT"),
        ];
        let columns = known_columns(&described);
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["at", "b", "b__offset_minutes"]);
        assert_eq!(columns[0].logical_type, LogicalType::TimestampOffset { scale: 9, is_wide: false });
    }

    #[test]
    fn what_has_no_home_is_refused_with_the_cast_that_helps() {
        let stream = StreamName::Query { name: "q".into(), sql: "SELECT 1".into() };
        for (data_type, cast) in [
            ("INTERVAL", "cast it in a query: epoch_us(\"x\") for microseconds, or \"x\"::VARCHAR"),
            ("BIGNUM", "cast it in a query: \"x\"::VARCHAR::DECIMAL(38,0)"),
            ("GEOMETRY", "cast it in a query: \"x\"::VARCHAR"),
        ] {
            let error = columns(&stream, &[described("x", data_type)]).unwrap_err();
            assert_eq!((error.code(), error.remedy()), ("type_unsupported", Some(cast)));
        }
    }
}
