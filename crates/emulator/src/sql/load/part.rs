//! One source bound to the target's columns: what each of them is given.

use super::format::{FileFormat, FormatKind};
use super::source::{Shape, StagedRelation, StagedSource};
use super::statement::{CopyInto, CopySource, MatchByColumnName};
use crate::outcome::{SnowType, SqlError};
use crate::sql::bind::cast::{Mode, is_semi_structured};
use crate::sql::bind::{Binder, MadeOf, Typed};
use crate::sql::catalog::{ColumnEntry, TableEntry};
use crate::sql::dml::{default_value, wrong_count};
use crate::sql::error::{compilation, invalid_identifier, raised, unsupported};
use crate::sql::names;
use crate::sql::physical::{BINARY_LENGTH_MAX, TEXT_LENGTH_MAX, duckdb_type};
use crate::sql::state::SessionState;

/// The value of one of the target's columns.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub sql: String,
    /// False for a default, which is the same for any row.
    pub is_loaded: bool,
}

/// Staged files of one shape, with a value for each of the target's columns, in their order.
pub(super) struct Part<'s> {
    pub source: &'s StagedSource,
    pub relation: StagedRelation,
    pub values: Vec<Value>,
}

/// Binds a COPY's values.
pub(super) struct Loader<'b> {
    pub binder: &'b Binder<'b>,
    /// Reads texts by the file format's own date and time formats.
    pub assigning: &'b Binder<'b>,
    pub copy: &'b CopyInto,
    pub entry: &'b TableEntry,
}

/// The session's state with the file format's formats in place of its own.
pub(super) fn with_formats(state: &SessionState, format: &FileFormat) -> Result<SessionState, SqlError> {
    let mut state = state.clone();
    for kind in ["DATE", "TIME", "TIMESTAMP"] {
        let option = format!("{kind}_FORMAT");
        if format.is_given(&option) && !format.text(&option).eq_ignore_ascii_case("AUTO") {
            state.parameters.set(&format!("{kind}_INPUT_FORMAT"), &format.text(&option))?;
        }
    }
    Ok(state)
}

impl Loader<'_> {
    pub(super) fn part<'s>(&self, source: &'s StagedSource) -> Result<Part<'s>, SqlError> {
        let relation = source.relation(self.binder)?;
        let (relation, values) = match (&self.copy.source, self.copy.match_by) {
            (CopySource::Query(query), _) => {
                let bound = self.binder.staged_select(query, relation)?;
                let values = self.in_place(bound.values, &source.format)?;
                (bound.relation, values)
            }
            (_, MatchByColumnName::None) => {
                let values = self.positional(source, &relation)?;
                let values = self.in_place(values, &source.format)?;
                (relation, values)
            }
            (_, matching) => {
                let values = self.matched(source, &relation, matching)?;
                (relation, values)
            }
        };
        Ok(Part { source, relation, values })
    }

    /// Fields that every record of CSV must have.
    pub(super) fn expected_fields(&self, format: &FileFormat) -> Result<Option<usize>, SqlError> {
        let is_by_place = !matches!(self.copy.source, CopySource::Query(_))
            && self.copy.match_by == MatchByColumnName::None
            && format.kind == FormatKind::Csv;
        if is_by_place { Ok(Some(self.wanted()?.len())) } else { Ok(None) }
    }

    /// The columns that take the values, in the values' order.
    fn wanted(&self) -> Result<Vec<&ColumnEntry>, SqlError> {
        if self.copy.columns.is_empty() {
            return Ok(self.entry.columns.iter().collect());
        }
        let find = |name: &String| {
            self.entry
                .column(name)
                .ok_or_else(|| invalid_identifier(&names::display(name), sqlparser::tokenizer::Span::empty()))
        };
        self.copy.columns.iter().map(find).collect()
    }

    /// Values for the wanted columns, defaults for the others.
    fn in_place(&self, values: Vec<Typed>, format: &FileFormat) -> Result<Vec<Value>, SqlError> {
        let wanted = self.wanted()?;
        if wanted.len() != values.len() {
            return Err(wrong_count(wanted.len(), values.len()));
        }
        let column = |column: &ColumnEntry| match wanted.iter().position(|name| name.name == column.name) {
            Some(place) => self.assigned(values[place].clone(), &column.ty, format),
            None => Ok(Value { sql: default_value(self.binder, column)?, is_loaded: false }),
        };
        self.entry.columns.iter().map(column).collect()
    }

    /// A value as the column's type.
    fn assigned(&self, value: Typed, ty: &SnowType, format: &FileFormat) -> Result<Value, SqlError> {
        let mode = match ty {
            SnowType::Text { .. } if self.copy.truncates => Mode::Explicit,
            _ => Mode::Assign,
        };
        let is_text = matches!(value.ty, SnowType::Text { .. });
        let encoding = format.text("BINARY_FORMAT").to_uppercase();
        let sql = match (ty, encoding.as_str()) {
            (SnowType::Binary { .. }, "BASE64") if is_text => format!("from_base64({})", value.sql),
            (SnowType::Binary { .. }, "UTF8" | "UTF-8") if is_text => format!("encode({})", value.sql),
            _ => self.assigning.cast(value, ty, mode)?.sql,
        };
        Ok(Value { sql: limited(sql, ty), is_loaded: true })
    }

    /// The columns of CSV by their places, or a whole document for the only column.
    fn positional(&self, source: &StagedSource, relation: &StagedRelation) -> Result<Vec<Typed>, SqlError> {
        let columns = &relation.relation.columns;
        if source.format.kind == FormatKind::Csv {
            let wanted = self.wanted()?;
            let value = |place: usize| match columns.get(place) {
                Some(column) => column.typed(),
                None => Typed::null(),
            };
            return Ok((0..wanted.len()).map(value).collect());
        }
        match self.wanted()?.as_slice() {
            [only] if is_semi_structured(&only.ty) => {
                Ok(columns.iter().map(|column| column.typed()).collect())
            }
            _ => Err(compilation(
                "002019",
                "0A000",
                &format!(
                    "{} file format can produce one and only one column of variant, object, or array type. Load data \
                     into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy with transformation.",
                    source.format.kind.name()
                ),
            )),
        }
    }

    /// Every column from the field of its name; NULL where there is none.
    fn matched(
        &self,
        source: &StagedSource,
        relation: &StagedRelation,
        matching: MatchByColumnName,
    ) -> Result<Vec<Value>, SqlError> {
        let fields = fields(source, relation);
        let is_same = |field: &str, column: &str| match matching {
            MatchByColumnName::CaseSensitive => field == column,
            _ => field.to_uppercase() == column.to_uppercase(),
        };
        let value = |column: &ColumnEntry| {
            let metadata = self.copy.metadata.iter().find(|(name, _)| *name == column.name);
            if let Some((_, field)) = metadata {
                let found = relation.relation.metadata.iter().find(|known| known.name == *field);
                let found = found.ok_or_else(|| super::option::invalid("INCLUDE_METADATA", field))?;
                return self.assigned(found.typed(), &column.ty, &source.format);
            }
            match fields.iter().find(|(name, _)| is_same(name, &column.name)) {
                Some((_, field)) => {
                    let field = self.cleaned(field.clone()?, &source.format)?;
                    self.assigned(field, &column.ty, &source.format)
                }
                None => {
                    let null = self.binder.cast(Typed::null(), &column.ty, Mode::Assign)?;
                    Ok(Value { sql: null.sql, is_loaded: true })
                }
            }
        };
        self.entry.columns.iter().map(value).collect()
    }

    /// TRIM_SPACE and NULL_IF, which act on fields that are matched by name.
    fn cleaned(&self, field: Typed, format: &FileFormat) -> Result<Typed, SqlError> {
        let inner = match field.made_of.as_deref() {
            Some(MadeOf::Value(inner)) => inner.clone(),
            _ if format.kind == FormatKind::Json => return self.cleaned_json(field, format),
            _ => return Ok(field),
        };
        let is_text = matches!(inner.ty, SnowType::Text { .. });
        if !is_text && !format.is_given("NULL_IF") {
            return Ok(field);
        }
        let mut value = inner;
        if is_text && format.flag("TRIM_SPACE") {
            value = Typed { sql: format!("trim({})", value.sql), ..value };
        }
        let nulls: Vec<String> = format.list("NULL_IF").iter().map(|text| names::literal(text)).collect();
        if nulls.is_empty() {
            return Ok(value);
        }
        let text = self.binder.cast(value.clone(), &crate::sql::physical::TEXT, Mode::Explicit)?.sql;
        let sql = format!("CASE WHEN {text} NOT IN ({}) THEN {} END", nulls.join(", "), value.sql);
        Ok(Typed { sql, ..value })
    }
}

impl Loader<'_> {
    /// The same for a JSON document's field, whose texts are those of JSON.
    fn cleaned_json(&self, field: Typed, format: &FileFormat) -> Result<Typed, SqlError> {
        let text = format!("json_extract_string({}, '$')", field.sql);
        let nulls: Vec<String> = format.list("NULL_IF").iter().map(|text| names::literal(text)).collect();
        let mut sql = field.sql.clone();
        if format.flag("TRIM_SPACE") {
            sql = format!("CASE json_type({sql}) WHEN 'VARCHAR' THEN to_json(trim({text})) ELSE {sql} END");
        }
        if !nulls.is_empty() {
            sql = format!("CASE WHEN {text} IN ({}) THEN NULL ELSE {sql} END", nulls.join(", "));
        }
        Ok(Typed { sql, ..field })
    }
}

/// A value that is refused where it takes more bytes than one may.
fn limited(sql: String, ty: &SnowType) -> String {
    let (length, bytes_max) = match ty {
        SnowType::Text { length } => (format!("strlen({sql})"), (*length).max(TEXT_LENGTH_MAX)),
        SnowType::Binary { .. } => (format!("octet_length({sql})"), BINARY_LENGTH_MAX),
        ty if is_semi_structured(ty) => (format!("strlen(CAST({sql} AS VARCHAR))"), TEXT_LENGTH_MAX),
        _ => return sql,
    };
    let start = format!("Max LOB size ({bytes_max}) exceeded, actual size of parsed column is ");
    let start = names::literal(&raised("100082", start));
    let size = format!("CAST({length} AS VARCHAR)");
    let failure = format!("sf_fail({start} || {size}, {size})");
    format!("CASE WHEN {length} > {bytes_max} THEN CAST({failure} AS {}) ELSE {sql} END", duckdb_type(ty))
}

type Field = (String, Result<Typed, SqlError>);

/// The names that the files have for their fields.
fn fields(source: &StagedSource, relation: &StagedRelation) -> Vec<Field> {
    let columns = &relation.relation.columns;
    match &source.shape {
        Shape::Parquet(_) => match columns.first().and_then(|column| column.made_of.as_deref()) {
            Some(MadeOf::Fields(fields)) => fields.clone(),
            _ => Vec::new(),
        },
        Shape::Texts { header, .. } => {
            header.iter().zip(columns).map(|(name, column)| (name.clone(), Ok(column.typed()))).collect()
        }
        Shape::Documents(keys) => keys
            .iter()
            .filter_map(|key| Some((key.clone(), document_field(&columns.first()?.sql, key))))
            .collect(),
    }
}

fn document_field(document: &str, key: &str) -> Result<Typed, SqlError> {
    if key.contains(['"', '\\', '*']) {
        return Err(unsupported("a JSON field with a quote, backslash or star in its name"));
    }
    let sql = format!("json_extract({document}, {})", names::literal(&format!("$.\"{key}\"")));
    Ok(Typed::new(sql, SnowType::Variant))
}
