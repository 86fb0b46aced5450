//! Vectors, which Snowflake loads as arrays only.

use model::VectorElement;
use snowflake::ColumnType;

use super::Verdict;
use super::decision::Decision;
use super::form::Form;
use super::route::Load;
use super::scan::Scan;

/// Vectors of whole or floating point numbers.
pub(super) fn vector(element: VectorElement, column_type: ColumnType) -> Decision {
    let parsed = |before: &str, after: &str| {
        let load = Load::around(before, after);
        match element {
            VectorElement::Int => Decision::always(Verdict::Widening, Form::VectorAsJson, load),
            VectorElement::Float => Decision::checked(Scan::FloatVector, Form::VectorAsJson, load),
        }
    };
    match column_type {
        ColumnType::Array => parsed("TO_ARRAY(PARSE_JSON(", "::VARCHAR))"),
        ColumnType::Variant => parsed("PARSE_JSON(", "::VARCHAR)"),
        ColumnType::Vector { .. } => Decision::refused(
            "Snowflake cannot load a VECTOR column, so load into an ARRAY column and cast it where it is used",
        ),
        _ => Decision::different("a vector", column_type),
    }
}
