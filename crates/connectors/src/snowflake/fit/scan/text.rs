//! Texts and bytes: lengths from the offsets alone, and text that has to be read.

use arrow_array::{BinaryArray, StringArray};

use super::Findings;
use crate::snowflake::fit::Rule;

/// Snowflake's largest text: 128 MiB as UTF-8, whatever length a column has.
const TEXT_BYTES_MAX: u64 = 134_217_728;

pub(super) fn text(values: &StringArray, characters_max: u64, findings: &mut Findings) {
    // A text has no more characters than bytes, so nearly every column passes by its offsets.
    if longest(values.value_offsets()) > characters_max.min(TEXT_BYTES_MAX) {
        for (row, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            let bytes = value.len() as u64;
            if bytes > characters_max && value.chars().count() as u64 > characters_max {
                findings.note(row, Rule::TextTooLong);
            } else if bytes > TEXT_BYTES_MAX {
                findings.note(row, Rule::TextTooManyBytes);
            }
        }
    }
    nul_bytes(values, findings);
}

fn nul_bytes(values: &StringArray, findings: &mut Findings) {
    let offsets = values.value_offsets();
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return };
    if !values.value_data()[*first as usize..*last as usize].contains(&0) {
        return;
    }
    for (row, value) in values.iter().enumerate() {
        if value.is_some_and(|value| value.as_bytes().contains(&0)) {
            findings.note(row, Rule::NulByte);
        }
    }
}

pub(super) fn binary(values: &BinaryArray, bytes_max: u64, findings: &mut Findings) {
    if longest(values.value_offsets()) <= bytes_max {
        return;
    }
    for (row, value) in values.iter().enumerate() {
        if value.is_some_and(|value| value.len() as u64 > bytes_max) {
            findings.note(row, Rule::BinaryTooLong);
        }
    }
}

/// Looks at each text by itself.
pub(super) fn each(values: &StringArray, findings: &mut Findings, check: impl Fn(&str) -> Result<(), Rule>) {
    for (row, value) in values.iter().enumerate() {
        if let Some(Err(rule)) = value.map(&check) {
            findings.note(row, rule);
        }
    }
}

/// The longest value between two offsets, which never fall.
fn longest(offsets: &[i32]) -> u64 {
    let lengths = offsets.windows(2).map(|pair| pair[1] - pair[0]);
    lengths.fold(0, i32::max).unsigned_abs().into()
}
