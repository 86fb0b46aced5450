//! The values of an expression, and how each of them is read into another type.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, PrimitiveArray, StringArray};

use super::Failures;
use crate::mapping::Reason;
use crate::normal::text::trimmed;

/// The values of an expression, by row.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    pub(crate) array: ArrayRef,
    pub(crate) failures: Failures,
}

impl Values {
    /// Values of which each could be read.
    pub(super) fn fine(array: ArrayRef) -> Self {
        Self { array, failures: Failures::default() }
    }

    /// Each value read into another type; those that cannot be are noted.
    pub(super) fn map<From, To>(
        self,
        values: &PrimitiveArray<From>,
        read: impl Fn(From::Native) -> Result<To::Native, Reason>,
    ) -> Self
    where
        From: arrow_array::ArrowPrimitiveType,
        To: arrow_array::ArrowPrimitiveType,
    {
        let Self { mut failures, .. } = self;
        let row_count = values.len();
        let mapped = (0..row_count).map(|row| {
            let value = values.is_valid(row).then(|| values.value(row))?;
            read(value).map_err(|reason| failures.set(row, row_count, reason)).ok()
        });
        let array: PrimitiveArray<To> = mapped.collect();
        Self { array: Arc::new(array), failures }
    }

    /// The same from text. White space at both ends says nothing, and neither does an empty text.
    pub(super) fn map_text_into<To: arrow_array::ArrowPrimitiveType>(
        self,
        read: impl Fn(&str) -> Result<To::Native, Reason>,
    ) -> Self {
        let Self { array, mut failures } = self;
        let texts = array.as_string::<i32>();
        let row_count = texts.len();
        let mapped = (0..row_count).map(|row| {
            let text =
                texts.is_valid(row).then(|| trimmed(texts.value(row))).filter(|text| !text.is_empty())?;
            read(text).map_err(|reason| failures.set(row, row_count, reason)).ok()
        });
        let array: PrimitiveArray<To> = mapped.collect();
        Self { array: Arc::new(array), failures }
    }

    pub(super) fn map_text(self, read: impl Fn(&str) -> Result<String, Reason>) -> Self {
        self.map_optional_text(|text| read(text).map(Some))
    }

    pub(super) fn map_optional_text(self, read: impl Fn(&str) -> Result<Option<String>, Reason>) -> Self {
        let Self { array, mut failures } = self;
        let texts = array.as_string::<i32>();
        let row_count = texts.len();
        let mapped = (0..row_count).map(|row| {
            let text = texts.is_valid(row).then(|| texts.value(row))?;
            read(text).map_err(|reason| failures.set(row, row_count, reason)).ok().flatten()
        });
        let array: StringArray = mapped.collect();
        Self { array: Arc::new(array), failures }
    }

    pub(super) fn map_bool(self) -> Self {
        let Self { array, mut failures } = self;
        let texts = array.as_string::<i32>();
        let row_count = texts.len();
        let mapped = (0..row_count).map(|row| {
            let text =
                texts.is_valid(row).then(|| trimmed(texts.value(row))).filter(|text| !text.is_empty())?;
            let truth = truth(text);
            if truth.is_none() {
                failures.set(row, row_count, Reason::BooleanUnreadable);
            }
            truth
        });
        let array: arrow_array::BooleanArray = mapped.collect();
        Self { array: Arc::new(array), failures }
    }

    /// Numbers of microseconds as timestamps.
    pub(super) fn into_moments(self) -> Self {
        let array: ArrayRef = match self.array.data_type() {
            arrow_schema::DataType::Int64 => Arc::new(
                self.array.as_primitive::<Int64Type>().reinterpret_cast::<TimestampMicrosecondType>(),
            ),
            _ => self.array,
        };
        Self { array, ..self }
    }
}

/// The ten ways in which people write true and false.
fn truth(text: &str) -> Option<bool> {
    const TRUE: [&str; 6] = ["true", "t", "yes", "y", "on", "1"];
    const FALSE: [&str; 6] = ["false", "f", "no", "n", "off", "0"];
    let is_one_of = |words: [&str; 6]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(TRUE) { Some(true) } else { is_one_of(FALSE).then_some(false) }
}
