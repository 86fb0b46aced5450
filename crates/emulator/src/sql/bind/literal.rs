//! Constants: numbers with the precision they are written with, texts, and dates and times with a type in front.

use sqlparser::ast::{DataType, TimezoneInfo, TypedString, Value, ValueWithSpan};

use super::cast::Mode;
use super::{Binder, Literal, Names, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{invalid_identifier, unsupported};
use crate::sql::names::literal;
use crate::sql::physical::{TEXT_LENGTH_MAX, fixed};

impl Binder<'_> {
    pub(super) fn value(&self, value: &ValueWithSpan, names: &Names<'_>) -> Result<Typed, SqlError> {
        match &value.value {
            Value::Number(text, _) => Ok(number(text)),
            Value::SingleQuotedString(content) => Ok(text(content)),
            Value::DollarQuotedString(content) => Ok(text(&content.value)),
            Value::Boolean(flag) => Ok(boolean(*flag)),
            Value::Null => Ok(Typed::null()),
            Value::HexStringLiteral(hex) => {
                let length = u32::try_from(hex.len() / 2).unwrap_or(u32::MAX);
                Ok(Typed::new(format!("unhex({})", literal(hex)), SnowType::Binary { length })
                    .with_nullable(false))
            }
            Value::Placeholder(name) => self.placeholder(name, names, value),
            other => Err(unsupported(format!("the constant {other}"))),
        }
    }

    fn placeholder(&self, name: &str, names: &Names<'_>, value: &ValueWithSpan) -> Result<Typed, SqlError> {
        if name == "?" || name.starts_with(':') {
            return self.bound_value(name);
        }
        let name = name.trim_start_matches('$');
        if let Ok(position) = name.parse::<usize>() {
            let column = names.scope.positional(None, position);
            return column.ok_or_else(|| invalid_identifier(&format!("${position}"), value.span));
        }
        let variable = self.state.variables.get(&name.to_uppercase());
        let sql = variable.ok_or_else(|| {
            crate::sql::error::compilation(
                "002211",
                "02000",
                &format!("Session variable '${}' does not exist", name.to_uppercase()),
            )
        })?;
        let mut parser = crate::sql::parse::parser(sql)?;
        let expr = crate::sql::parse::run(&mut parser, sqlparser::parser::Parser::parse_expr)?;
        self.expression(&expr, names)
    }

    /// `DATE '2024-01-01'` and its like.
    pub(super) fn typed_string(&self, typed: &TypedString) -> Result<Typed, SqlError> {
        let Some(content) = typed.value.value.clone().into_string() else {
            return Err(unsupported(format!("the constant {typed}")));
        };
        let ty = match &typed.data_type {
            DataType::Timestamp(scale, TimezoneInfo::None) => DataType::Timestamp(*scale, TimezoneInfo::None),
            other => other.clone(),
        };
        let target = self.data_type(&ty)?;
        self.cast(text(&content), &target, Mode::Explicit)
    }

    pub(crate) fn data_type(&self, ty: &DataType) -> Result<SnowType, SqlError> {
        crate::sql::physical::from_ast(ty, &self.state.parameters.text("TIMESTAMP_TYPE_MAPPING"))
    }
}

pub(super) fn boolean(flag: bool) -> Typed {
    Typed::new(if flag { "TRUE" } else { "FALSE" }, SnowType::Boolean).with_nullable(false)
}

pub(super) fn text(content: &str) -> Typed {
    let length = u32::try_from(content.chars().count()).unwrap_or(TEXT_LENGTH_MAX);
    Typed {
        nullable: false,
        literal: Literal::Text(content.to_owned()),
        ..Typed::new(literal(content), SnowType::Text { length })
    }
}

/// A number as written: digits give its precision and scale, an exponent or too many digits make it a FLOAT.
pub(crate) fn number(written: &str) -> Typed {
    let (whole, fraction) = written.split_once('.').unwrap_or((written, ""));
    let digits = whole.trim_start_matches('0').len() + fraction.len();
    let is_plain = written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let typed = match (u8::try_from(digits.max(1)), i8::try_from(fraction.len())) {
        (Ok(precision), Ok(scale)) if is_plain && precision <= 38 && scale <= 37 => {
            Typed::new(format!("CAST({written} AS DECIMAL({precision},{scale}))"), fixed(precision, scale))
        }
        _ => Typed::new(format!("CAST({written} AS DOUBLE)"), SnowType::Real),
    };
    Typed { nullable: false, literal: Literal::Number(written.to_owned()), ..typed }
}

pub(super) fn integer(value: i64) -> Typed {
    if value >= 0 {
        return number(&value.to_string());
    }
    let digits = u8::try_from(value.unsigned_abs().to_string().len()).unwrap_or(19);
    Typed::new(format!("CAST({value} AS DECIMAL({digits},0))"), fixed(digits, 0)).with_nullable(false)
}
