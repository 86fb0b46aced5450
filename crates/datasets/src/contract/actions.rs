//! Website actions and custom actions: two contracts, one shape.

use model::LogicalType;

use super::landing::{LandedColumn, TIMESTAMP, column};
use super::{Field, FieldType, Need, field};
use crate::number::NUMBER;

const IDENTITY: Field = field(
    "identity",
    FieldType::Identity,
    Need::Required,
    &["email", "email_address", "contact_email", "user_email"],
    "who it was: an e-mail address, a company's domain, or another id of the CRM",
);
const DATE: Field = field(
    "date",
    FieldType::Timestamp,
    Need::Required,
    &["action_date", "timestamp", "event_date", "occurred_at", "event_time"],
    "when it happened",
);
const USER_ID: Field =
    field("user_id", FieldType::Text, Need::Recommended, &[], "the person's id, beside the identity");
const COMPANY_DOMAIN: Field = field(
    "company_domain",
    FieldType::Domain,
    Need::Optional,
    &[],
    "the company's domain; the identity's own where absent",
);
const ADDED_AT: Field = field(
    "added_at",
    FieldType::Timestamp,
    Need::Optional,
    &[],
    "when the row was added to the source; the best cursor of a recurring import",
);

pub(super) const WEBSITE_FIELDS: &[Field] = &[
    IDENTITY,
    DATE,
    field("page_url", FieldType::Url, Need::Required, &["url"], "the page, with its UTM parameters if any"),
    field(
        "referrer",
        FieldType::Text,
        Need::RequiredColumn,
        &["referer"],
        "where the visit came from; may be empty",
    ),
    USER_ID,
    COMPANY_DOMAIN,
    ADDED_AT,
];

pub(super) const CUSTOM_FIELDS: &[Field] = &[
    Field {
        default: Some("the name of the table"),
        ..field("action_name", FieldType::Text, Need::Optional, &[], "what was done")
    },
    IDENTITY,
    DATE,
    USER_ID,
    COMPANY_DOMAIN,
    ADDED_AT,
    field(
        "deal_id",
        FieldType::Text,
        Need::Optional,
        &["opportunity_id"],
        "the deal that it belongs to, by which revenue is matched",
    ),
    field("revenue", FieldType::Number, Need::Optional, &[], "reserved action property: an amount of money"),
    field("currency", FieldType::Currency, Need::Optional, &[], "reserved action property: ISO 4217"),
    field(
        "period",
        FieldType::Period,
        Need::Optional,
        &[],
        "reserved action property: one-time, month or year",
    ),
];

/// The columns of both.
pub(super) fn columns() -> Vec<LandedColumn> {
    let text = |name, meaning| column(name, LogicalType::Text, meaning);
    vec![
        text("identity", "the identity, normalised"),
        text("identity_kind", "`email`, `domain` or `id`"),
        text("email", "the identity where it is an e-mail address"),
        text("user_id", "the person's id"),
        text("company_id", "the company's domain; NULL for public mailboxes"),
        text("deal_id", "the deal that it belongs to"),
        text("action_type", "`enter-page` for website actions, `custom` for the others"),
        text("action_name", "what was done"),
        column("action_date", TIMESTAMP, "when, in UTC, to the microsecond"),
        text("page_url", "the page as it came"),
        text("domain", "the page's host, without `www.`"),
        text("path", "the page's path"),
        text("hash", "what follows `#`"),
        column("query_param", LogicalType::Json, "the URL's parameters, decoded; of repeated ones the first"),
        text("utm_source", "from the URL's parameters"),
        text("utm_medium", "from the URL's parameters"),
        text("utm_campaign", "from the URL's parameters"),
        text("utm_term", "from the URL's parameters"),
        text("utm_content", "from the URL's parameters"),
        text("referrer", "where the visit came from"),
        column("revenue", NUMBER, "the reserved property"),
        text("currency", "the reserved property"),
        text("period", "the reserved property"),
        column("action_properties", LogicalType::Json, "the columns that no field takes"),
        column("company_properties", LogicalType::Json, "those of them that are named `company_…`"),
        column("added_at", TIMESTAMP, "when the row was added to the source"),
    ]
}
