//! Staged files of one shape as a relation: `$1` and the metadata columns, over DuckDB's reader.

use std::rc::Rc;

use super::files::SourceFile;
use super::format::FileFormat;
use super::parquet::ParquetColumn;
use crate::outcome::{SnowType, SqlError};
use crate::sql::bind::cast::Mode;
use crate::sql::bind::{Binder, MadeOf, Relation, RelationColumn, Typed};
use crate::sql::error::unsupported;
use crate::sql::names::literal;
use crate::sql::physical::{TEXT, fixed};

/// What the rows of the files look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The files themselves.
    Parquet(Vec<ParquetColumn>),
    /// Parquet files of our own with this many texts in a row, and the record's number and line behind them.
    Texts { width: usize, header: Vec<String> },
    /// The same with one JSON document; its fields may have these names.
    Documents(Vec<String>),
}

/// Staged files that are read together.
#[derive(Clone, Debug)]
pub(crate) struct StagedSource {
    pub files: Vec<SourceFile>,
    pub shape: Shape,
    pub format: FileFormat,
}

/// A source in a FROM.
pub(crate) struct StagedRelation {
    pub from: String,
    pub relation: Relation,
    /// The path of a row's file, as DuckDB reads it.
    pub path: String,
    /// The number of a row in its file, from 1.
    pub row: String,
    /// Its line, where files have lines.
    pub line: Option<String>,
}

impl StagedSource {
    pub(crate) fn relation(&self, binder: &Binder<'_>) -> Result<StagedRelation, SqlError> {
        let name = binder.relation_name();
        let width = self.width();
        let mut names: Vec<String> = (1..=width).map(|place| format!("c{place}")).collect();
        names.extend(["file_row".to_owned(), "file_path".to_owned()]);
        let paths: Vec<String> = self.files.iter().map(SourceFile::pattern).collect();
        let from = format!(
            "read_parquet([{}], filename = true, file_row_number = true) AS {name}({})",
            paths.join(", "),
            names.join(", ")
        );
        let path = format!("{name}.file_path");
        let row = match &self.shape {
            Shape::Parquet(_) => format!("({name}.file_row + 1)"),
            Shape::Texts { .. } | Shape::Documents(_) => format!("{name}.c{}", width - 1),
        };
        let columns = match &self.shape {
            Shape::Parquet(columns) => vec![self.object(binder, &name, columns)?],
            Shape::Texts { width, .. } => (1..=*width)
                .map(|place| column(&format!("${place}"), format!("{name}.c{place}"), TEXT))
                .collect(),
            Shape::Documents(_) => vec![column("$1", format!("CAST({name}.c1 AS JSON)"), SnowType::Variant)],
        };
        let metadata = self.metadata(binder, &path, &row);
        let relation = Relation { name: None, path: None, columns, metadata, sequence: None };
        let line = match &self.shape {
            Shape::Parquet(_) => None,
            Shape::Texts { .. } | Shape::Documents(_) => Some(format!("{name}.c{width}")),
        };
        Ok(StagedRelation { from, relation, path, row, line })
    }

    fn width(&self) -> usize {
        match &self.shape {
            Shape::Parquet(columns) => columns.len(),
            Shape::Texts { width, .. } => width + 2,
            Shape::Documents(_) => 3,
        }
    }

    /// `$1` of Parquet files: an object whose fields are known by their types.
    fn object(
        &self,
        binder: &Binder<'_>,
        name: &str,
        columns: &[ParquetColumn],
    ) -> Result<RelationColumn, SqlError> {
        let mut fields = Vec::with_capacity(columns.len());
        for (place, column) in columns.iter().enumerate() {
            let field = match &column.reading {
                Ok(reading) => {
                    let sql = reading.sql.replace('?', &format!("{name}.c{}", place + 1));
                    Ok(self.variant(binder, Typed::new(sql, reading.ty.clone()))?)
                }
                Err(reason) => Err(unsupported(format!("{reason}, of the column '{}',", column.name))),
            };
            fields.push((column.name.clone(), field));
        }
        let sql = match fields.iter().find_map(|(_, field)| field.as_ref().err()) {
            Some(failure) => {
                format!("CAST(error({}) AS JSON)", literal(&failure.message))
            }
            None => self.whole(binder, &fields)?,
        };
        let object = column("$1", sql, SnowType::Variant);
        Ok(RelationColumn { made_of: Some(Rc::new(MadeOf::Fields(fields))), ..object })
    }

    fn whole(
        &self,
        binder: &Binder<'_>,
        fields: &[(String, Result<Typed, SqlError>)],
    ) -> Result<String, SqlError> {
        let mut arguments = Vec::new();
        for (name, field) in fields {
            arguments.push(binder.constant_text(name));
            arguments.push(field.clone()?);
        }
        // The older scanner leaves nulls out.
        let function =
            if self.format.is_vectorized() { "OBJECT_CONSTRUCT_KEEP_NULL" } else { "OBJECT_CONSTRUCT" };
        Ok(binder.call(function, arguments)?.sql)
    }

    fn variant(&self, binder: &Binder<'_>, value: Typed) -> Result<Typed, SqlError> {
        let json = binder.cast(value.clone(), &SnowType::Variant, Mode::Explicit)?.sql;
        let sql = if self.format.is_vectorized() {
            format!("COALESCE({json}, CAST('null' AS JSON))")
        } else {
            json
        };
        let is_json = matches!(value.ty, SnowType::Array | SnowType::Object);
        let made_of = (!is_json).then(|| Rc::new(MadeOf::Value(value)));
        Ok(Typed { made_of, ..Typed::new(sql, SnowType::Variant) })
    }

    fn metadata(&self, binder: &Binder<'_>, path: &str, row: &str) -> Vec<RelationColumn> {
        let text = |value: fn(&SourceFile) -> String| self.by_file(path, |file| literal(&value(file)));
        let modified =
            self.by_file(path, |file| format!("make_timestamp({})", file.last_modified.div_euclid(1_000)));
        let scanned = format!("make_timestamp_ns({})", binder.state.now);
        vec![
            column("METADATA$FILENAME", text(|file| file.name.clone()), TEXT),
            column("METADATA$FILE_ROW_NUMBER", format!("CAST({row} AS DECIMAL(38,0))"), fixed(38, 0)),
            column("METADATA$FILE_CONTENT_KEY", text(|file| file.etag.clone()), TEXT),
            column("METADATA$FILE_LAST_MODIFIED", modified, SnowType::TimestampNtz { scale: 3 }),
            column("METADATA$START_SCAN_TIME", scanned, SnowType::TimestampLtz { scale: 9 }),
        ]
    }

    /// Something that is the same for all rows of a file.
    fn by_file(&self, path: &str, value: impl Fn(&SourceFile) -> String) -> String {
        if let [only] = self.files.as_slice() {
            return value(only);
        }
        let paths = self.files.iter().map(|file| file.path());
        let values = self.files.iter().map(value);
        let (paths, values): (Vec<String>, Vec<String>) = paths.zip(values).unzip();
        format!("map([{}], [{}])[{path}]", paths.join(", "), values.join(", "))
    }
}

fn column(name: &str, sql: String, ty: SnowType) -> RelationColumn {
    RelationColumn {
        name: name.to_owned(),
        sql,
        ty,
        nullable: true,
        origin: None,
        is_merged: false,
        made_of: None,
    }
}
