//! What a caller may choose about the Arrow form of a result.

/// How values become Arrow where there is a choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodeOptions {
    /// What happens to timestamps of nanoseconds.
    pub wide_timestamps: WideTimestamps,
}

/// How timestamps with more than six digits of a second's fraction are counted. Nanoseconds in 64 bits reach from 1677
/// to 2262; a value outside is an error unless its column is read as microseconds, which drops the last three digits
/// and counts the values that change by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WideTimestamps {
    /// Nanoseconds. A value out of range is an error that names the column.
    #[default]
    Refuse,
    /// Microseconds for the columns of these names.
    MicrosecondsFor(Vec<String>),
    /// Microseconds for all columns.
    Microseconds,
}

impl WideTimestamps {
    pub(crate) fn includes(&self, column: &str) -> bool {
        match self {
            Self::Refuse => false,
            Self::MicrosecondsFor(names) => names.iter().any(|name| name == column),
            Self::Microseconds => true,
        }
    }
}
