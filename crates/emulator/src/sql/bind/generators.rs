//! Made-up rows: sequences of numbers over GENERATOR, and random values.

use sqlparser::ast::Expr;

use super::{Binder, Literal, Names, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::unsupported;
use crate::sql::physical::{TEXT, fixed};

impl Binder<'_> {
    pub(super) fn generator_function(
        &self,
        name: &str,
        arguments: &[Expr],
        names: &Names<'_>,
    ) -> Result<Option<Typed>, SqlError> {
        let is_random = |expr: &Expr| matches!(expr, Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("RANDOM"));
        Ok(Some(match (name, arguments) {
            ("SEQ1" | "SEQ2" | "SEQ4" | "SEQ8", _) => {
                let running = names.scope.relations.iter().find_map(|relation| relation.sequence.clone());
                let running = running.unwrap_or_else(|| "(row_number() OVER () - 1)".to_owned());
                Typed::new(format!("CAST({running} AS DECIMAL(19,0))"), fixed(19, 0)).with_nullable(false)
            }
            ("RANDOM", []) => {
                let sql = "CAST(hash(random()) // 2 AS DECIMAL(19,0))";
                Typed::new(sql, fixed(19, 0)).with_nullable(false)
            }
            ("RANDOM", _) => return Err(unsupported("RANDOM with a seed")),
            ("UNIFORM", [low, high, source]) => {
                if !is_random(source) {
                    return Err(unsupported("UNIFORM over something else than RANDOM()"));
                }
                let (low, high) = (self.expression(low, names)?, self.expression(high, names)?);
                uniform(&self.numeric(low)?, &self.numeric(high)?)
            }
            ("RANDSTR", [length, source]) => {
                if !is_random(source) {
                    return Err(unsupported("RANDSTR over something else than RANDOM()"));
                }
                let length = self.expression(length, names)?;
                let Literal::Number(length) = length.literal else {
                    return Err(unsupported("RANDSTR with a computed length"));
                };
                Typed::new(format!("sf_random_text(random(), CAST({length} AS BIGINT))"), TEXT)
                    .with_nullable(false)
            }
            _ => return Ok(None),
        }))
    }
}

fn uniform(low: &Typed, high: &Typed) -> Typed {
    match (&low.ty, &high.ty) {
        (SnowType::Fixed { scale: 0, .. }, SnowType::Fixed { scale: 0, .. }) => {
            let width = format!("CAST({} - {} + 1 AS DOUBLE)", high.sql, low.sql);
            let sql = format!("CAST({} + floor(random() * {width}) AS DECIMAL(38,0))", low.sql);
            Typed::new(sql, fixed(38, 0)).with_nullable(false)
        }
        _ => {
            let (low, high) =
                (format!("CAST({} AS DOUBLE)", low.sql), format!("CAST({} AS DOUBLE)", high.sql));
            Typed::new(format!("({low} + random() * ({high} - {low}))"), SnowType::Real).with_nullable(false)
        }
    }
}
