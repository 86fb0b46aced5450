//! The columns of the rows that come in, found by names as people write them.

use std::collections::HashMap;

use model::{Error, LogicalType, PlannedColumn, Result};

use crate::normal::name::snake_case;

/// Columns of a stream, and where their values are in its batches.
#[derive(Clone, Debug)]
pub struct InputColumns {
    columns: Vec<InputColumn>,
    by_name: HashMap<String, usize>,
    /// The first column of each name in `snake_case`.
    by_snake_case: HashMap<String, usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct InputColumn {
    pub(crate) name: String,
    pub(crate) snake_case: String,
    pub(crate) logical_type: LogicalType,
    /// The place in a batch; an offset travels in the place behind.
    pub(crate) index: usize,
}

impl InputColumns {
    /// The columns of a plan, whose batches hold them in this order.
    pub(crate) fn new(planned: &[PlannedColumn]) -> Self {
        let mut index = 0;
        let mut columns = Vec::with_capacity(planned.len());
        for column in planned {
            columns.push(InputColumn {
                name: column.source.clone(),
                snake_case: snake_case(&column.source),
                logical_type: column.logical_type.clone(),
                index,
            });
            index += column.logical_type.arrow_fields(&column.source, true).len();
        }
        let by_name = columns.iter().enumerate().map(|(at, column)| (column.name.clone(), at)).collect();
        let mut by_snake_case = HashMap::new();
        for (at, column) in columns.iter().enumerate() {
            by_snake_case.entry(column.snake_case.clone()).or_insert(at);
        }
        Self { columns, by_name, by_snake_case }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &InputColumn> {
        self.columns.iter()
    }

    /// The column whose name in `snake_case` is this.
    pub(crate) fn called(&self, snake_case: &str) -> Option<&InputColumn> {
        self.by_snake_case.get(snake_case).map(|at| &self.columns[*at])
    }

    /// The column that a mapping names: exactly, or but for the case of its letters.
    pub(crate) fn named(&self, name: &str, field: &str) -> Result<&InputColumn> {
        let exact = self.by_name.get(name).map(|at| &self.columns[*at]);
        if let Some(column) = exact {
            return Ok(column);
        }
        let mut folded = self.columns.iter().filter(|column| column.name.eq_ignore_ascii_case(name));
        match (folded.next(), folded.next()) {
            (Some(column), None) => Ok(column),
            (Some(one), Some(other)) => Err(Error::config(
                "column_ambiguous",
                format!("`{field}` names the column {name}, and there are {} and {}", one.name, other.name),
            )
            .with_remedy("write the name exactly as it is at the source")),
            (None, _) => Err(self.unknown(name, field)),
        }
    }

    /// The place and the type of a column that a mapping names.
    pub(crate) fn find(&self, name: &str, field: &str) -> Result<(usize, &LogicalType)> {
        self.named(name, field).map(|column| (column.index, &column.logical_type))
    }

    /// The names, for a person to choose from.
    pub(crate) fn names(&self) -> String {
        /// More would fill the screen.
        const SHOWN_MAX: usize = 40;
        let mut names: Vec<&str> =
            self.columns.iter().take(SHOWN_MAX).map(|column| column.name.as_str()).collect();
        if self.columns.len() > SHOWN_MAX {
            names.push("…");
        }
        names.join(", ")
    }

    fn unknown(&self, name: &str, field: &str) -> Error {
        Error::config(
            "unknown_column",
            format!("`{field}` names the column {name}, which the stream does not have"),
        )
        .with_remedy(format!("its columns are {}", self.names()))
    }
}
