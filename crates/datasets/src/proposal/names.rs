//! What a column's name says about the field that it may be.

use super::{HINT, OTHER_NAME, OWN_NAME};
use crate::contract::Field;

/// Words in names that hint at a field.
const HINTS: [(&str, &[&str]); 19] = [
    ("identity", &["email", "mail", "contact", "user", "person", "lead", "who"]),
    ("date", &["date", "time", "timestamp", "happened", "occurred", "created", "started", "day", "when"]),
    ("action_name", &["action", "event", "kind", "type", "activity"]),
    ("page_url", &["url", "page", "link"]),
    ("referrer", &["referrer", "referer", "ref"]),
    ("user_id", &["user", "contact", "person", "lead", "visitor"]),
    ("company_domain", &["domain", "website", "web", "company", "account", "homepage"]),
    ("added_at", &["added", "inserted", "loaded", "ingested", "synced"]),
    ("deal_id", &["deal", "opportunity", "opp"]),
    ("revenue", &["revenue", "amount", "price"]),
    ("currency", &["currency", "ccy"]),
    ("period", &["period", "billing", "interval"]),
    ("object_id", &["id", "key", "uuid"]),
    ("updated_at", &["updated", "modified", "changed"]),
    ("campaign_name", &["campaign"]),
    ("spend", &["spend", "cost", "spent"]),
    ("impressions", &["impressions", "views", "shown"]),
    ("clicks", &["clicks", "clicked"]),
    ("network", &["network", "platform", "channel"]),
];

/// Words that say that a moment is that of the record and not of what happened.
const OF_THE_RECORD: [&str; 8] =
    ["updated", "modified", "changed", "added", "inserted", "loaded", "ingested", "synced"];

/// Fields that are ids: a name that hints at one has to say so.
const IDS: [&str; 3] = ["user_id", "deal_id", "object_id"];

/// What the name is worth, and what it says.
pub(super) fn points(field: &Field, snake_case: &str, object_type: Option<&str>) -> (u8, &'static str) {
    if snake_case == field.name {
        return (OWN_NAME, "the field's own name");
    }
    let is_id_of_type = |name: &str| {
        snake_case == format!("{}_id", crate::normal::name::snake_case(name))
            || (name, snake_case) == ("user", "contact_id")
    };
    if field.aliases.contains(&snake_case)
        || field.name == "object_id" && object_type.is_some_and(is_id_of_type)
    {
        return (OTHER_NAME, "another name of the field");
    }
    let words: Vec<&str> = snake_case.split('_').collect();
    let hints =
        HINTS.iter().find(|(name, _)| *name == field.name).map(|(_, hints)| *hints).unwrap_or_default();
    let is_hinted = words.iter().any(|word| hints.contains(word));
    let is_other = field.name == "date" && words.iter().any(|word| OF_THE_RECORD.contains(word))
        || IDS.contains(&field.name) && !words.contains(&"id");
    if is_hinted && !is_other { (HINT, "the name hints at it") } else { (0, "") }
}
