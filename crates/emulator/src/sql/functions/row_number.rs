//! Numbers for new rows, taken for a whole vector at a time.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use duckdb::Connection;
use duckdb::core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId};
use duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use duckdb::vtab::arrow::WritableVector;

use crate::sql::travel::ROW_FUNCTION;

struct RowNumber;

pub(super) fn register(connection: &Connection, numbers: &Arc<AtomicI64>) -> duckdb::Result<()> {
    connection.register_scalar_function_with_state::<RowNumber>(ROW_FUNCTION, numbers)
}

impl VScalar for RowNumber {
    type State = Arc<AtomicI64>;

    fn invoke(
        numbers: &Self::State,
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> Result<(), Box<dyn Error>> {
        let rows = input.len();
        let first = numbers.fetch_add(i64::try_from(rows)?, Ordering::Relaxed);
        let mut vector = output.flat_vector();
        // SAFETY: the vector has room for `rows` values, and the signature says that they are 64 bits wide.
        let values = unsafe { vector.as_mut_slice_with_len::<i64>(rows) };
        for (value, number) in values.iter_mut().zip(first..) {
            *value = number;
        }
        Ok(())
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        vec![ScalarFunctionSignature::exact(Vec::new(), LogicalTypeHandle::from(LogicalTypeId::Bigint))]
    }

    fn volatile() -> bool {
        true
    }
}
