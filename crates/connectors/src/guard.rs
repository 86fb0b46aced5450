//! Refusals that every destination and journal makes in the same words.

use model::{Error, ErrorKind, Result, StreamName, TableName};

/// Refuses to replace a table by far fewer rows: the source may be empty or half loaded at this moment.
pub(crate) fn refuse_shrinking(
    target: &TableName,
    before: u64,
    after: u64,
    max_shrink_percent: u8,
) -> Result<()> {
    let lost = before.saturating_sub(after);
    if u128::from(lost) * 100 <= u128::from(before) * u128::from(max_shrink_percent) {
        return Ok(());
    }
    let message =
        format!("{target} would shrink from {before} to {after} rows, more than {max_shrink_percent}%");
    Err(Error::data("target_would_shrink", message)
        .with_remedy("if the source is right, raise `read.full_refresh.max_shrink_percent` for one run"))
}

/// The key of the sync does not tell the source's rows apart.
pub(crate) fn repeated_keys(stream: &StreamName, key: &[String], repeated: u64) -> Error {
    let message =
        format!("{repeated} rows of {stream} repeat a key ({}) that an earlier row has", key.join(", "));
    Error::data("key_not_unique", message).with_remedy(
        "choose columns that tell all rows apart under `read.key`; Snowflake does not enforce primary keys",
    )
}

/// A target belongs to the stream that it was first fed from.
pub(crate) fn refuse_taken(owner: &str, stream: &StreamName, target: &TableName) -> Result<()> {
    if owner == stream.to_string() {
        return Ok(());
    }
    let message = format!("the table {target} is fed from {owner}, not from {stream}");
    Err(Error::config("target_taken", message).with_remedy("choose another `target`"))
}

/// Somebody with a later epoch has taken the stream over.
pub(crate) fn stale_epoch(stream: &StreamName) -> Error {
    Error::new(ErrorKind::Conflict, "stale_epoch", format!("another run has taken over {stream}"))
}

/// Rows that were staged by a range are not those that are found in it, so nothing staged is gone on with.
pub(crate) fn other_rows_staged(stream: &StreamName) -> Error {
    let message = format!(
        "a range of {stream} that has to be read again does not hold the rows that were staged of it"
    );
    Error::new(ErrorKind::Unavailable, "staged_rows_differ", message)
        .with_remedy("the first read begins anew by itself")
}
