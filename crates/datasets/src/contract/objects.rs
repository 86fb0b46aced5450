//! Objects: companies, users, deals and whatever else a customer keeps records of.

use model::LogicalType;

use super::landing::{LandedColumn, TIMESTAMP, column};
use super::{Field, FieldType, Need, field};

pub(super) const FIELDS: &[Field] = &[
    Field {
        default: Some("the mapping's `type`"),
        ..field(
            "object_type",
            FieldType::Text,
            Need::Required,
            &[],
            "company, user, deal or a word of your own",
        )
    },
    field(
        "object_id",
        FieldType::Text,
        Need::Required,
        &["id"],
        "the record's id; a column `<type>_id`, or `contact_id` of a user, is taken too",
    ),
    field(
        "identity",
        FieldType::Identity,
        Need::Recommended,
        &["email", "email_address", "contact_email", "user_email"],
        "the person or company it belongs to; this or the domain is needed",
    ),
    field(
        "company_domain",
        FieldType::Domain,
        Need::Recommended,
        &["domain", "website"],
        "the company it belongs to; the identity's own domain where absent",
    ),
    field(
        "updated_at",
        FieldType::Timestamp,
        Need::Recommended,
        &["last_modified_date", "modified_at", "system_modstamp"],
        "when the record changed last; of two rows of one record the later one counts",
    ),
    field(
        "property_name",
        FieldType::Text,
        Need::Optional,
        &[],
        "with `property_value`: one row is one property of a record, not one record",
    ),
    field("property_value", FieldType::Json, Need::Optional, &[], "the property's value"),
];

pub(super) fn columns() -> Vec<LandedColumn> {
    let text = |name, meaning| column(name, LogicalType::Text, meaning);
    vec![
        text("object_type", "company, user, deal or a word of your own"),
        text("object_id", "the record's id"),
        text("identity", "the identity, normalised"),
        text("identity_kind", "`email`, `domain` or `id`"),
        text("email", "the identity where it is an e-mail address"),
        text("company_domain", "the company's domain; NULL for public mailboxes"),
        text("property_name", "the property, where one row is one property"),
        column(
            "properties",
            LogicalType::Json,
            "the columns that no field takes, or the one property's value",
        ),
        column("updated_at", TIMESTAMP, "when the record changed last, in UTC"),
    ]
}
