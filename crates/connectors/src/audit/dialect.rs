//! What differs between the systems that hash rows.

use model::{LogicalType, PlannedColumn, Result};

/// Longer texts take part by their MD5, so that a row's text stays far below what a system can hold.
pub(crate) const TEXT_BYTES_MAX: usize = 65_536;

/// How one system writes canonical texts in SQL.
///
/// The canonical text of a value is, by its type:
///
/// * bool: `1` or `0`; whole numbers: decimal digits; decimals: with all digits of their scale, and without the zero in
///   front of the point where there can be no other digit;
/// * floating point: `nan`, `inf`, `-inf`, `0` (also for the negative zero), otherwise `m` or `-m`, `p`, and `e`, where
///   the value is m·2ᵉ and 2⁵² ≤ m < 2⁵³: exact, and free of anybody's way to print a fraction;
/// * text: its length in UTF-8 bytes, `:`, and the text or the MD5 of a long one; bytes: their MD5; JSON and shapes: the
///   MD5 of the document without white space between its parts;
/// * dates: days since 1970-01-01; times of day: nanoseconds since midnight;
/// * timestamps: `YYYY-MM-DD HH:MM:SS.nnnnnnnnn`, in UTC where they are instants; a blank and the offset in minutes follow
///   where they remember one.
pub(crate) trait Dialect {
    /// A column's own values.
    fn value(&self, column: &PlannedColumn) -> Result<String>;

    /// The canonical text of the value that the expression `value` gives, without its offset; NULL where that is NULL.
    fn text(&self, logical_type: &LogicalType, value: &str) -> String;

    /// The offset of a timestamp in minutes, as a number.
    fn offset_minutes(&self, column: &PlannedColumn) -> Result<String>;

    /// The first 64 bits of the MD5 of a text, as a whole number.
    fn first_half(&self, text: &str) -> String;

    /// The last 64 bits of the MD5 of a text, as a whole number.
    fn second_half(&self, text: &str) -> String;
}
