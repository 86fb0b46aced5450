//! Expressions as they stand in a sync file: a bare name is a column; anything else is one function with its options.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use super::{Constant, Expression, JsonPath};
use crate::moment::{DateFormat, Language};
use crate::number::{self, NumberFormat};

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpressionVisitor)
    }
}

struct ExpressionVisitor;

impl<'de> Visitor<'de> for ExpressionVisitor {
    type Value = Expression;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column, or an expression such as `{ lower: EMAIL }`")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Expression, E> {
        Ok(Expression::Column(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expression, A::Error> {
        Written::deserialize(MapAccessDeserializer::new(map))?.expression().map_err(A::Error::custom)
    }
}

/// All that an expression may say; `Written::expression` finds out whether it makes sense together.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    column: Option<String>,
    value: Option<Constant>,
    coalesce: Option<Vec<Expression>>,
    lower: Option<Box<Expression>>,
    trim: Option<Box<Expression>>,
    concat: Option<Vec<Expression>>,
    date: Option<Box<Expression>>,
    number: Option<Box<Expression>>,
    bool: Option<Box<Expression>>,
    text: Option<Box<Expression>>,
    json: Option<Box<Expression>>,
    map: Option<Box<Expression>>,

    separator: Option<String>,
    format: Option<Formats>,
    zone: Option<String>,
    language: Option<Language>,
    decimal: Option<char>,
    thousands: Option<char>,
    strip: Option<String>,
    path: Option<JsonPath>,
    values: Option<BTreeMap<String, Constant>>,
    otherwise: Option<Constant>,
    default: Option<Constant>,
}

/// One date format or several, of which the first that fits counts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Formats {
    One(String),
    Several(Vec<String>),
}

impl Written {
    fn expression(mut self) -> Result<Expression, String> {
        let function = self.function()?;
        let expression = match function {
            "column" => Expression::Column(self.column.take().unwrap_or_default()),
            "value" => Expression::Value(self.value.take().unwrap_or(Constant::Null)),
            "coalesce" => Expression::Coalesce(at_least_one(self.coalesce.take(), "coalesce")?),
            "concat" => Expression::Concat {
                parts: at_least_one(self.concat.take(), "concat")?,
                separator: self.separator.take().unwrap_or_default(),
            },
            "lower" => Expression::Lower(of(self.lower.take())),
            "trim" => Expression::Trim(of(self.trim.take())),
            "bool" => Expression::Bool(of(self.bool.take())),
            "text" => Expression::Text(of(self.text.take())),
            "date" => Expression::Date {
                of: of(self.date.take()),
                formats: formats(self.format.take())?,
                zone: self.zone.take().map(known_zone).transpose()?,
                language: self.language.take().unwrap_or_default(),
            },
            "number" => Expression::Number { of: of(self.number.take()), format: self.number_format()? },
            "json" => Expression::Json {
                of: of(self.json.take()),
                path: self.path.take().ok_or("`json` needs a `path`, such as $.user.email")?,
            },
            _ => Expression::Map {
                of: of(self.map.take()),
                values: self
                    .values
                    .take()
                    .filter(|values| !values.is_empty())
                    .ok_or("`map` needs `values`")?,
                otherwise: self.otherwise.take(),
            },
        };
        let default = self.default.take();
        if let Some(option) = self.options().into_iter().find_map(|(name, is_said)| is_said.then_some(name)) {
            return Err(format!("`{option}` is no option of `{function}`"));
        }
        Ok(match default {
            None => expression,
            Some(value) => Expression::Default { of: Box::new(expression), value },
        })
    }

    /// The one function that is said.
    fn function(&self) -> Result<&'static str, String> {
        let functions = [
            ("column", self.column.is_some()),
            ("value", self.value.is_some()),
            ("coalesce", self.coalesce.is_some()),
            ("lower", self.lower.is_some()),
            ("trim", self.trim.is_some()),
            ("concat", self.concat.is_some()),
            ("date", self.date.is_some()),
            ("number", self.number.is_some()),
            ("bool", self.bool.is_some()),
            ("text", self.text.is_some()),
            ("json", self.json.is_some()),
            ("map", self.map.is_some()),
        ];
        let said: Vec<&str> =
            functions.iter().filter_map(|(name, is_said)| is_said.then_some(*name)).collect();
        match said[..] {
            [function] => Ok(function),
            [] => {
                let all: Vec<&str> = functions.iter().map(|(name, _)| *name).collect();
                Err(format!("an expression needs one of {}", all.join(", ")))
            }
            _ => Err(format!(
                "an expression is one function, and this is {}; put one into the other",
                said.join(" and ")
            )),
        }
    }

    /// Options that are left, after the function has taken its own.
    fn options(&self) -> [(&'static str, bool); 9] {
        [
            ("separator", self.separator.is_some()),
            ("format", self.format.is_some()),
            ("zone", self.zone.is_some()),
            ("language", self.language.is_some()),
            ("decimal", self.decimal.is_some()),
            ("thousands", self.thousands.is_some()),
            ("strip", self.strip.is_some()),
            ("path", self.path.is_some()),
            ("values", self.values.is_some() || self.otherwise.is_some()),
        ]
    }

    fn number_format(&mut self) -> Result<NumberFormat, String> {
        let format = NumberFormat {
            decimal: self.decimal.take().unwrap_or('.'),
            thousands: self.thousands.take(),
            strip: self.strip.take().unwrap_or_default(),
        };
        let is_mark = |mark: char| !mark.is_ascii_digit() && !matches!(mark, '-' | '+');
        let is_fine = is_mark(format.decimal)
            && format.thousands.is_none_or(|mark| is_mark(mark) && mark != format.decimal)
            && format.strip.chars().all(|mark| is_mark(mark) && mark != format.decimal);
        if is_fine {
            Ok(format)
        } else {
            Err("`decimal`, `thousands` and `strip` have to differ, and be no digits or signs".to_owned())
        }
    }
}

fn of(expression: Option<Box<Expression>>) -> Box<Expression> {
    expression.unwrap_or_else(|| Box::new(Expression::Value(Constant::Null)))
}

fn at_least_one(parts: Option<Vec<Expression>>, function: &str) -> Result<Vec<Expression>, String> {
    parts
        .filter(|parts| !parts.is_empty())
        .ok_or_else(|| format!("`{function}` needs at least one expression"))
}

fn formats(formats: Option<Formats>) -> Result<Vec<DateFormat>, String> {
    let texts = match formats {
        None => return Ok(vec![DateFormat::Iso]),
        Some(Formats::One(text)) => vec![text],
        Some(Formats::Several(texts)) if texts.is_empty() => return Err("`format` is empty".to_owned()),
        Some(Formats::Several(texts)) => texts,
    };
    texts.iter().map(|text| DateFormat::parse(text)).collect()
}

/// A zone's name, if there is such a zone.
pub(crate) fn known_zone(name: String) -> Result<String, String> {
    match jiff::tz::TimeZone::get(&name) {
        Ok(_) => Ok(name),
        Err(_) => Err(format!("`{name}` is no time zone; write a name such as Europe/Berlin or UTC")),
    }
}

impl<'de> Deserialize<'de> for Constant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConstantVisitor)
    }
}

struct ConstantVisitor;

impl<'de> Visitor<'de> for ConstantVisitor {
    type Value = Constant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false or null")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Constant, E> {
        Ok(Constant::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Constant, E> {
        Ok(Constant::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Constant, E> {
        Ok(Constant::Number(i128::from(value) * number::ONE))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Constant, E> {
        Ok(Constant::Number(i128::from(value) * number::ONE))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Constant, E> {
        number::of_float(value).map(Constant::Number).map_err(|_| E::custom("the number is too large"))
    }

    fn visit_unit<E: Error>(self) -> Result<Constant, E> {
        Ok(Constant::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Constant, E> {
        Ok(Constant::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Constant, D::Error> {
        deserializer.deserialize_any(self)
    }
}
