//! Why a row could not be taken.

use std::fmt;

use serde::Serialize;

/// A stable code for each reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    IdentityMissing,
    IdentityInvalid,
    EmailInvalid,
    DomainPublicMailbox,
    DomainPublicSuffix,
    ValueMissing,
    MeasureMissing,
    DateUnreadable,
    NumberUnreadable,
    NumberOutOfRange,
    NumberTooPrecise,
    NumberNotWhole,
    BooleanUnreadable,
    JsonUnreadable,
    ValueUnmapped,
    CurrencyUnknown,
    PeriodUnknown,
}

impl Reason {
    pub const ALL: [Reason; 17] = [
        Reason::IdentityMissing,
        Reason::IdentityInvalid,
        Reason::EmailInvalid,
        Reason::DomainPublicMailbox,
        Reason::DomainPublicSuffix,
        Reason::ValueMissing,
        Reason::MeasureMissing,
        Reason::DateUnreadable,
        Reason::NumberUnreadable,
        Reason::NumberOutOfRange,
        Reason::NumberTooPrecise,
        Reason::NumberNotWhole,
        Reason::BooleanUnreadable,
        Reason::JsonUnreadable,
        Reason::ValueUnmapped,
        Reason::CurrencyUnknown,
        Reason::PeriodUnknown,
    ];

    /// The word that tables, reports and documentation say.
    pub fn code(self) -> &'static str {
        match self {
            Reason::IdentityMissing => "identity_missing",
            Reason::IdentityInvalid => "identity_invalid",
            Reason::EmailInvalid => "email_invalid",
            Reason::DomainPublicMailbox => "domain_public_mailbox",
            Reason::DomainPublicSuffix => "domain_public_suffix",
            Reason::ValueMissing => "value_missing",
            Reason::MeasureMissing => "measure_missing",
            Reason::DateUnreadable => "date_unreadable",
            Reason::NumberUnreadable => "number_unreadable",
            Reason::NumberOutOfRange => "number_out_of_range",
            Reason::NumberTooPrecise => "number_too_precise",
            Reason::NumberNotWhole => "number_not_whole",
            Reason::BooleanUnreadable => "boolean_unreadable",
            Reason::JsonUnreadable => "json_unreadable",
            Reason::ValueUnmapped => "value_unmapped",
            Reason::CurrencyUnknown => "currency_unknown",
            Reason::PeriodUnknown => "period_unknown",
        }
    }

    /// What is wrong with the row.
    pub fn meaning(self) -> &'static str {
        match self {
            Reason::IdentityMissing => "no identity, or a word that stands for none, such as `n/a`",
            Reason::IdentityInvalid => {
                "neither an e-mail address nor a domain nor an id: white space, or too long"
            }
            Reason::EmailInvalid => "has an `@` and is no e-mail address",
            Reason::DomainPublicMailbox => "a provider of mailboxes for everybody is no company",
            Reason::DomainPublicSuffix => "a suffix under which domains are registered is no company",
            Reason::ValueMissing => "a required field has no value",
            Reason::MeasureMissing => "none of spend, impressions and clicks has a value",
            Reason::DateUnreadable => "a text that is no date in the formats that are allowed",
            Reason::NumberUnreadable => "a text that is no number in the format that is allowed",
            Reason::NumberOutOfRange => "a number of more digits than the field holds",
            Reason::NumberTooPrecise => "a number of more than nine digits behind the point",
            Reason::NumberNotWhole => "a number with a fraction where whole ones are counted",
            Reason::BooleanUnreadable => "a text that is neither true nor false",
            Reason::JsonUnreadable => "a text that is no JSON",
            Reason::ValueUnmapped => "a text that `values` does not name, and there is no `otherwise`",
            Reason::CurrencyUnknown => "no currency of ISO 4217",
            Reason::PeriodUnknown => "none of one-time, month and year",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
