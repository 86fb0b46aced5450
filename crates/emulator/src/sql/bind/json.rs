//! Semi-structured values: paths into them, and the functions that make and read them.

use sqlparser::ast::{DictionaryField, Expr, JsonPathElem, Value};

use super::cast::{Mode, flag, is_semi_structured};
use super::functions::Call;
use super::{Binder, Literal, MadeOf, Names, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{invalid_arguments, unsupported};
use crate::sql::names::literal;
use crate::sql::physical::{TEXT, fixed, type_name};

impl Binder<'_> {
    /// `base:a.b[0]['key']`.
    pub(super) fn json_path(
        &self,
        base: Typed,
        path: &[JsonPathElem],
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        if !is_semi_structured(&base.ty) {
            return Err(invalid_arguments("GET", &type_name(&base.ty)));
        }
        let (base, path) = match self.made_field(&base, path)? {
            Some((field, [])) => return Ok(field),
            Some((field, rest)) => (field, rest),
            None => (base, path),
        };
        let mut sql = base.sql;
        let mut steps = String::new();
        for element in path {
            match element {
                JsonPathElem::Dot { key, .. } => steps.push_str(&key_step(key)?),
                JsonPathElem::Bracket { key } | JsonPathElem::ColonBracket { key } => {
                    let key = self.expression(key, names)?;
                    match &key.literal {
                        Literal::Number(index) => steps.push_str(&format!("[{index}]")),
                        Literal::Text(key) => steps.push_str(&key_step(key)?),
                        _ => {
                            sql = extract(&sql, &steps);
                            steps.clear();
                            sql = computed_step(&sql, &key);
                        }
                    }
                }
            }
        }
        Ok(Typed::new(extract(&sql, &steps), SnowType::Variant))
    }

    /// The field that the first step names, where the object's fields are known, and the steps behind it.
    fn made_field<'p>(
        &self,
        base: &Typed,
        path: &'p [JsonPathElem],
    ) -> Result<Option<(Typed, &'p [JsonPathElem])>, SqlError> {
        let (Some(MadeOf::Fields(fields)), Some((first, rest))) =
            (base.made_of.as_deref(), path.split_first())
        else {
            return Ok(None);
        };
        let key = match first {
            JsonPathElem::Dot { key, .. } => key,
            JsonPathElem::Bracket { key: Expr::Value(key) }
            | JsonPathElem::ColonBracket { key: Expr::Value(key) } => match &key.value {
                Value::SingleQuotedString(key) => key,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        match fields.iter().find(|(name, _)| name == key) {
            Some((_, field)) => Ok(Some((field.clone()?, rest))),
            None => Ok(Some((Typed::new("CAST(NULL AS JSON)", SnowType::Variant), rest))),
        }
    }

    /// `{'key': value, …}`.
    pub(super) fn dictionary(
        &self,
        fields: &[DictionaryField],
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        let mut arguments = Vec::new();
        for field in fields {
            arguments.push(super::literal::text(&field.key.value));
            arguments.push(self.expression(&field.value, names)?);
        }
        self.call("OBJECT_CONSTRUCT", arguments)
    }

    pub(super) fn array_literal(&self, items: &[Expr], names: &Names<'_>) -> Result<Typed, SqlError> {
        let items = items.iter().map(|item| self.expression(item, names)).collect::<Result<_, _>>()?;
        self.call("ARRAY_CONSTRUCT", items)
    }

    /// A value as JSON that is JSON's null where it is NULL.
    pub(super) fn element(&self, value: Typed) -> Result<String, SqlError> {
        if value.is_null_literal() {
            return Ok("CAST('null' AS JSON)".to_owned());
        }
        let json = self.cast(value, &SnowType::Variant, Mode::Explicit)?.sql;
        Ok(format!("COALESCE({json}, CAST('null' AS JSON))"))
    }
}

fn extract(sql: &str, steps: &str) -> String {
    if steps.is_empty() {
        sql.to_owned()
    } else {
        format!("json_extract({sql}, {})", literal(&format!("${steps}")))
    }
}

fn key_step(key: &str) -> Result<String, SqlError> {
    if key.contains(['"', '\\', '*']) {
        return Err(unsupported("a key with a quote, backslash or star in a path"));
    }
    Ok(format!(".\"{key}\""))
}

/// A step whose key or index is only known while the statement runs.
fn computed_step(sql: &str, key: &Typed) -> String {
    match key.ty {
        SnowType::Fixed { .. } => format!("json_extract({sql}, '$[' || CAST({} AS BIGINT) || ']')", key.sql),
        _ => format!("json_extract({sql}, '$.\"' || {} || '\"')", key.sql),
    }
}

pub(super) fn call(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    match call.name {
        "PARSE_JSON" | "TRY_PARSE_JSON" => {
            call.arity(1..=2)?;
            if call.len() == 2 && call.get(1)?.literal != Literal::Text("s".to_owned()) {
                return Err(unsupported("PARSE_JSON with another parameter than 's'"));
            }
            let is_try = call.name.starts_with("TRY_");
            let text = call.text(0)?;
            let is_try = flag(&text, is_try);
            Ok(Some(Typed::new(format!("CAST(sf_json({text}, {is_try}) AS JSON)"), SnowType::Variant)))
        }
        "TO_JSON" => {
            call.arity(1..=1)?;
            call.strict(format!("CAST({} AS VARCHAR)", call.variant(0)?), TEXT)
        }
        "TO_VARIANT" => call.strict(call.variant(0)?, SnowType::Variant),
        "TO_OBJECT" => cast_to(call, &SnowType::Object),
        "TO_ARRAY" => to_array(call),
        "ARRAY_CONSTRUCT" => {
            let items = elements(call, 0)?;
            Ok(Some(
                Typed::new(format!("json_array({})", items.join(", ")), SnowType::Array).with_nullable(false),
            ))
        }
        "ARRAY_CONSTRUCT_COMPACT" => {
            let items = elements(call, 0)?.join(", ");
            let sql = format!("to_json(list_filter([{items}], lambda x: CAST(x AS VARCHAR) <> 'null'))");
            Ok(Some(Typed::new(sql, SnowType::Array).with_nullable(false)))
        }
        "OBJECT_CONSTRUCT" | "OBJECT_CONSTRUCT_KEEP_NULL" => object(call).map(Some),
        "GET" => {
            call.arity(2..=2)?;
            let key = call.get(1)?;
            let base = call.get(0)?;
            let sql = match &key.literal {
                Literal::Number(index) => extract(&base.sql, &format!("[{index}]")),
                Literal::Text(text) => extract(&base.sql, &key_step(text)?),
                _ => computed_step(&base.sql, &key),
            };
            Ok(Some(Typed::new(sql, SnowType::Variant)))
        }
        "GET_PATH" => {
            call.arity(2..=2)?;
            let Literal::Text(path) = call.get(1)?.literal else {
                return Err(unsupported("GET_PATH with a computed path"));
            };
            let mut parser = crate::sql::parse::parser(&format!("x:{path}"))?;
            let parsed = crate::sql::parse::run(&mut parser, sqlparser::parser::Parser::parse_expr)?;
            let Expr::JsonAccess { path, .. } = parsed else { return Err(call.invalid()) };
            let scope = super::Scope::empty(None);
            Ok(Some(call.binder.json_path(call.get(0)?, &path.path, &Names::of(&scope))?))
        }
        _ => inspection(call),
    }
}

fn elements(call: &Call<'_, '_>, from: usize) -> Result<Vec<String>, SqlError> {
    call.arguments.iter().skip(from).map(|value| call.binder.element(value.clone())).collect()
}

fn cast_to(call: &Call<'_, '_>, target: &SnowType) -> Result<Option<Typed>, SqlError> {
    call.arity(1..=1)?;
    Ok(Some(call.binder.cast(call.get(0)?, target, Mode::Explicit)?))
}

/// An array stays one, NULL and JSON's null are NULL; any other value becomes the array's only element.
fn to_array(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    call.arity(1..=1)?;
    let value = call.variant(0)?;
    let kind = format!("coalesce(json_type({value}), 'NULL')");
    let sql = format!(
        "CASE {kind} WHEN 'ARRAY' THEN {value} WHEN 'NULL' THEN CAST(NULL AS JSON) ELSE json_array({value}) END"
    );
    Ok(Some(Typed::new(sql, SnowType::Array)))
}

/// Pairs whose value is NULL are left out, unless they are to be kept.
fn object(call: &Call<'_, '_>) -> Result<Typed, SqlError> {
    if !call.len().is_multiple_of(2) {
        return Err(call.invalid());
    }
    let keeps = call.name.ends_with("KEEP_NULL");
    let mut fields = Vec::new();
    for index in (0..call.len()).step_by(2) {
        let key = call.text(index)?;
        let value = call.get(index + 1)?;
        if !keeps && value.is_null_literal() {
            continue;
        }
        let is_missing =
            if keeps || !value.nullable { "FALSE".to_owned() } else { format!("({}) IS NULL", value.sql) };
        fields.push(format!("{{'k': {key}, 'v': {}, 'm': {is_missing}}}", call.binder.element(value)?));
    }
    if fields.is_empty() {
        return Ok(Typed::new("CAST('{}' AS JSON)", SnowType::Object).with_nullable(false));
    }
    let pairs = format!("list_filter([{}], lambda f: NOT f.m AND f.k IS NOT NULL)", fields.join(", "));
    let text = format!(
        "list_transform({pairs}, lambda f: CAST(to_json(f.k) AS VARCHAR) || ':' || CAST(f.v AS VARCHAR))"
    );
    let sql = format!("CAST(sf_json('{{' || array_to_string({text}, ',') || '}}', FALSE) AS JSON)");
    Ok(Typed::new(sql, SnowType::Object).with_nullable(false))
}

/// Functions that look into a value.
fn inspection(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    let kind_test = |kinds: &str| -> Result<Option<Typed>, SqlError> {
        let sql = format!("(json_type({}) IN ({kinds}))", call.variant(0)?);
        call.strict(sql, SnowType::Boolean)
    };
    match call.name {
        "TYPEOF" => call.strict(format!("sf_typeof({})", as_text(&call.variant(0)?)), TEXT),
        "ARRAY_SIZE" => {
            let value = call.variant(0)?;
            let sql = format!(
                "CASE json_type({value}) WHEN 'ARRAY' THEN CAST(json_array_length({value}) AS DECIMAL(9,0)) END"
            );
            Ok(Some(Typed::new(sql, fixed(9, 0))))
        }
        "ARRAY_CONTAINS" => {
            call.arity(2..=2)?;
            let sql = format!("list_contains(CAST({} AS JSON[]), {})", call.variant(1)?, call.variant(0)?);
            call.strict(sql, SnowType::Boolean)
        }
        "ARRAY_TO_STRING" => {
            call.arity(2..=2)?;
            let items = format!("json_extract_string({}, '$[*]')", call.variant(0)?);
            call.strict(format!("array_to_string({items}, {})", call.text(1)?), TEXT)
        }
        "ARRAY_APPEND" => {
            call.arity(2..=2)?;
            let item = call.binder.element(call.get(1)?)?;
            let sql = format!("to_json(list_append(CAST({} AS JSON[]), {item}))", call.variant(0)?);
            Ok(Some(Typed::new(sql, SnowType::Array)))
        }
        "OBJECT_KEYS" => {
            call.strict(format!("to_json(list_sort(json_keys({})))", call.variant(0)?), SnowType::Array)
        }
        "SPLIT" => call
            .strict(format!("to_json(string_split({}, {}))", call.text(0)?, call.text(1)?), SnowType::Array),
        "IS_NULL_VALUE" => kind_test("'NULL'"),
        "IS_ARRAY" => kind_test("'ARRAY'"),
        "IS_OBJECT" => kind_test("'OBJECT'"),
        "IS_BOOLEAN" => kind_test("'BOOLEAN'"),
        "IS_VARCHAR" | "IS_CHAR" => kind_test("'VARCHAR'"),
        "IS_INTEGER" => kind_test("'BIGINT', 'UBIGINT'"),
        "IS_DOUBLE" | "IS_DECIMAL" | "IS_REAL" => kind_test("'BIGINT', 'UBIGINT', 'DOUBLE'"),
        "AS_ARRAY" => typed_or_null(call, "'ARRAY'", &SnowType::Array),
        "AS_OBJECT" => typed_or_null(call, "'OBJECT'", &SnowType::Object),
        "AS_VARCHAR" | "AS_CHAR" => typed_or_null(call, "'VARCHAR'", &TEXT),
        "AS_BOOLEAN" => typed_or_null(call, "'BOOLEAN'", &SnowType::Boolean),
        "AS_INTEGER" => typed_or_null(call, "'BIGINT', 'UBIGINT'", &fixed(38, 0)),
        "AS_DOUBLE" | "AS_REAL" => typed_or_null(call, "'BIGINT', 'UBIGINT', 'DOUBLE'", &SnowType::Real),
        "STRIP_NULL_VALUE" => {
            let value = call.variant(0)?;
            Ok(Some(Typed::new(
                format!("CASE json_type({value}) WHEN 'NULL' THEN NULL ELSE {value} END"),
                SnowType::Variant,
            )))
        }
        "TO_GEOGRAPHY" | "TRY_TO_GEOGRAPHY" | "TO_GEOMETRY" | "ST_ASGEOJSON" => geography(call),
        _ => Ok(None),
    }
}

fn as_text(json: &str) -> String {
    format!("CAST({json} AS VARCHAR)")
}

fn typed_or_null(call: &Call<'_, '_>, kinds: &str, target: &SnowType) -> Result<Option<Typed>, SqlError> {
    call.arity(1..=1)?;
    let value = call.variant(0)?;
    let cast = call.binder.cast(Typed::new(value.clone(), SnowType::Variant), target, Mode::Explicit)?;
    Ok(Some(Typed::new(
        format!("CASE WHEN json_type({value}) IN ({kinds}) THEN {} END", cast.sql),
        target.clone(),
    )))
}

fn geography(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    call.arity(1..=1)?;
    let value = call.get(0)?;
    if call.name == "ST_ASGEOJSON" {
        return Ok(Some(Typed::new(format!("CAST({} AS JSON)", value.sql), SnowType::Object)));
    }
    let target = if call.name.ends_with("METRY") { SnowType::Geometry } else { SnowType::Geography };
    let mode = if call.name.starts_with("TRY_") { Mode::Try } else { Mode::Explicit };
    let value = match value.ty {
        SnowType::Object | SnowType::Variant => Typed::new(as_text(&value.sql), TEXT),
        _ => value,
    };
    Ok(Some(call.binder.cast(value, &target, mode)?))
}
