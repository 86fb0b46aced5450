//! What stands in Parquet files, as Snowflake's types: the physical and logical type of every column, read by the file
//! format's options.

use duckdb::Connection;

use super::files::SourceFile;
use super::format::FileFormat;
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{error, from_duckdb};
use crate::sql::physical::{BINARY_LENGTH_MAX, TEXT, fixed};

/// Significant digits of a NUMBER.
const DIGITS_MAX: u64 = 38;

/// One column of a Parquet file: its name, its type, and how DuckDB's value of it (`?`) becomes one of that type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParquetColumn {
    pub name: String,
    pub is_nullable: bool,
    /// What cannot be read says why, as soon as it is read.
    pub reading: Result<Reading, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub ty: SnowType,
    pub sql: String,
}

/// One row of DuckDB's `parquet_schema`.
#[derive(Clone, Debug, Default)]
struct Node {
    name: String,
    physical: String,
    repetition: String,
    children: usize,
    converted: String,
    logical: String,
    precision: u64,
    scale: u64,
}

/// The file's top-level columns and its number of rows.
pub(crate) fn columns(
    connection: &Connection,
    file: &SourceFile,
    format: &FileFormat,
) -> Result<(Vec<ParquetColumn>, u64), SqlError> {
    let path = file.pattern();
    let unreadable = |failure: duckdb::Error| {
        let failure = failure.to_string().replace(&*file.plaintext.to_string_lossy(), &file.shown);
        let reason = failure.lines().next().unwrap_or_default();
        let message =
            format!("Invalid data encountered: '{}' is not a valid Parquet file ({reason})", file.shown);
        error("100016", "22000", message)
    };
    let rows = connection
        .query_row(&format!("SELECT num_rows FROM parquet_file_metadata({path})"), [], |row| row.get(0))
        .map_err(unreadable)?;
    let nodes = schema(connection, &path)?;
    let count = nodes.first().map_or(0, |root| root.children);
    let mut at = 1;
    let mut columns = Vec::with_capacity(count);
    for _ in 0..count {
        let end = subtree_end(&nodes, at);
        let Some(tree) = nodes.get(at..end) else { break };
        columns.push(ParquetColumn {
            name: tree[0].name.clone(),
            is_nullable: tree[0].repetition != "REQUIRED",
            reading: reading(tree, format),
        });
        at = end;
    }
    Ok((columns, rows))
}

fn schema(connection: &Connection, path: &str) -> Result<Vec<Node>, SqlError> {
    let failed = |failure: duckdb::Error| from_duckdb(&failure);
    let mut statement = connection
        .prepare(&format!(
            "SELECT name, coalesce(type, ''), coalesce(repetition_type, ''), coalesce(num_children, 0), \
             coalesce(converted_type, ''), coalesce(logical_type, ''), coalesce(precision, 0), coalesce(scale, 0) \
             FROM parquet_schema({path})"
        ))
        .map_err(failed)?;
    let nodes = statement
        .query_map([], |row| {
            Ok(Node {
                name: row.get(0)?,
                physical: row.get(1)?,
                repetition: row.get(2)?,
                children: row.get::<_, u64>(3)?.try_into().unwrap_or(0),
                converted: row.get(4)?,
                logical: row.get(5)?,
                precision: row.get(6)?,
                scale: row.get(7)?,
            })
        })
        .map_err(failed)?;
    nodes.collect::<duckdb::Result<_>>().map_err(failed)
}

/// Where the node that follows this one and all below it stands.
fn subtree_end(nodes: &[Node], at: usize) -> usize {
    let children = nodes.get(at).map_or(0, |node| node.children);
    (0..children).fold(at + 1, |end, _| subtree_end(nodes, end))
}

fn reading(tree: &[Node], format: &FileFormat) -> Result<Reading, String> {
    let node = &tree[0];
    if tree.len() > 1 {
        return nested(tree, format);
    }
    if node.repetition == "REPEATED" {
        return Err("a repeated Parquet column without a list".to_owned());
    }
    leaf(node, format)
}

fn gives(ty: SnowType, sql: &str) -> Result<Reading, String> {
    Ok(Reading { ty, sql: sql.to_owned() })
}

fn leaf(node: &Node, format: &FileFormat) -> Result<Reading, String> {
    match node.physical.as_str() {
        "BOOLEAN" => gives(SnowType::Boolean, "?"),
        "INT32" | "INT64" => integer(node, format),
        "FLOAT" | "DOUBLE" => gives(SnowType::Real, "CAST(? AS DOUBLE)"),
        "BYTE_ARRAY" | "FIXED_LEN_BYTE_ARRAY" => bytes(node, format),
        // DuckDB reads it in microseconds, and it holds nanoseconds.
        other => Err(format!("the Parquet type {other}")),
    }
}

fn integer(node: &Node, format: &FileFormat) -> Result<Reading, String> {
    let is = |logical: &str, converted: &str| {
        node.logical.starts_with(logical) || (!converted.is_empty() && node.converted.starts_with(converted))
    };
    if is("DecimalType", "DECIMAL") {
        return decimal(node);
    }
    if is("DateType", "DATE") {
        return gives(SnowType::Date, "?");
    }
    if is("TimeType", "TIME_") {
        return Ok(time(node, format));
    }
    if is("TimestampType", "TIMESTAMP_") {
        return timestamp(node, format);
    }
    let digits = match (node.converted.as_str(), node.physical.as_str()) {
        ("INT_8" | "UINT_8", _) => 3,
        ("INT_16" | "UINT_16", _) => 5,
        ("UINT_64", _) => 20,
        (_, "INT64") => 19,
        _ => 10,
    };
    gives(fixed(digits, 0), &format!("CAST(? AS DECIMAL({digits},0))"))
}

fn decimal(node: &Node) -> Result<Reading, String> {
    match (u8::try_from(node.precision), i8::try_from(node.scale)) {
        (Ok(precision), Ok(scale)) if (1..=DIGITS_MAX).contains(&node.precision) => {
            gives(fixed(precision, scale), "?")
        }
        _ => Err(format!("a Parquet DECIMAL of {} digits", node.precision)),
    }
}

/// The unit of a Parquet time or timestamp, in digits behind the second.
fn unit(node: &Node) -> u8 {
    if node.logical.contains("NANOS=Nano") {
        9
    } else if node.logical.contains("MILLIS=Milli") || node.converted.ends_with("MILLIS") {
        3
    } else {
        6
    }
}

fn time(node: &Node, format: &FileFormat) -> Reading {
    let unit = unit(node);
    if format.uses_logical_types() || !node.converted.is_empty() {
        return Reading { ty: SnowType::Time { scale: 9 }, sql: "epoch_ns(?)".to_owned() };
    }
    raw(unit)
}

/// The number itself, where the logical type is not looked at.
fn raw(unit: u8) -> Reading {
    let divisor = 10_i64.pow(u32::from(9 - unit));
    let sql = match unit {
        // Nanoseconds do not reach as far as the coarser units do.
        3 => "CAST(epoch_us(?) // 1000 AS DECIMAL(19,0))".to_owned(),
        6 => "CAST(epoch_us(?) AS DECIMAL(19,0))".to_owned(),
        _ => format!("CAST(epoch_ns(?) // {divisor} AS DECIMAL(19,0))"),
    };
    Reading { ty: fixed(19, 0), sql }
}

/// By the table of the manual: what a timestamp becomes depends on its annotation, its unit and the options.
fn timestamp(node: &Node, format: &FileFormat) -> Result<Reading, String> {
    let unit = unit(node);
    // A file that has only the older annotation means instants.
    let is_utc = node.logical.is_empty() || node.logical.contains("isAdjustedToUTC=1");
    if is_utc && unit == 9 {
        return Err("a Parquet TIMESTAMP in nanoseconds and UTC".to_owned());
    }
    let local = SnowType::TimestampNtz { scale: unit };
    let instant = SnowType::TimestampLtz { scale: unit };
    let sql = if is_utc { "make_timestamp(epoch_us(?))" } else { "?" };
    if format.uses_logical_types() {
        return gives(if is_utc { instant } else { local }, sql);
    }
    match (is_utc, unit) {
        (true, _) => gives(local, sql),
        (false, 9) => Ok(raw(unit)),
        (false, _) if node.converted.is_empty() => Ok(raw(unit)),
        (false, _) => gives(instant, sql),
    }
}

fn bytes(node: &Node, format: &FileFormat) -> Result<Reading, String> {
    let annotation = if node.logical.is_empty() { &node.converted } else { &node.logical };
    match annotation.split('(').next().unwrap_or_default() {
        "DecimalType" | "DECIMAL" => decimal(node),
        "StringType" | "UTF8" | "EnumType" | "ENUM" | "JsonType" | "JSON" => {
            gives(TEXT, "CAST(? AS VARCHAR)")
        }
        "" if format.reads_binary_as_text() => gives(TEXT, "decode(?)"),
        "" => gives(SnowType::Binary { length: BINARY_LENGTH_MAX }, "?"),
        other => Err(format!("the Parquet type {other}")),
    }
}

/// A list, a group or a map as JSON, where everything inside is the same in DuckDB's JSON as in Snowflake's.
fn nested(tree: &[Node], format: &FileFormat) -> Result<Reading, String> {
    let is_map = |node: &Node| node.logical.starts_with("MapType") || node.converted.starts_with("MAP");
    if !format.is_vectorized() && tree.iter().any(is_map) {
        return Err("a Parquet map without USE_VECTORIZED_SCANNER".to_owned());
    }
    for node in tree.iter().filter(|node| node.children == 0) {
        let reading = leaf(node, format)?;
        let is_plain = matches!(
            reading.ty,
            SnowType::Boolean | SnowType::Fixed { .. } | SnowType::Text { .. } | SnowType::Date
        );
        let is_as_stored = reading.sql != "decode(?)" && !node.logical.starts_with("Time");
        if !is_plain || !is_as_stored {
            let ty = crate::sql::physical::type_name(&reading.ty);
            return Err(format!("{ty} inside a nested Parquet column"));
        }
    }
    let json = "sf_json(CAST(to_json(?) AS VARCHAR), FALSE)";
    // The older scanner leaves nulls out.
    let sql = if format.is_vectorized() {
        format!("CAST({json} AS JSON)")
    } else {
        format!("CAST(sf_json_without_nulls({json}) AS JSON)")
    };
    let is_list = tree[0].logical.starts_with("ListType") || tree[0].converted == "LIST";
    gives(if is_list { SnowType::Array } else { SnowType::Object }, &sql)
}

#[cfg(test)]
mod tests {
    use super::{Node, leaf, subtree_end};
    use crate::sql::load::format::{FileFormat, FormatClause};
    use crate::sql::physical::type_name;

    const NTZ_MICROS: &str = "TimestampType(isAdjustedToUTC=0, unit=TimeUnit(MILLIS=<null>, MICROS=MicroSeconds(), \
                              NANOS=<null>))";
    const UTC_MICROS: &str = "TimestampType(isAdjustedToUTC=1, unit=TimeUnit(MILLIS=<null>, MICROS=MicroSeconds(), \
                              NANOS=<null>))";
    const NTZ_NANOS: &str = "TimestampType(isAdjustedToUTC=0, unit=TimeUnit(MILLIS=<null>, MICROS=<null>, \
                             NANOS=NanoSeconds()))";

    fn node(physical: &str, converted: &str, logical: &str) -> Node {
        Node {
            physical: physical.to_owned(),
            converted: converted.to_owned(),
            logical: logical.to_owned(),
            ..Node::default()
        }
    }

    fn read(node: &Node, options: &str) -> String {
        let Ok(FormatClause::Inline(format)) = FileFormat::clause_of_text(&format!("TYPE=PARQUET {options}"))
        else {
            panic!("{options}")
        };
        leaf(node, &format).map_or_else(|refusal| refusal, |reading| type_name(&reading.ty))
    }

    #[test]
    fn a_timestamp_is_what_the_manuals_table_says() {
        let micros = node("INT64", "TIMESTAMP_MICROS", NTZ_MICROS);
        let without_converted = node("INT64", "", NTZ_MICROS);
        let utc = node("INT64", "TIMESTAMP_MICROS", UTC_MICROS);
        let nanos = node("INT64", "", NTZ_NANOS);
        let logical = "USE_LOGICAL_TYPE=TRUE";
        assert_eq!(read(&micros, logical), "TIMESTAMP_NTZ(6)");
        assert_eq!(read(&utc, logical), "TIMESTAMP_LTZ(6)");
        assert_eq!(read(&nanos, logical), "TIMESTAMP_NTZ(9)");
        assert_eq!(read(&micros, ""), "TIMESTAMP_LTZ(6)");
        assert_eq!(read(&without_converted, ""), "NUMBER(19,0)");
        assert_eq!(read(&utc, ""), "TIMESTAMP_NTZ(6)");
        assert_eq!(read(&nanos, ""), "NUMBER(19,0)");
        assert_eq!(read(&micros, "USE_VECTORIZED_SCANNER=TRUE"), "TIMESTAMP_NTZ(6)");
    }

    #[test]
    fn bytes_are_text_unless_the_options_say_binary() {
        let plain = node("BYTE_ARRAY", "", "");
        assert_eq!(read(&plain, ""), "VARCHAR(16777216)");
        assert_eq!(read(&plain, "BINARY_AS_TEXT=FALSE"), "BINARY(8388608)");
        assert_eq!(read(&plain, "USE_VECTORIZED_SCANNER=TRUE"), "BINARY(8388608)");
        assert_eq!(
            read(&node("BYTE_ARRAY", "UTF8", "StringType()"), "BINARY_AS_TEXT=FALSE"),
            "VARCHAR(16777216)"
        );
    }

    #[test]
    fn what_duckdb_would_read_with_less_precision_is_refused() {
        assert!(read(&node("INT96", "", ""), "").contains("INT96"));
        let utc_nanos = NTZ_NANOS.replace("UTC=0", "UTC=1");
        assert!(read(&node("INT64", "", &utc_nanos), "USE_LOGICAL_TYPE=TRUE").contains("nanoseconds"));
    }

    #[test]
    fn a_subtree_ends_behind_everything_below_it() {
        let with = |children| Node { children, ..Node::default() };
        let nodes = [with(2), with(1), with(2), with(0), with(0), with(0)];
        assert_eq!(subtree_end(&nodes, 1), 5);
        assert_eq!(subtree_end(&nodes, 5), 6);
    }
}
