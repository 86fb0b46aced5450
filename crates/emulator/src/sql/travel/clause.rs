//! `AT`, `BEFORE`, `CHANGES` and `END`: the instants that they name.

use sqlparser::ast::{Expr, FunctionArguments, TableVersion};

use crate::outcome::{SnowType, SqlError};
use crate::sql::bind::cast::Mode;
use crate::sql::bind::{Binder, Names, Scope, Typed, argument};
use crate::sql::error::{compilation, error, from_duckdb, unsupported};

/// Functions that give something else every time; the bounds of CHANGES must not depend on them.
const VOLATILE: [&str; 7] =
    ["CURRENT_", "LOCALTIME", "GETDATE", "SYSDATE", "SYSTIMESTAMP", "RANDOM(", "UNIFORM("];

/// As of when a table or view is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Point {
    #[default]
    Now,
    At(i64),
    Changes(Interval),
}

/// What CHANGES asks for: what happened after one instant and not after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub after: i64,
    pub until: i64,
    pub is_append_only: bool,
}

impl Point {
    pub(crate) fn of(binder: &Binder<'_>, version: &TableVersion) -> Result<Point, SqlError> {
        match version {
            TableVersion::Function(clause) => instant(binder, clause, false).map(Point::At),
            TableVersion::Changes { changes, at, end } => {
                let after = instant(binder, at, true)?;
                let until = match end {
                    Some(end) => instant(binder, end, true)?,
                    None => binder.state.now,
                };
                if until < after {
                    return Err(compilation("002023", "22023", "END of CHANGES is before its AT or BEFORE"));
                }
                Ok(Point::Changes(Interval { after, until, is_append_only: is_append_only(changes)? }))
            }
            other => Err(unsupported(other)),
        }
    }
}

/// True for `AT(TIMESTAMP => …)`, the only way to the past of a hybrid table.
pub(crate) fn is_at_timestamp(version: &TableVersion) -> bool {
    matches!(version, TableVersion::Function(clause) if word(clause) == "AT" && parts(clause, &["TIMESTAMP"]).is_ok())
}

fn is_append_only(changes: &Expr) -> Result<bool, SqlError> {
    let (_, information) = parts(changes, &["INFORMATION"])?;
    match information.to_string().to_uppercase().as_str() {
        "DEFAULT" => Ok(false),
        "APPEND_ONLY" => Ok(true),
        other => Err(compilation("001003", "42000", &format!("unexpected INFORMATION => {other}"))),
    }
}

/// The only argument of a clause, with its name.
fn parts<'e>(clause: &'e Expr, names: &[&'static str]) -> Result<(&'static str, &'e Expr), SqlError> {
    let refused = || compilation("001003", "42000", &format!("unexpected '{clause}'"));
    let Expr::Function(function) = clause else { return Err(refused()) };
    let FunctionArguments::List(list) = &function.args else { return Err(refused()) };
    let named = names.iter().find_map(|name| Some((*name, argument(&list.args, name, usize::MAX)?)));
    named.filter(|_| list.args.len() == 1).ok_or_else(refused)
}

fn word(clause: &Expr) -> String {
    match clause {
        Expr::Function(function) => function.name.to_string().to_uppercase(),
        _ => String::new(),
    }
}

/// The instant that `AT(…)`, `BEFORE(…)` or `END(…)` names; BEFORE means the one before.
fn instant(binder: &Binder<'_>, clause: &Expr, must_be_constant: bool) -> Result<i64, SqlError> {
    let word = word(clause);
    let (name, expr) = parts(clause, &["TIMESTAMP", "OFFSET", "STATEMENT", "STREAM"])?;
    let written = expr.to_string().to_uppercase();
    if must_be_constant && name != "STATEMENT" && VOLATILE.iter().any(|volatile| written.contains(volatile)) {
        return Err(compilation(
            "001015",
            "22023",
            &format!("argument {name} to function {word} needs to be constant, found '{expr}'"),
        ));
    }
    let scope = Scope::empty(None);
    let now = binder.state.now;
    let at = match name {
        "STREAM" => return Err(unsupported("AT(STREAM => …)")),
        "STATEMENT" => statement(binder, binder.expression(expr, &Names::of(&scope))?)?,
        "OFFSET" => {
            let offset = offset_ns(binder, &binder.expression(expr, &Names::of(&scope))?)?;
            if offset > 0 {
                let invalid = format!("Invalid data type [{expr}] in {word}(OFFSET => {expr})");
                return Err(compilation("001044", "22023", &invalid));
            }
            now.saturating_add(offset)
        }
        _ => timestamp(binder, binder.expression(expr, &Names::of(&scope))?)?,
    };
    if at > now {
        return Err(unsupported("reading at a time that is still to come"));
    }
    Ok(if word == "BEFORE" { at - 1 } else { at })
}

fn statement(binder: &Binder<'_>, value: Typed) -> Result<i64, SqlError> {
    let sql = format!("SELECT CAST({} AS VARCHAR)", value.sql);
    let id: Option<String> = constant(binder, &sql)?;
    let id = id.unwrap_or_default();
    let found = binder.state.account.statements().find(&id, binder.state.now);
    found.ok_or_else(|| error("000709", "02000", format!("Statement {id} not found")))
}

fn offset_ns(binder: &Binder<'_>, value: &Typed) -> Result<i64, SqlError> {
    if !matches!(value.ty, SnowType::Fixed { .. } | SnowType::Real) {
        return Err(compilation("001044", "22023", "OFFSET needs a number of seconds"));
    }
    let sql = format!("SELECT CAST(CAST({} AS DOUBLE) * 1000000000 AS BIGINT)", value.sql);
    Ok(constant::<Option<i64>>(binder, &sql)?.unwrap_or_default())
}

/// A time without a zone, and a text, are in UTC.
fn timestamp(binder: &Binder<'_>, value: Typed) -> Result<i64, SqlError> {
    let value = match value.ty {
        SnowType::TimestampNtz { .. } | SnowType::TimestampLtz { .. } => value,
        SnowType::TimestampTz { scale } => {
            binder.cast(value, &SnowType::TimestampLtz { scale }, Mode::Explicit)?
        }
        _ => binder.cast(value, &SnowType::TimestampNtz { scale: 9 }, Mode::Explicit)?,
    };
    let sql = format!("SELECT epoch_ns(CAST({} AS TIMESTAMP_NS))", value.sql);
    let at: Option<i64> = constant(binder, &sql)?;
    at.ok_or_else(|| compilation("002023", "22023", "the time to read at is NULL"))
}

fn constant<T: duckdb::types::FromSql>(binder: &Binder<'_>, sql: &str) -> Result<T, SqlError> {
    let connection = binder.state.account.connect()?;
    connection.query_row(sql, [], |row| row.get(0)).map_err(|failure| from_duckdb(&failure))
}
