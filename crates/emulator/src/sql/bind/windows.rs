//! What stands in OVER (…).

use sqlparser::ast::{WindowFrame, WindowFrameBound, WindowType};

use super::{Binder, Names};
use crate::outcome::SqlError;
use crate::sql::error::unsupported;

impl Binder<'_> {
    pub(super) fn window(
        &self,
        function: &str,
        window: &WindowType,
        names: &Names<'_>,
    ) -> Result<String, SqlError> {
        let WindowType::WindowSpec(spec) = window else {
            return Err(unsupported("a named window"));
        };
        if spec.window_name.is_some() {
            return Err(unsupported("a named window"));
        }
        let mut parts = Vec::new();
        if !spec.partition_by.is_empty() {
            let keys =
                spec.partition_by.iter().map(|expr| Ok(self.instant(self.expression(expr, names)?).sql));
            parts.push(format!("PARTITION BY {}", keys.collect::<Result<Vec<_>, SqlError>>()?.join(", ")));
        }
        if !spec.order_by.is_empty() {
            parts.push(format!("ORDER BY {}", self.order_list(&spec.order_by, names)?));
        }
        if let Some(frame) = &spec.window_frame {
            parts.push(self.frame(frame, names)?);
        } else if matches!(function, "FIRST_VALUE" | "LAST_VALUE" | "NTH_VALUE") {
            // Snowflake's default for these is the whole partition, not up to the current row.
            parts.push("ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".to_owned());
        }
        Ok(parts.join(" "))
    }

    fn frame(&self, frame: &WindowFrame, names: &Names<'_>) -> Result<String, SqlError> {
        let start = self.frame_bound(&frame.start_bound, names)?;
        Ok(match &frame.end_bound {
            Some(end) => format!("{} BETWEEN {start} AND {}", frame.units, self.frame_bound(end, names)?),
            None => format!("{} {start}", frame.units),
        })
    }

    fn frame_bound(&self, bound: &WindowFrameBound, names: &Names<'_>) -> Result<String, SqlError> {
        let amount = |expr: &Option<Box<sqlparser::ast::Expr>>| match expr {
            None => Ok("UNBOUNDED".to_owned()),
            Some(expr) => {
                let amount = self.expression(expr, names)?;
                Ok::<_, SqlError>(format!("CAST({} AS BIGINT)", amount.sql))
            }
        };
        Ok(match bound {
            WindowFrameBound::CurrentRow => "CURRENT ROW".to_owned(),
            WindowFrameBound::Preceding(expr) => format!("{} PRECEDING", amount(expr)?),
            WindowFrameBound::Following(expr) => format!("{} FOLLOWING", amount(expr)?),
        })
    }
}
