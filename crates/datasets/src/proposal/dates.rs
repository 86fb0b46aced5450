//! How the dates of a column are written.

use jiff::tz::TimeZone;

use crate::moment::{DateFormat, Language, MomentReader};

/// Formats that people export dates in. Of two that read all values the first is proposed.
const PATTERNS: [&str; 16] = [
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y",
    "%Y%m%d",
    "%Y/%m/%d",
    "%d-%b-%Y",
    "%d %B %Y",
    "%d. %B %Y",
    "%B %d, %Y",
];
const LANGUAGES: [(Language, &str); 4] =
    [(Language::En, "en"), (Language::De, "de"), (Language::Fr, "fr"), (Language::Es, "es")];

/// A format, and how many of the values it reads.
pub(super) struct DateFit {
    /// What a mapping says besides the column; nothing for ISO 8601.
    pub(super) options: String,
    pub(super) read_count: usize,
    /// Another format that reads as many, in which days and months change places.
    pub(super) or_else: Option<&'static str>,
}

/// The format that reads most of the values.
pub(super) fn best(texts: &[&str]) -> DateFit {
    let count = |format: DateFormat, language: Language| {
        let reader = MomentReader { formats: vec![format], zone: TimeZone::UTC, language };
        texts.iter().filter(|text| reader.read(text).is_ok()).count()
    };
    let mut best =
        DateFit { options: String::new(), read_count: count(DateFormat::Iso, Language::En), or_else: None };
    for pattern in PATTERNS {
        let languages =
            if pattern.contains("%b") || pattern.contains("%B") { &LANGUAGES[..] } else { &LANGUAGES[..1] };
        for (language, name) in languages {
            let read_count = count(DateFormat::Pattern(pattern.to_owned()), *language);
            if read_count > best.read_count {
                let language =
                    if *language == Language::En { String::new() } else { format!(", language: {name}") };
                best = DateFit {
                    options: format!(", format: '{pattern}'{language}"),
                    read_count,
                    or_else: None,
                };
            } else if read_count > 0 && read_count == best.read_count && is_swapped(&best.options, pattern) {
                best.or_else = Some(pattern);
            }
        }
    }
    best
}

/// Whether a pattern differs from the proposed one by the places of day and month.
fn is_swapped(options: &str, pattern: &str) -> bool {
    let swapped = pattern.replace("%m/%d", "%d/%m");
    swapped != pattern && options.contains(&swapped)
}
