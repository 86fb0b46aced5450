//! COPY INTO a table, as it is written.

use sqlparser::ast::Query;
use sqlparser::parser::{IsOptional, Parser};
use sqlparser::tokenizer::Token;

use super::format::FormatClause;
use super::option::{OptionValue, invalid, read};
use crate::outcome::SqlError;
use crate::sql::error::{compilation, unsupported};
use crate::sql::request::SqlRequest;
use crate::sql::{names, parse};

/// Names that FILES may list.
const FILES_MAX: usize = 1_000;

#[derive(Clone, Debug)]
pub(super) enum CopySource {
    /// The stage of the table itself.
    Table,
    /// `@…`.
    Location(String),
    /// A SELECT over a location.
    Query(Box<Query>),
}

/// What happens to a file or row that cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnError {
    AbortStatement,
    Continue,
    SkipFile,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MatchByColumnName {
    None,
    CaseSensitive,
    CaseInsensitive,
}

#[derive(Clone, Debug)]
pub(super) struct CopyInto {
    pub table: Vec<String>,
    pub columns: Vec<String>,
    pub source: CopySource,
    pub files: Option<Vec<String>>,
    pub pattern: Option<String>,
    pub format: Option<FormatClause>,
    pub on_error: OnError,
    pub match_by: MatchByColumnName,
    /// Columns that take a piece of metadata (`METADATA$FILENAME`, …), with MATCH_BY_COLUMN_NAME.
    pub metadata: Vec<(String, String)>,
    pub size_limit: Option<u64>,
    pub truncates: bool,
    pub is_forced: bool,
    pub purges: bool,
    pub returns_failed_only: bool,
}

pub(super) fn parse(parser: &mut Parser<'_>, request: &SqlRequest) -> Result<CopyInto, SqlError> {
    parse::expect(parser, &["COPY", "INTO"])?;
    if let Token::SingleQuotedString(text) = parser.peek_token().token
        && (text.starts_with('@') || text.contains("://"))
    {
        return Err(unsupported("COPY INTO a location"));
    }
    let table = parse::name(parser)?;
    let mut columns = Vec::new();
    if parser.peek_token().token == Token::LParen {
        let list = parse::run(parser, |parser| {
            parser.parse_parenthesized_column_list(IsOptional::Mandatory, false)
        })?;
        columns = list.iter().map(names::fold).collect();
    }
    let source = if parse::accept(parser, &["FROM"]) { source(parser)? } else { CopySource::Table };
    let mut copy = CopyInto {
        table,
        columns,
        source,
        files: None,
        pattern: None,
        format: None,
        on_error: OnError::AbortStatement,
        match_by: MatchByColumnName::None,
        metadata: Vec::new(),
        size_limit: None,
        truncates: false,
        is_forced: false,
        purges: false,
        returns_failed_only: false,
    };
    for (name, value) in read(parser, Some(request))? {
        copy.set(&name, value)?;
    }
    parse::end(parser)?;
    copy.check()?;
    Ok(copy)
}

fn source(parser: &mut Parser<'_>) -> Result<CopySource, SqlError> {
    if parser.consume_token(&Token::LParen) {
        let query = parse::run(parser, Parser::parse_query)?;
        parse::expect_token(parser, &Token::RParen)?;
        return Ok(CopySource::Query(query));
    }
    let location = parse::string(parser)?;
    if location.starts_with('@') {
        Ok(CopySource::Location(location))
    } else {
        Err(unsupported("COPY from an external location"))
    }
}

impl CopyInto {
    fn set(&mut self, name: &str, value: OptionValue) -> Result<(), SqlError> {
        match name {
            "FILES" => {
                let files = value.list(name)?;
                if files.len() > FILES_MAX {
                    return Err(compilation("001420", "22023", "FILES may list 1000 files at most"));
                }
                self.files = Some(files);
            }
            "PATTERN" => self.pattern = Some(value.text(name)?.to_owned()),
            "FILE_FORMAT" => self.format = Some(FormatClause::of(value)?),
            "ON_ERROR" => self.on_error = on_error(value.text(name)?)?,
            "MATCH_BY_COLUMN_NAME" => {
                self.match_by = match value.text(name)?.to_uppercase().as_str() {
                    "NONE" => MatchByColumnName::None,
                    "CASE_SENSITIVE" => MatchByColumnName::CaseSensitive,
                    "CASE_INSENSITIVE" => MatchByColumnName::CaseInsensitive,
                    other => return Err(invalid(name, other)),
                }
            }
            "INCLUDE_METADATA" => {
                let OptionValue::Options(pairs) = value else { return Err(invalid(name, "a list")) };
                for (column, field) in pairs {
                    let field = field.text(name)?.to_uppercase();
                    self.metadata.push((column, field));
                }
            }
            "SIZE_LIMIT" => self.size_limit = Some(value.number(name)?),
            "TRUNCATECOLUMNS" => self.truncates = value.flag(name)?,
            "ENFORCE_LENGTH" => self.truncates = !value.flag(name)?,
            "FORCE" => self.is_forced = value.flag(name)?,
            "PURGE" => self.purges = value.flag(name)?,
            "RETURN_FAILED_ONLY" => self.returns_failed_only = value.flag(name)?,
            // Every load is known for as long as the table is.
            "LOAD_UNCERTAIN_FILES" => {
                value.flag(name)?;
            }
            "VALIDATION_MODE"
            | "STORAGE_INTEGRATION"
            | "CREDENTIALS"
            | "ENCRYPTION"
            | "LOAD_MODE"
            | "CLUSTER_AT_INGEST_TIME"
            | "COPY_OPTIONS" => return Err(unsupported(format!("COPY with {name}"))),
            other => return Err(compilation("001420", "22023", &format!("invalid parameter '{other}'"))),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), SqlError> {
        let is_transform = matches!(self.source, CopySource::Query(_));
        let is_matching = self.match_by != MatchByColumnName::None;
        if is_transform && is_matching {
            return Err(compilation(
                "001420",
                "0A000",
                "match_by_column_name is not supported with copy transform.",
            ));
        }
        if !is_matching && !self.metadata.is_empty() {
            return Err(compilation(
                "001420",
                "0A000",
                "INCLUDE_METADATA can only be used with MATCH_BY_COLUMN_NAME.",
            ));
        }
        Ok(())
    }
}

fn on_error(text: &str) -> Result<OnError, SqlError> {
    match text.to_uppercase().as_str() {
        "ABORT_STATEMENT" => Ok(OnError::AbortStatement),
        "CONTINUE" => Ok(OnError::Continue),
        "SKIP_FILE" => Ok(OnError::SkipFile),
        other if other.starts_with("SKIP_FILE_") => Err(unsupported(format!("ON_ERROR = {other}"))),
        other => Err(invalid("ON_ERROR", other)),
    }
}
