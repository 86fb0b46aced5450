//! What a column's name says of what it holds. A name proves nothing: it decides between columns, and refuses none.

/// Parts of names that say when a row was last written.
const CHANGE: [&str; 8] = ["UPDATE", "MODIF", "CHANGE", "MODSTAMP", "INGEST", "SYNCED", "TOUCHED", "UPSERT"];
/// Parts of names that say when a row came into being.
const CREATION: [&str; 5] = ["CREAT", "INSERT", "REGISTER", "SIGNUP", "SIGNED_UP"];
/// Parts of names of times that somebody plans or that belong to what a row tells of.
const BUSINESS: [&str; 8] =
    ["BIRTH", "EXPIR", "SCHEDUL", "PLANNED", "EFFECTIVE", "DEADLINE", "RENEW", "CLOSE"];
/// The same as whole words.
const CHANGE_WORDS: [&str; 3] = ["ETL", "LOADED", "LOAD"];
const BUSINESS_WORDS: [&str; 9] =
    ["DUE", "START", "STARTS", "STARTED", "END", "ENDS", "ENDED", "VALID", "UNTIL"];
/// Whole words of numbers that grow with every change.
const SEQUENCE_WORDS: [&str; 8] =
    ["VERSION", "REVISION", "SEQ", "SEQUENCE", "SCN", "LSN", "OFFSET", "ROWVERSION"];
/// Whole words of columns that tell rows apart.
const KEY_WORDS: [&str; 9] = ["ID", "KEY", "UUID", "GUID", "CODE", "NO", "NUMBER", "PK", "SK"];

/// What a cursor column of that name probably holds. The order is that of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    Change,
    Unknown,
    Creation,
    Business,
}

pub(super) fn meaning(name: &str) -> Meaning {
    let upper = name.to_uppercase();
    let words = words(name);
    let has = |parts: &[&str], whole: &[&str]| {
        parts.iter().any(|part| upper.contains(part))
            || words.iter().any(|word| whole.contains(&word.as_str()))
    };
    if has(&CHANGE, &CHANGE_WORDS) {
        Meaning::Change
    } else if has(&CREATION, &[]) {
        Meaning::Creation
    } else if has(&BUSINESS, &BUSINESS_WORDS) {
        Meaning::Business
    } else {
        Meaning::Unknown
    }
}

pub(super) fn is_sequence(name: &str) -> bool {
    words(name).iter().any(|word| SEQUENCE_WORDS.contains(&word.as_str()))
}

pub(super) fn is_key(name: &str) -> bool {
    words(name).last().is_some_and(|last| KEY_WORDS.contains(&last.as_str()) || last.ends_with("ID"))
}

/// The words of `snake_case` and `camelCase` names, in capitals.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for character in name.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = character.is_lowercase();
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_uppercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_however_they_are_spelled() {
        for name in ["UPDATED_AT", "LastModifiedDate", "SYSTEMMODSTAMP", "etl_loaded_at", "lastChange"] {
            assert_eq!(meaning(name), Meaning::Change, "{name}");
        }
        for name in ["CREATED_AT", "createdDate", "INSERTED_ON"] {
            assert_eq!(meaning(name), Meaning::Creation, "{name}");
        }
        for name in ["CLOSE_DATE", "birthday", "validUntil", "DUE_ON", "END_DATE"] {
            assert_eq!(meaning(name), Meaning::Business, "{name}");
        }
        for name in ["OCCURRED_AT", "TS", "WEEKEND", "RETAIL_TIME"] {
            assert_eq!(meaning(name), Meaning::Unknown, "{name}");
        }
        assert!(is_key("ID") && is_key("accountId") && is_key("ORDER_NO") && is_key("DEALID"));
        assert!(!is_key("NAME") && !is_key("IDENTITY_TEXT"));
        assert!(is_sequence("ROW_VERSION") && !is_sequence("CONVERSION"));
    }
}
