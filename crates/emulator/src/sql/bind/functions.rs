//! Calls of functions: which family knows the name, and the arguments as typed values.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::cast::Mode;
use super::{Binder, Names, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{compilation, invalid_arguments, unknown_function, unsupported};
use crate::sql::names;
use crate::sql::physical::{INTEGER, TEXT, type_name};

/// Functions of one kind: `None` for a name that is not among them.
type Family = fn(&Call<'_, '_>) -> Result<Option<Typed>, SqlError>;

/// A call with its arguments bound.
pub(super) struct Call<'b, 's> {
    pub binder: &'b Binder<'s>,
    pub name: &'b str,
    pub arguments: Vec<Typed>,
}

impl Call<'_, '_> {
    pub(super) fn len(&self) -> usize {
        self.arguments.len()
    }

    pub(super) fn get(&self, index: usize) -> Result<Typed, SqlError> {
        self.arguments.get(index).cloned().ok_or_else(|| {
            compilation("000938", "22023", &format!("not enough arguments for function [{}]", self.name))
        })
    }

    /// Fails where there are fewer or more arguments than the function takes.
    pub(super) fn arity(&self, counts: std::ops::RangeInclusive<usize>) -> Result<(), SqlError> {
        if counts.contains(&self.len()) {
            return Ok(());
        }
        let (code, word) =
            if self.len() < *counts.start() { ("000938", "not enough") } else { ("000939", "too many") };
        Err(compilation(code, "22023", &format!("{word} arguments for function [{}]", self.name)))
    }

    pub(super) fn text(&self, index: usize) -> Result<String, SqlError> {
        Ok(self.binder.cast(self.get(index)?, &TEXT, Mode::Explicit)?.sql)
    }

    pub(super) fn integer(&self, index: usize) -> Result<String, SqlError> {
        let number = self.binder.cast(self.get(index)?, &INTEGER, Mode::Explicit)?;
        Ok(format!("CAST({} AS BIGINT)", number.sql))
    }

    pub(super) fn number(&self, index: usize) -> Result<Typed, SqlError> {
        self.binder.numeric(self.get(index)?)
    }

    pub(super) fn float(&self, index: usize) -> Result<String, SqlError> {
        Ok(self.binder.cast(self.get(index)?, &SnowType::Real, Mode::Explicit)?.sql)
    }

    pub(super) fn variant(&self, index: usize) -> Result<String, SqlError> {
        let value = self.get(index)?;
        Ok(self.binder.cast(value, &SnowType::Variant, Mode::Explicit)?.sql)
    }

    pub(super) fn nullable(&self) -> bool {
        self.arguments.iter().any(|argument| argument.nullable)
    }

    /// The result of a function that is NULL where one of its arguments is.
    pub(super) fn strict(&self, sql: String, ty: SnowType) -> Result<Option<Typed>, SqlError> {
        Ok(Some(Typed::new(sql, ty).with_nullable(self.nullable())))
    }

    pub(super) fn invalid(&self) -> SqlError {
        let found: Vec<String> = self.arguments.iter().map(|argument| type_name(&argument.ty)).collect();
        invalid_arguments(self.name, &found.join(", "))
    }
}

impl Binder<'_> {
    pub(super) fn function(&self, function: &Function, names: &Names<'_>) -> Result<Typed, SqlError> {
        let parts = names::parts(&function.name)?;
        let name = match parts.as_slice() {
            [only] => only.clone(),
            [.., schema, last] if schema == "INFORMATION_SCHEMA" => last.clone(),
            _ => return Err(unknown_function(&names::display_path(&parts))),
        };
        if name == "IDENTIFIER" {
            let path = names::identifier_function(&function.args)?;
            let idents: Vec<_> =
                path.iter().map(|part| sqlparser::ast::Ident::with_quote('"', part)).collect();
            return self.expression(&Expr::CompoundIdentifier(idents), names);
        }
        if function.filter.is_some() || function.uses_odbc_syntax {
            return Err(unsupported(format!("{name} with FILTER")));
        }
        if let Some(result) = self.aggregate_or_window(&name, function, names)? {
            return Ok(result);
        }
        if function.over.is_some() || !function.within_group.is_empty() {
            return Err(unsupported(format!("{name} with OVER or WITHIN GROUP")));
        }
        if matches!(function.args, FunctionArguments::None)
            && let Some(value) = self.context_value(&name)
        {
            return Ok(value);
        }
        let expressions = plain_arguments(function)?;
        if let Some(result) = self.unit_function(&name, &expressions, names)? {
            return Ok(result);
        }
        if let Some(result) = self.generator_function(&name, &expressions, names)? {
            return Ok(result);
        }
        let arguments =
            expressions.iter().map(|expr| self.expression(expr, names)).collect::<Result<_, _>>()?;
        self.call(&name, arguments)
    }

    /// A call by name with bound arguments.
    pub(crate) fn call(&self, name: &str, arguments: Vec<Typed>) -> Result<Typed, SqlError> {
        let call = Call { binder: self, name, arguments };
        let families: [Family; 6] = [
            super::strings::call,
            super::numbers::call,
            super::datetime::call,
            super::json::call,
            super::context_functions::call,
            conditional,
        ];
        for family in families {
            if let Some(result) = family(&call)? {
                return Ok(result);
            }
        }
        Err(unknown_function(name))
    }
}

/// The arguments of a call where none of them is named or `*`.
pub(super) fn plain_arguments(function: &Function) -> Result<Vec<Expr>, SqlError> {
    match &function.args {
        FunctionArguments::None => Ok(Vec::new()),
        FunctionArguments::Subquery(query) => Ok(vec![Expr::Subquery(query.clone())]),
        FunctionArguments::List(list) => list
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr.clone()),
                other => Err(unsupported(format!("the argument {other} of {}", function.name))),
            })
            .collect(),
    }
}

/// Functions that choose between their arguments.
fn conditional(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    let binder = call.binder;
    match call.name {
        "IFF" | "IF" => {
            call.arity(3..=3)?;
            let test = binder.boolean(call.get(0)?)?.sql;
            choose(call, 1, |results| format!("CASE WHEN {test} THEN {} ELSE {} END", results[0], results[1]))
        }
        "NVL" | "IFNULL" | "COALESCE" => {
            if call.name != "COALESCE" {
                call.arity(2..=2)?;
            }
            let nullable = call.arguments.iter().all(|argument| argument.nullable);
            let chosen = choose(call, 0, |results| format!("COALESCE({})", results.join(", ")))?;
            Ok(chosen.map(|typed| typed.with_nullable(nullable)))
        }
        "NVL2" => {
            call.arity(3..=3)?;
            let test = call.get(0)?.sql;
            choose(call, 1, |results| {
                format!("CASE WHEN ({test}) IS NOT NULL THEN {} ELSE {} END", results[0], results[1])
            })
        }
        "NULLIF" => {
            call.arity(2..=2)?;
            let kept = call.get(0)?;
            let test = binder.comparison(kept.clone(), "=", call.get(1)?)?;
            let sql = format!("CASE WHEN {} THEN NULL ELSE {} END", test.sql, kept.sql);
            Ok(Some(Typed::new(sql, kept.ty)))
        }
        "ZEROIFNULL" => {
            let number = call.number(0)?;
            Ok(Some(Typed::new(format!("COALESCE({}, 0)", number.sql), number.ty).with_nullable(false)))
        }
        "NULLIFZERO" => {
            let number = call.number(0)?;
            Ok(Some(Typed::new(format!("NULLIF({}, 0)", number.sql), number.ty)))
        }
        "EQUAL_NULL" => {
            call.arity(2..=2)?;
            Ok(Some(
                binder.comparison(call.get(0)?, "IS NOT DISTINCT FROM", call.get(1)?)?.with_nullable(false),
            ))
        }
        "GREATEST" | "LEAST" => extreme(call),
        "GREATEST_IGNORE_NULLS" | "LEAST_IGNORE_NULLS" => {
            let function = if call.name.starts_with('G') { "GREATEST" } else { "LEAST" };
            choose(call, 0, |results| format!("{function}({})", results.join(", ")))
        }
        "DECODE" => decode(call),
        _ => Ok(None),
    }
}

fn choose(
    call: &Call<'_, '_>,
    from: usize,
    build: impl FnOnce(&[String]) -> String,
) -> Result<Option<Typed>, SqlError> {
    let chosen: Vec<Typed> = call.arguments.iter().skip(from).cloned().collect();
    if chosen.is_empty() {
        return Err(call.get(from).err().unwrap_or_else(|| call.invalid()));
    }
    let nullable = chosen.iter().any(|value| value.nullable);
    let (values, ty) = call.binder.unify(chosen)?;
    let sql: Vec<String> = values.into_iter().map(|value| value.sql).collect();
    Ok(Some(Typed::new(build(&sql), ty).with_nullable(nullable)))
}

/// GREATEST and LEAST are NULL as soon as one argument is; DuckDB's leave NULLs out.
fn extreme(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    choose(call, 0, |results| {
        let tests: Vec<String> = results.iter().map(|result| format!("({result}) IS NULL")).collect();
        format!("CASE WHEN {} THEN NULL ELSE {}({}) END", tests.join(" OR "), call.name, results.join(", "))
    })
}

fn decode(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    let subject = call.get(0)?;
    let pairs: Vec<Typed> = call.arguments.iter().skip(1).cloned().collect();
    let mut tests = Vec::new();
    let mut results = Vec::new();
    for pair in pairs.chunks(2) {
        match pair {
            [test, result] => {
                let test = call.binder.comparison(subject.clone(), "IS NOT DISTINCT FROM", test.clone())?;
                tests.push(test.sql);
                results.push(result.clone());
            }
            rest => results.extend(rest.iter().cloned()),
        }
    }
    if results.len() == tests.len() {
        results.push(Typed::null());
    }
    let (results, ty) = call.binder.unify(results)?;
    let mut sql = "CASE".to_owned();
    for (test, result) in tests.iter().zip(&results) {
        sql.push_str(&format!(" WHEN {test} THEN {}", result.sql));
    }
    let last = results.last().map_or("NULL", |result| result.sql.as_str());
    Ok(Some(Typed::new(format!("{sql} ELSE {last} END"), ty)))
}
