//! Range checks over whole columns. A null slot may hold anything and is never looked at.

use arrow_buffer::NullBuffer;

/// Whether any value that is not null lies outside `low..=high`. Written without early exit, so that it vectorises.
pub(super) fn any_outside<T: Copy + PartialOrd>(
    values: &[T],
    nulls: Option<&NullBuffer>,
    low: T,
    high: T,
) -> bool {
    any(values, nulls, |value| (value < low) | (value > high))
}

/// Whether `predicate` holds for any value that is not null.
pub(super) fn any<T: Copy>(values: &[T], nulls: Option<&NullBuffer>, predicate: impl Fn(T) -> bool) -> bool {
    let fold = |values: &[T]| values.iter().fold(false, |found, value| found | predicate(*value));
    match nulls.filter(|nulls| nulls.null_count() > 0) {
        None => fold(values),
        Some(nulls) => nulls.valid_slices().any(|(start, end)| fold(&values[start..end])),
    }
}

/// How many values that are not null satisfy `predicate`.
pub(super) fn count<T: Copy>(values: &[T], nulls: Option<&NullBuffer>, predicate: impl Fn(T) -> bool) -> u64 {
    let fold = |values: &[T]| values.iter().map(|value| u64::from(predicate(*value))).sum::<u64>();
    match nulls.filter(|nulls| nulls.null_count() > 0) {
        None => fold(values),
        Some(nulls) => nulls.valid_slices().map(|(start, end)| fold(&values[start..end])).sum(),
    }
}
