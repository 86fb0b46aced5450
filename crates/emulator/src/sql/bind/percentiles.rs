//! PERCENTILE_DISC and PERCENTILE_CONT, whose values stand in WITHIN GROUP.

use sqlparser::ast::Function;

use super::cast::Mode;
use super::functions::plain_arguments;
use super::{Binder, Literal, Names, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{invalid_arguments, unsupported};

/// A constant between 0 and 1.
pub(super) fn share(function: &str, value: Option<&Typed>) -> Result<String, SqlError> {
    let value = value.ok_or_else(|| invalid_arguments(function, ""))?;
    match &value.literal {
        Literal::Number(text) if text.parse().is_ok_and(|share: f64| (0.0..=1.0).contains(&share)) => {
            Ok(text.clone())
        }
        _ => Err(unsupported(format!("{function} of something else than a constant between 0 and 1"))),
    }
}

impl Binder<'_> {
    pub(super) fn percentile(
        &self,
        name: &str,
        function: &Function,
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        let arguments = plain_arguments(function)?;
        let share = match arguments.as_slice() {
            [share] => self::share(name, Some(&self.expression(share, names)?))?,
            _ => return Err(invalid_arguments(name, "")),
        };
        let [item] = function.within_group.as_slice() else {
            return Err(unsupported(format!("{name} without one key in WITHIN GROUP")));
        };
        let key = self.expression(&item.expr, names)?;
        if matches!(key.ty, SnowType::TimestampTz { .. }) {
            return Err(unsupported(format!("{name} over TIMESTAMP_TZ")));
        }
        let key =
            if name == "PERCENTILE_CONT" { self.cast(key, &SnowType::Real, Mode::Explicit)? } else { key };
        let direction =
            if item.options.sort == Some(sqlparser::ast::OrderBySort::Desc) { " DESC" } else { "" };
        let over = match &function.over {
            Some(window) => format!(" OVER ({})", self.window(name, window, names)?),
            None => String::new(),
        };
        let sql =
            format!("{}({share}) WITHIN GROUP (ORDER BY {}{direction}){over}", name.to_lowercase(), key.sql);
        Ok(Typed::new(sql, key.ty))
    }
}
