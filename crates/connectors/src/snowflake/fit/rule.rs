//! The rules that a value can break.

/// What a value that does not fit breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    NotNull,
    NumberOutOfRange,
    DigitsLost,
    NotANumber,
    TextTooLong,
    TextTooManyBytes,
    NulByte,
    BinaryTooLong,
    DateOutOfRange,
    TimeOutOfRange,
    TimestampOutOfRange,
    FractionLost,
    OffsetMissing,
    OffsetOutOfRange,
    OffsetLost,
    ZoneChanged,
    InvalidJson,
    JsonNotObject,
    JsonNotArray,
    JsonDuplicateKey,
    JsonEmptyKey,
    JsonTooDeep,
    JsonTooManyBytes,
    JsonNumberInexact,
    InvalidGeojson,
    ShapeNotVerifiable,
}

impl Rule {
    /// Every rule, in the order of the documentation.
    pub const ALL: [Rule; 26] = [
        Rule::NotNull,
        Rule::NumberOutOfRange,
        Rule::DigitsLost,
        Rule::NotANumber,
        Rule::TextTooLong,
        Rule::TextTooManyBytes,
        Rule::NulByte,
        Rule::BinaryTooLong,
        Rule::DateOutOfRange,
        Rule::TimeOutOfRange,
        Rule::TimestampOutOfRange,
        Rule::FractionLost,
        Rule::OffsetMissing,
        Rule::OffsetOutOfRange,
        Rule::OffsetLost,
        Rule::ZoneChanged,
        Rule::InvalidJson,
        Rule::JsonNotObject,
        Rule::JsonNotArray,
        Rule::JsonDuplicateKey,
        Rule::JsonEmptyKey,
        Rule::JsonTooDeep,
        Rule::JsonTooManyBytes,
        Rule::JsonNumberInexact,
        Rule::InvalidGeojson,
        Rule::ShapeNotVerifiable,
    ];

    /// The stable word used in reports and documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::NotNull => "not_null",
            Rule::NumberOutOfRange => "number_out_of_range",
            Rule::DigitsLost => "digits_lost",
            Rule::NotANumber => "not_a_number",
            Rule::TextTooLong => "text_too_long",
            Rule::TextTooManyBytes => "text_too_many_bytes",
            Rule::NulByte => "nul_byte",
            Rule::BinaryTooLong => "binary_too_long",
            Rule::DateOutOfRange => "date_out_of_range",
            Rule::TimeOutOfRange => "time_out_of_range",
            Rule::TimestampOutOfRange => "timestamp_out_of_range",
            Rule::FractionLost => "fraction_lost",
            Rule::OffsetMissing => "offset_missing",
            Rule::OffsetOutOfRange => "offset_out_of_range",
            Rule::OffsetLost => "offset_lost",
            Rule::ZoneChanged => "zone_changed",
            Rule::InvalidJson => "invalid_json",
            Rule::JsonNotObject => "json_not_object",
            Rule::JsonNotArray => "json_not_array",
            Rule::JsonDuplicateKey => "json_duplicate_key",
            Rule::JsonEmptyKey => "json_empty_key",
            Rule::JsonTooDeep => "json_too_deep",
            Rule::JsonTooManyBytes => "json_too_many_bytes",
            Rule::JsonNumberInexact => "json_number_inexact",
            Rule::InvalidGeojson => "invalid_geojson",
            Rule::ShapeNotVerifiable => "shape_not_verifiable",
        }
    }

    /// Whether a column that may be changed takes the value all the same, changed and counted.
    pub fn is_loss(self) -> bool {
        matches!(
            self,
            Rule::DigitsLost
                | Rule::FractionLost
                | Rule::OffsetLost
                | Rule::ZoneChanged
                | Rule::JsonNumberInexact
                | Rule::ShapeNotVerifiable
        )
    }

    /// What breaks the rule.
    pub fn explanation(self) -> &'static str {
        match self {
            Rule::NotNull => "NULL for a column that is `NOT NULL`",
            Rule::NumberOutOfRange => "more digits before the point than the column has",
            Rule::DigitsLost => "digits that the column cannot hold",
            Rule::NotANumber => "NaN or an infinity, or a text that is no decimal number",
            Rule::TextTooLong => "more characters than the column's length",
            Rule::TextTooManyBytes => "more than 128 MiB as UTF-8, Snowflake's largest text",
            Rule::NulByte => "the character U+0000, which Snowflake does not promise to keep",
            Rule::BinaryTooLong => "more bytes than the column's length",
            Rule::DateOutOfRange => "a year before 0001 or after 9999",
            Rule::TimeOutOfRange => "a time of day that is not before 24:00:00",
            Rule::TimestampOutOfRange => {
                "an infinity, or a year before 0001 or after 9999, in UTC or by its own clock"
            }
            Rule::FractionLost => "more digits behind the second than the column has",
            Rule::OffsetMissing => "an instant without its offset",
            Rule::OffsetOutOfRange => "an offset of a day or more",
            Rule::OffsetLost => "the column keeps the instant and forgets its offset",
            Rule::ZoneChanged => "a time without a zone becomes one of UTC, or the reverse",
            Rule::InvalidJson => "not one JSON document (RFC 8259)",
            Rule::JsonNotObject => "JSON that is not an object",
            Rule::JsonNotArray => "JSON that is not an array",
            Rule::JsonDuplicateKey => "an object with a key twice, which `PARSE_JSON` refuses",
            Rule::JsonEmptyKey => "an object with an empty key",
            Rule::JsonTooDeep => "more than 100 levels of objects and arrays",
            Rule::JsonTooManyBytes => "more than 64 MiB of JSON, the most that `PARSE_JSON` takes",
            Rule::JsonNumberInexact => {
                "a number that a `VARIANT` rounds: more than 38 digits or 37 behind the point, and more than 15 \
                 digits where it has an exponent"
            }
            Rule::InvalidGeojson => {
                "not a GeoJSON geometry of two dimensions with at most 14 digits behind the point, in degrees for \
                 `GEOGRAPHY`"
            }
            Rule::ShapeNotVerifiable => {
                "a shape that Snowflake may repair or refuse: a polygon or a collection"
            }
        }
    }
}
