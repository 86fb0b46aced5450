//! The vendor's data model, and how a customer's rows become it.
//!
//! A sync names a [`Dataset`] and says which columns are its fields ([`DatasetConfig`]). That is compiled once against the
//! stream's columns ([`Mapping`]) and evaluated batch by batch. Each row of the source becomes one row of a landed table:
//! mapped, or with the reason why it could not be. [`MappedSource`] does that to any source on the way to its
//! destination. Nothing here does IO, reads a clock or knows a database.

mod cells;
mod config;
mod contract;
mod currency;
mod explain;
mod export;
mod expression;
mod mapping;
mod matching;
mod moment;
mod normal;
mod number;
mod own;
mod pack;
mod proposal;
mod source;
mod views;

pub use config::{DatasetChoice, DatasetConfig, PropertyMerge};
pub use contract::{BOOKKEEPING, Dataset, Field, FieldType, LandedColumn, Need, ROW_ID};
pub use explain::{Section, Subject};
pub use export::{
    EXPORT_CURSOR, EXPORT_GONE, ExportChoice, ExportColumn, ExportConfig, ObjectsExport, PropertyType,
    StageConfig, StageGoal, StageKind, publication_sql, unpublished_sql,
};
pub use expression::{Constant, Expression, JsonPath};
pub use mapping::{
    Context, FieldSource, InputColumns, Mapped, Mapping, MappingReport, Reason, RejectCount, Stamps,
};
pub use matching::{
    Counted, Lookback, MatchConfig, MatchReport, MatchRule, MatchScope, MatchScript, Matching, Money,
    NOTED_SQL, Rates, Recurring, UnmatchedDeal, noted, unmatch_sql,
};
pub use moment::{DateFormat, Language};
pub use number::NumberFormat;
pub use own::{
    CREATE_OWN_MATCHED, OWN_ACTIONS, OWN_IDS_SQL, OWN_MATCHED_SQL, OwnActions, note_own_matched_sql,
    refuse_unfit_ids,
};
pub use proposal::{Proposal, ProposedField, SAMPLE_ROWS, propose};
pub use source::{MappedSource, landing_spec};
pub use views::{LandedTable, MODEL_SCHEMA, MODEL_VERSION, model_views};

/// The normalisations alone, for tests of their properties.
#[doc(hidden)]
pub mod properties {
    /// A domain in its canonical form.
    pub fn domain(text: &str) -> Option<String> {
        crate::normal::domain::normalised(text).map(std::borrow::Cow::into_owned)
    }

    /// An e-mail address in its canonical form.
    pub fn email(text: &str) -> Option<String> {
        crate::normal::email::normalised(text).map(std::borrow::Cow::into_owned)
    }

    /// A name in `snake_case`.
    pub fn snake_case(name: &str) -> String {
        crate::normal::name::snake_case(name)
    }
}
