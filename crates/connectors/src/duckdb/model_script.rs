//! Statements that change the vendor's model, made by whoever knows the model, run here in one transaction.

use duckdb::Connection;
use model::Result;

use super::error::failed;

/// Statements to be run in order, all or none of them, and one whose answer is a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelScript {
    /// What is being done, for errors.
    pub operation: &'static str,
    pub statements: Vec<String>,
    pub answer: String,
}

impl ModelScript {
    pub(super) fn run(&self, connection: &mut Connection) -> Result<String> {
        let Self { operation, statements, answer } = self;
        let transaction = connection.transaction().map_err(|e| failed(operation, e))?;
        for statement in statements {
            transaction.execute_batch(statement).map_err(|e| failed(operation, e))?;
        }
        let answer = transaction.query_row(answer, [], |row| row.get(0)).map_err(|e| failed(operation, e))?;
        transaction.commit().map_err(|e| failed(operation, e))?;
        Ok(answer)
    }
}
