//! The types that a push gives to columns.

use connectors::duckdb::GivenType;
use serde::Deserialize;

/// A type as a sync file names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ColumnType(pub(super) GivenType);

/// What a number holds where the file does not say.
const NUMBER: GivenType = GivenType::Number { precision: 38, scale: 9 };
const PRECISION_MAX: u8 = 38;

impl TryFrom<String> for ColumnType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refused = || {
            format!(
                "`{text}` is no type; write text, number, number(18,2), float, bool, date, timestamp or json"
            )
        };
        Ok(Self(match text.as_str() {
            "text" => GivenType::Text,
            "number" => NUMBER,
            "float" => GivenType::Float,
            "bool" => GivenType::Bool,
            "date" => GivenType::Date,
            "timestamp" => GivenType::Timestamp,
            "json" => GivenType::Json,
            other => {
                let inner = other.strip_prefix("number(").and_then(|rest| rest.strip_suffix(')'));
                let (precision, scale) = inner.and_then(|inner| inner.split_once(',')).ok_or_else(refused)?;
                let digits = |text: &str| text.trim().parse::<u8>().map_err(|_| refused());
                let (precision, scale) = (digits(precision)?, digits(scale)?);
                if precision == 0 || precision > PRECISION_MAX || scale > precision {
                    return Err(refused());
                }
                GivenType::Number { precision, scale }
            }
        }))
    }
}
