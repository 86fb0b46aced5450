//! Currencies in use, and how often an amount comes.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::mapping::Reason;
use crate::normal::text::meaningful;

/// The codes of ISO 4217 that money is counted in.
static CODES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("data/currencies.txt").split_whitespace().collect());

/// The code in capital letters; nothing where there is none.
pub(crate) fn currency(text: &str) -> Result<Option<String>, Reason> {
    let Some(text) = meaningful(text) else { return Ok(None) };
    let code = text.to_ascii_uppercase();
    if CODES.contains(code.as_str()) { Ok(Some(code)) } else { Err(Reason::CurrencyUnknown) }
}

/// One of the three words; nothing where there is none.
pub(crate) fn period(text: &str) -> Result<Option<String>, Reason> {
    let Some(text) = meaningful(text) else { return Ok(None) };
    match text.to_ascii_lowercase().replace(['_', ' '], "-").as_str() {
        "one-time" | "onetime" => Ok(Some("one-time".to_owned())),
        "month" | "monthly" => Ok(Some("month".to_owned())),
        "year" | "yearly" => Ok(Some("year".to_owned())),
        _ => Err(Reason::PeriodUnknown),
    }
}
