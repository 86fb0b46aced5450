//! What becomes of each pair of types: the heart of the compatibility table.

use model::LogicalType;
use snowflake::ColumnType;

use super::form::Form;
use super::route::{Load, Route};
use super::scan::Scan;
use super::{Verdict, numbers, semi_structured, temporal, texts};

/// The verdict on a pair of types, with the way where there is one and the reason where there is none.
#[derive(Clone, Debug)]
pub(super) enum Decision {
    Accepted { verdict: Verdict, route: Route },
    Refused { reason: String },
}

impl Decision {
    /// Decides for a column that may (`is_lossy`) or may not be changed to fit.
    pub(super) fn of(logical_type: &LogicalType, column_type: ColumnType, is_lossy: bool) -> Self {
        match logical_type {
            LogicalType::Bool => bool(column_type),
            LogicalType::Int64 | LogicalType::IntervalMonths | LogicalType::IntervalNanoseconds => {
                numbers::whole(column_type)
            }
            LogicalType::Decimal { precision, scale } => {
                numbers::decimal(*precision, *scale, column_type, is_lossy)
            }
            LogicalType::Float64 => numbers::float(column_type, is_lossy),
            LogicalType::Text | LogicalType::Decfloat | LogicalType::Json | LogicalType::Geo => {
                texts::text(logical_type, column_type, is_lossy)
            }
            LogicalType::Binary => texts::binary(column_type),
            LogicalType::Date => temporal::date(column_type),
            LogicalType::Time { .. } => temporal::time(logical_type, column_type, is_lossy),
            LogicalType::Timestamp { .. } => temporal::zoneless(logical_type, column_type, is_lossy),
            LogicalType::TimestampUtc { .. } => temporal::instant(logical_type, column_type, is_lossy),
            LogicalType::TimestampOffset { .. } => temporal::with_offset(logical_type, column_type, is_lossy),
            LogicalType::Vector { element, .. } => semi_structured::vector(*element, column_type),
        }
    }

    /// Accepts values that all fit.
    pub(super) fn always(verdict: Verdict, form: Form, load: Load) -> Self {
        Self::Accepted { verdict, route: Route { scan: Scan::Nothing, form, load, is_lossy: false } }
    }

    /// Accepts values that are looked at one by one.
    pub(super) fn checked(scan: Scan, form: Form, load: Load) -> Self {
        Self::Accepted { verdict: Verdict::Checked, route: Route { scan, form, load, is_lossy: false } }
    }

    /// Accepts values that may be changed to fit, where that is allowed; else as [`Decision::checked`].
    pub(super) fn checked_or_lossy(scan: Scan, form: Form, load: Load, is_lossy: bool) -> Self {
        let verdict = if is_lossy { Verdict::Lossy } else { Verdict::Checked };
        Self::Accepted { verdict, route: Route { scan, form, load, is_lossy } }
    }

    /// Accepts a change of meaning only where it is allowed.
    pub(super) fn lossy_only(
        is_lossy: bool,
        what: &str,
        instead: &str,
        scan: Scan,
        form: Form,
        load: Load,
    ) -> Self {
        if is_lossy {
            return Self::checked_or_lossy(scan, form, load, true);
        }
        Self::refused(format!("{what}, so {instead}, or allow the change for this column under `lossy`"))
    }

    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    /// Refuses types of different kinds: what such a conversion means is for the query to say.
    pub(super) fn different(logical_type: &str, column_type: ColumnType) -> Self {
        Self::refused(format!(
            "{logical_type} does not become {column_type} by itself, so cast it in the query"
        ))
    }
}

fn bool(column_type: ColumnType) -> Decision {
    match column_type {
        ColumnType::Boolean => Decision::always(Verdict::Exact, Form::AsIs, Load::cast("BOOLEAN")),
        ColumnType::Variant => {
            Decision::always(Verdict::Widening, Form::AsIs, Load::around("TO_VARIANT(", "::BOOLEAN)"))
        }
        _ => Decision::different("bool", column_type),
    }
}
