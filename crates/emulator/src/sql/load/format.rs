//! File formats: their options with Snowflake's defaults, from a statement, a named format or a Snowflake stage.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::option::{OptionValue, invalid, read};
use crate::outcome::SqlError;
use crate::sql::error::{compilation, unsupported};
use crate::sql::parse;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FormatKind {
    Csv,
    Json,
    Parquet,
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingKind {
    Text,
    Flag,
    Number,
    List,
}

/// One option of a kind of file: what it takes, its default, and the values that the emulator knows where it does not
/// know all of them.
#[derive(Debug)]
pub(crate) struct Setting {
    pub name: &'static str,
    pub kind: SettingKind,
    pub default: &'static str,
    supported: Option<&'static [&'static str]>,
}

const fn setting(name: &'static str, kind: SettingKind, default: &'static str) -> Setting {
    Setting { name, kind, default, supported: None }
}

const fn only(
    name: &'static str,
    kind: SettingKind,
    default: &'static str,
    supported: &'static [&'static str],
) -> Setting {
    Setting { name, kind, default, supported: Some(supported) }
}

const TEXT_COMPRESSIONS: &[&str] = &["AUTO", "GZIP", "DEFLATE", "RAW_DEFLATE", "NONE"];

const CSV: &[Setting] = &[
    setting("RECORD_DELIMITER", SettingKind::Text, "\n"),
    setting("FIELD_DELIMITER", SettingKind::Text, ","),
    only("FILE_EXTENSION", SettingKind::Text, "", &[""]),
    setting("SKIP_HEADER", SettingKind::Number, "0"),
    setting("PARSE_HEADER", SettingKind::Flag, "false"),
    setting("DATE_FORMAT", SettingKind::Text, "AUTO"),
    setting("TIME_FORMAT", SettingKind::Text, "AUTO"),
    setting("TIMESTAMP_FORMAT", SettingKind::Text, "AUTO"),
    only("BINARY_FORMAT", SettingKind::Text, "HEX", &["HEX", "BASE64", "UTF8", "UTF-8"]),
    setting("ESCAPE", SettingKind::Text, "NONE"),
    setting("ESCAPE_UNENCLOSED_FIELD", SettingKind::Text, "\\"),
    setting("TRIM_SPACE", SettingKind::Flag, "false"),
    setting("FIELD_OPTIONALLY_ENCLOSED_BY", SettingKind::Text, "NONE"),
    setting("NULL_IF", SettingKind::List, "\\N"),
    only("COMPRESSION", SettingKind::Text, "AUTO", TEXT_COMPRESSIONS),
    setting("ERROR_ON_COLUMN_COUNT_MISMATCH", SettingKind::Flag, "true"),
    only("VALIDATE_UTF8", SettingKind::Flag, "true", &["true"]),
    setting("SKIP_BLANK_LINES", SettingKind::Flag, "false"),
    setting("REPLACE_INVALID_CHARACTERS", SettingKind::Flag, "false"),
    setting("EMPTY_FIELD_AS_NULL", SettingKind::Flag, "true"),
    setting("SKIP_BYTE_ORDER_MARK", SettingKind::Flag, "true"),
    only("ENCODING", SettingKind::Text, "UTF8", &["UTF8", "UTF-8"]),
    only("MULTI_LINE", SettingKind::Flag, "true", &["true"]),
];

const JSON: &[Setting] = &[
    only("FILE_EXTENSION", SettingKind::Text, "", &[""]),
    setting("DATE_FORMAT", SettingKind::Text, "AUTO"),
    setting("TIME_FORMAT", SettingKind::Text, "AUTO"),
    setting("TIMESTAMP_FORMAT", SettingKind::Text, "AUTO"),
    only("BINARY_FORMAT", SettingKind::Text, "HEX", &["HEX", "BASE64", "UTF8", "UTF-8"]),
    setting("TRIM_SPACE", SettingKind::Flag, "false"),
    setting("NULL_IF", SettingKind::List, "\\N"),
    only("COMPRESSION", SettingKind::Text, "AUTO", TEXT_COMPRESSIONS),
    only("ENABLE_OCTAL", SettingKind::Flag, "false", &["false"]),
    setting("ALLOW_DUPLICATE", SettingKind::Flag, "false"),
    setting("STRIP_OUTER_ARRAY", SettingKind::Flag, "false"),
    only("STRIP_NULL_VALUES", SettingKind::Flag, "false", &["false"]),
    setting("IGNORE_UTF8_ERRORS", SettingKind::Flag, "false"),
    setting("REPLACE_INVALID_CHARACTERS", SettingKind::Flag, "false"),
    setting("SKIP_BYTE_ORDER_MARK", SettingKind::Flag, "true"),
    only("MULTI_LINE", SettingKind::Flag, "true", &["true"]),
];

const PARQUET: &[Setting] = &[
    setting("TRIM_SPACE", SettingKind::Flag, "false"),
    setting("NULL_IF", SettingKind::List, "\\N"),
    // What a Parquet file is compressed with stands in the file.
    setting("COMPRESSION", SettingKind::Text, "AUTO"),
    setting("BINARY_AS_TEXT", SettingKind::Flag, "true"),
    setting("USE_LOGICAL_TYPE", SettingKind::Flag, "false"),
    setting("USE_VECTORIZED_SCANNER", SettingKind::Flag, "false"),
    setting("REPLACE_INVALID_CHARACTERS", SettingKind::Flag, "false"),
    setting("SNAPPY_COMPRESSION", SettingKind::Flag, "true"),
];

impl FormatKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            FormatKind::Csv => "CSV",
            FormatKind::Json => "JSON",
            FormatKind::Parquet => "PARQUET",
        }
    }

    pub(crate) fn of(name: &str) -> Result<Self, SqlError> {
        match name.to_uppercase().as_str() {
            "CSV" => Ok(FormatKind::Csv),
            "JSON" => Ok(FormatKind::Json),
            "PARQUET" => Ok(FormatKind::Parquet),
            kind @ ("AVRO" | "ORC" | "XML" | "CUSTOM") => Err(unsupported(format!("the file format {kind}"))),
            other => Err(invalid("TYPE", other)),
        }
    }

    pub(crate) fn settings(self) -> &'static [Setting] {
        match self {
            FormatKind::Csv => CSV,
            FormatKind::Json => JSON,
            FormatKind::Parquet => PARQUET,
        }
    }
}

/// How files are read: the kind of file, and what differs from its defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileFormat {
    pub kind: FormatKind,
    /// Values by the option's name; a text is a list of one.
    given: BTreeMap<String, Vec<String>>,
}

/// What `FILE_FORMAT = …` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FormatClause {
    Named(String),
    Inline(FileFormat),
}

impl FormatClause {
    pub(crate) fn of(value: OptionValue) -> Result<Self, SqlError> {
        match value {
            OptionValue::Text(name) => Ok(FormatClause::Named(name)),
            OptionValue::List(_) => Ok(FormatClause::Inline(FileFormat::new(FormatKind::Csv))),
            OptionValue::Options(mut options) => {
                match options.iter().position(|(key, _)| key == "FORMAT_NAME") {
                    Some(place) if options.len() == 1 => {
                        let (key, name) = options.remove(place);
                        Ok(FormatClause::Named(name.text(&key)?.to_owned()))
                    }
                    Some(_) => Err(unsupported("FORMAT_NAME together with other options")),
                    None => FileFormat::of_options(options).map(FormatClause::Inline),
                }
            }
        }
    }
}

impl FileFormat {
    pub(crate) fn new(kind: FormatKind) -> Self {
        Self { kind, given: BTreeMap::new() }
    }

    /// A format from its options; without a TYPE it is CSV.
    pub(crate) fn of_options(options: Vec<(String, OptionValue)>) -> Result<Self, SqlError> {
        let kind = match options.iter().find(|(name, _)| name == "TYPE") {
            Some((name, value)) => FormatKind::of(value.text(name)?)?,
            None => FormatKind::Csv,
        };
        let mut format = Self::new(kind);
        for (name, value) in options.into_iter().filter(|(name, _)| name != "TYPE") {
            format.set(&name, &value)?;
        }
        format.check()?;
        Ok(format)
    }

    /// A format from what stands between the parentheses of `FILE_FORMAT = (…)`.
    pub(crate) fn clause_of_text(text: &str) -> Result<FormatClause, SqlError> {
        let mut parser = parse::parser(text)?;
        let options = read(&mut parser, None)?;
        parse::end(&mut parser)?;
        FormatClause::of(OptionValue::Options(options))
    }

    fn set(&mut self, name: &str, value: &OptionValue) -> Result<(), SqlError> {
        let setting = self.kind.settings().iter().find(|setting| setting.name == name).ok_or_else(|| {
            compilation(
                "001420",
                "22023",
                &format!("invalid parameter '{name}' for a {} file format", self.kind.name()),
            )
        })?;
        let items = match setting.kind {
            SettingKind::Flag => vec![value.flag(name)?.to_string()],
            SettingKind::Number => vec![value.number(name)?.to_string()],
            SettingKind::Text => vec![value.text(name)?.to_owned()],
            SettingKind::List => value.list(name)?,
        };
        if let (Some(supported), Some(text)) = (setting.supported, items.first())
            && !supported.iter().any(|known| known.eq_ignore_ascii_case(text))
        {
            return Err(unsupported(format!("{name} = {text}")));
        }
        self.given.insert(name.to_owned(), items);
        Ok(())
    }

    fn check(&self) -> Result<(), SqlError> {
        if self.kind == FormatKind::Csv && self.flag("PARSE_HEADER") && self.number("SKIP_HEADER") > 0 {
            return Err(compilation(
                "001420",
                "22023",
                "SKIP_HEADER is not supported with PARSE_HEADER = TRUE",
            ));
        }
        Ok(())
    }

    fn setting(&self, name: &str) -> Option<&'static Setting> {
        self.kind.settings().iter().find(|setting| setting.name == name)
    }

    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.given.get(name).cloned().unwrap_or_else(|| {
            self.setting(name).map(|setting| vec![setting.default.to_owned()]).unwrap_or_default()
        })
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.list(name).into_iter().next().unwrap_or_default()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// The same with bytes taken for bytes.
    pub(crate) fn with_binary(mut self) -> Self {
        if self.kind == FormatKind::Parquet {
            self.given.insert("BINARY_AS_TEXT".to_owned(), vec!["false".to_owned()]);
        }
        self
    }

    /// What differs from the defaults, as SHOW FILE FORMATS gives it.
    pub(crate) fn options_json(&self) -> String {
        let value = |(name, items): (&String, &Vec<String>)| {
            let value = match items.as_slice() {
                [only] if name != "NULL_IF" => serde_json::Value::from(only.as_str()),
                items => serde_json::Value::from(items.to_vec()),
            };
            (name.clone(), value)
        };
        let mut options: serde_json::Map<String, serde_json::Value> = self.given.iter().map(value).collect();
        options.insert("TYPE".to_owned(), serde_json::Value::from(self.kind.name()));
        serde_json::Value::Object(options).to_string()
    }

    /// The vectorized scanner takes logical types and bytes for what they are, whatever the other options say.
    pub(crate) fn is_vectorized(&self) -> bool {
        self.kind == FormatKind::Parquet && self.flag("USE_VECTORIZED_SCANNER")
    }

    pub(crate) fn uses_logical_types(&self) -> bool {
        self.is_vectorized() || self.flag("USE_LOGICAL_TYPE")
    }

    pub(crate) fn reads_binary_as_text(&self) -> bool {
        !self.is_vectorized() && self.flag("BINARY_AS_TEXT")
    }
}

#[cfg(test)]
mod tests {
    use super::{FileFormat, FormatClause, FormatKind};

    fn inline(text: &str) -> FileFormat {
        match FileFormat::clause_of_text(text).unwrap() {
            FormatClause::Inline(format) => format,
            FormatClause::Named(name) => panic!("a name: {name}"),
        }
    }

    #[test]
    fn what_is_not_given_has_snowflakes_default() {
        let format = inline("TYPE = PARQUET USE_LOGICAL_TYPE = TRUE");
        assert_eq!(format.kind, FormatKind::Parquet);
        assert!(format.uses_logical_types() && format.reads_binary_as_text());
        assert_eq!(inline("FIELD_DELIMITER = '|'").text("RECORD_DELIMITER"), "\n");
    }

    #[test]
    fn the_vectorized_scanner_overrules_what_it_cannot_do() {
        let format = inline("TYPE = 'parquet', USE_VECTORIZED_SCANNER = true BINARY_AS_TEXT = TRUE");
        assert!(format.uses_logical_types() && !format.reads_binary_as_text());
    }

    #[test]
    fn what_the_emulator_does_not_know_is_refused_by_name() {
        let failure = FileFormat::clause_of_text("TYPE = CSV COMPRESSION = BROTLI").unwrap_err();
        assert!(failure.message.contains("COMPRESSION = BROTLI"), "{}", failure.message);
        assert!(FileFormat::clause_of_text("TYPE = PARQUET FIELD_DELIMITER = ','").is_err());
    }

    #[test]
    fn a_list_keeps_its_items_apart() {
        assert_eq!(inline("TYPE = CSV NULL_IF = ('a,b', '')").list("NULL_IF"), ["a,b", ""]);
        assert!(inline("TYPE = CSV NULL_IF = ()").list("NULL_IF").is_empty());
    }
}
