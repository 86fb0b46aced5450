//! Aggregates and window functions, with the types Snowflake gives their results.

use sqlparser::ast::{
    DuplicateTreatment, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    NullTreatment,
};

use super::cast::Mode;
use super::{Binder, Names, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{invalid_arguments, unsupported};
use crate::sql::physical::{TEXT, duckdb_type, fixed, type_name};

const COUNT: SnowType = SnowType::Fixed { precision: 18, scale: 0 };
/// Digits that AVG adds behind the point, and the scale it does not go beyond by itself.
const AVERAGE_DIGITS: i8 = 6;
const AVERAGE_SCALE_MAX: i8 = 12;

/// An aggregate call while it is put together.
struct Aggregate {
    distinct: &'static str,
    /// `ORDER BY …` inside the parentheses, with a space in front, or nothing.
    order: String,
    /// ` OVER (…)`, or nothing.
    over: String,
    nulls: &'static str,
}

impl Aggregate {
    fn of(&self, function: &str, arguments: &str) -> String {
        format!("{function}({}{arguments}{}{}){}", self.distinct, self.nulls, self.order, self.over)
    }
}

pub(super) const AGGREGATES: [&str; 38] = [
    "COUNT",
    "COUNT_IF",
    "SUM",
    "MIN",
    "MAX",
    "AVG",
    "LISTAGG",
    "STRING_AGG",
    "ARRAY_AGG",
    "ARRAY_UNIQUE_AGG",
    "OBJECT_AGG",
    "ANY_VALUE",
    "MEDIAN",
    "STDDEV",
    "STDDEV_SAMP",
    "STDDEV_POP",
    "VARIANCE",
    "VAR_SAMP",
    "VAR_POP",
    "CORR",
    "COVAR_POP",
    "COVAR_SAMP",
    "BOOLAND_AGG",
    "BOOLOR_AGG",
    "APPROX_COUNT_DISTINCT",
    "MIN_BY",
    "MAX_BY",
    "ROW_NUMBER",
    "RANK",
    "DENSE_RANK",
    "PERCENT_RANK",
    "CUME_DIST",
    "NTILE",
    "MODE",
    "APPROX_PERCENTILE",
    "BITAND_AGG",
    "BITOR_AGG",
    "BITXOR_AGG",
];
const NAVIGATION: [&str; 5] = ["LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE"];

impl Binder<'_> {
    pub(super) fn aggregate_or_window(
        &self,
        name: &str,
        function: &Function,
        names: &Names<'_>,
    ) -> Result<Option<Typed>, SqlError> {
        if matches!(name, "PERCENTILE_DISC" | "PERCENTILE_CONT") {
            return self.percentile(name, function, names).map(Some);
        }
        let is_navigation = NAVIGATION.contains(&name);
        if !is_navigation && !AGGREGATES.contains(&name) {
            return Ok(None);
        }
        let (arguments, parts) = self.aggregate_parts(name, function, names)?;
        let result = if is_navigation {
            self.navigation(name, arguments, &parts)?
        } else if arguments.is_empty() {
            without_argument(name, &parts)?
        } else {
            self.aggregate(name, arguments, &parts)?
        };
        Ok(Some(result))
    }

    fn aggregate_parts(
        &self,
        name: &str,
        function: &Function,
        names: &Names<'_>,
    ) -> Result<(Vec<Typed>, Aggregate), SqlError> {
        let mut arguments = Vec::new();
        let mut distinct = "";
        let mut nulls = null_treatment(function.null_treatment.as_ref());
        if let FunctionArguments::List(list) = &function.args {
            if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
                distinct = "DISTINCT ";
            }
            for argument in &list.args {
                match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
                        arguments.push(self.expression(expr, names)?);
                    }
                    FunctionArg::Unnamed(
                        FunctionArgExpr::Wildcard | FunctionArgExpr::QualifiedWildcard(_),
                    ) if name == "COUNT" => {}
                    other => return Err(unsupported(format!("the argument {other} of {name}"))),
                }
            }
            for clause in &list.clauses {
                match clause {
                    FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                        nulls = null_treatment(Some(treatment));
                    }
                    other => return Err(unsupported(format!("{other} in {name}"))),
                }
            }
        }
        let order = if function.within_group.is_empty() {
            String::new()
        } else {
            format!(" ORDER BY {}", self.order_list(&function.within_group, names)?)
        };
        let over = match &function.over {
            Some(window) => format!(" OVER ({})", self.window(name, window, names)?),
            None => String::new(),
        };
        Ok((arguments, Aggregate { distinct, order, over, nulls }))
    }

    fn navigation(
        &self,
        name: &str,
        mut arguments: Vec<Typed>,
        parts: &Aggregate,
    ) -> Result<Typed, SqlError> {
        if arguments.is_empty() {
            return Err(invalid_arguments(name, ""));
        }
        let value = arguments.remove(0);
        let mut sql = vec![value.sql.clone()];
        for (index, argument) in arguments.into_iter().enumerate() {
            // The second argument is an offset, the third stands in where there is no such row.
            let argument = if index == 0 {
                format!("CAST({} AS BIGINT)", self.numeric(argument)?.sql)
            } else {
                self.cast(argument, &value.ty, Mode::Explicit)?.sql
            };
            sql.push(argument);
        }
        Ok(Typed::new(parts.of(&name.to_lowercase(), &sql.join(", ")), value.ty))
    }

    fn aggregate(&self, name: &str, mut arguments: Vec<Typed>, parts: &Aggregate) -> Result<Typed, SqlError> {
        let rest = arguments.split_off(1);
        let value = arguments.remove(0);
        let sql = value.sql.clone();
        let count =
            |sql: String| Typed::new(format!("CAST({sql} AS DECIMAL(18,0))"), COUNT).with_nullable(false);
        Ok(match name {
            "COUNT" => count(count_of(value, rest, parts)?),
            "COUNT_IF" => count(parts.of("count_if", &self.boolean(value)?.sql)),
            "APPROX_COUNT_DISTINCT" => {
                let exact = Aggregate {
                    distinct: "DISTINCT ",
                    order: String::new(),
                    over: parts.over.clone(),
                    nulls: "",
                };
                count(exact.of("count", &sql))
            }
            "SUM" => self.sum(value, parts)?,
            "AVG" => self.average(value, parts)?,
            "MIN" | "MAX" | "ANY_VALUE" | "MODE" => {
                if super::cast::is_semi_structured(&value.ty) && (name == "MIN" || name == "MAX") {
                    return Err(unsupported(format!("{name} of a {}", type_name(&value.ty))));
                }
                Typed::new(parts.of(&name.to_lowercase(), &sql), value.ty)
            }
            "MIN_BY" | "MAX_BY" => {
                let by = self.instant(rest.into_iter().next().ok_or_else(|| invalid_arguments(name, ""))?);
                Typed::new(parts.of(&name.to_lowercase(), &format!("{sql}, {}", by.sql)), value.ty)
            }
            "BITAND_AGG" | "BITOR_AGG" | "BITXOR_AGG" => {
                let whole = self.cast(value, &fixed(38, 0), Mode::Explicit)?;
                let function = name.trim_end_matches("_AGG").to_lowercase().replace("bit", "bit_");
                let bits = parts.of(&function, &format!("CAST({} AS HUGEINT)", whole.sql));
                Typed::new(format!("CAST({bits} AS DECIMAL(38,0))"), fixed(38, 0))
            }
            "APPROX_PERCENTILE" => {
                let share = super::percentiles::share(name, rest.first())?;
                let value = self.cast(value, &SnowType::Real, Mode::Explicit)?;
                Typed::new(parts.of("quantile_cont", &format!("{}, {share}", value.sql)), SnowType::Real)
            }
            "BOOLAND_AGG" => Typed::new(parts.of("bool_and", &self.boolean(value)?.sql), SnowType::Boolean),
            "BOOLOR_AGG" => Typed::new(parts.of("bool_or", &self.boolean(value)?.sql), SnowType::Boolean),
            "LISTAGG" | "STRING_AGG" => self.list_text(value, rest, parts)?,
            "ARRAY_AGG" | "ARRAY_UNIQUE_AGG" => self.array(name, value, parts)?,
            "OBJECT_AGG" => {
                let key = self.cast(value, &TEXT, Mode::Explicit)?.sql;
                let value = rest.into_iter().next().ok_or_else(|| invalid_arguments(name, ""))?;
                let json = self.cast(value, &SnowType::Variant, Mode::Explicit)?.sql;
                let object = parts.of("json_group_object", &format!("{key}, {json}"));
                Typed::new(
                    format!("CAST(sf_json(CAST({object} AS VARCHAR), FALSE) AS JSON)"),
                    SnowType::Object,
                )
            }
            "NTILE" => {
                let buckets = format!("CAST({} AS BIGINT)", self.numeric(value)?.sql);
                count(parts.of("ntile", &buckets))
            }
            _ => self.statistics(name, value, rest, parts)?,
        })
    }

    fn sum(&self, value: Typed, parts: &Aggregate) -> Result<Typed, SqlError> {
        let value = self.numeric(value)?;
        let ty = match value.ty {
            SnowType::Fixed { scale, .. } => fixed(38, scale),
            _ => SnowType::Real,
        };
        Ok(Typed::new(format!("CAST({} AS {})", parts.of("sum", &value.sql), duckdb_type(&ty)), ty))
    }

    fn average(&self, value: Typed, parts: &Aggregate) -> Result<Typed, SqlError> {
        let value = self.numeric(value)?;
        let SnowType::Fixed { scale, .. } = value.ty else {
            return Ok(Typed::new(parts.of("avg", &value.sql), SnowType::Real));
        };
        let scale = scale.max((scale + AVERAGE_DIGITS).min(AVERAGE_SCALE_MAX));
        let count = format!("NULLIF({}, 0)", parts.of("count", &value.sql));
        let quotient = super::arithmetic::quotient(&parts.of("sum", &value.sql), &count, scale);
        Ok(Typed::new(format!("CAST({quotient} AS DECIMAL(38,{scale}))"), fixed(38, scale)))
    }

    /// LISTAGG of no rows is an empty text.
    fn list_text(&self, value: Typed, rest: Vec<Typed>, parts: &Aggregate) -> Result<Typed, SqlError> {
        let text = self.cast(value, &TEXT, Mode::Explicit)?.sql;
        let separator = match rest.into_iter().next() {
            Some(separator) => self.cast(separator, &TEXT, Mode::Explicit)?.sql,
            None => "''".to_owned(),
        };
        let sql = parts.of("string_agg", &format!("{text}, {separator}"));
        Ok(Typed::new(format!("COALESCE({sql}, '')"), TEXT).with_nullable(false))
    }

    /// NULLs are left out, and of no rows it is an empty array.
    fn array(&self, name: &str, value: Typed, parts: &Aggregate) -> Result<Typed, SqlError> {
        let value = self.cast(value, &SnowType::Variant, Mode::Explicit)?.sql;
        let distinct = if name == "ARRAY_UNIQUE_AGG" { "DISTINCT " } else { parts.distinct };
        if !parts.over.is_empty() {
            return Err(unsupported("ARRAY_AGG with OVER"));
        }
        let list = format!("array_agg({distinct}{value}{}) FILTER (WHERE {value} IS NOT NULL)", parts.order);
        let sql = format!("COALESCE(to_json({list}), CAST('[]' AS JSON))");
        Ok(Typed::new(sql, SnowType::Array).with_nullable(false))
    }

    fn statistics(
        &self,
        name: &str,
        value: Typed,
        rest: Vec<Typed>,
        parts: &Aggregate,
    ) -> Result<Typed, SqlError> {
        let function = match name {
            "STDDEV" | "STDDEV_SAMP" => "stddev_samp",
            "STDDEV_POP" => "stddev_pop",
            "VARIANCE" | "VAR_SAMP" => "var_samp",
            "VAR_POP" => "var_pop",
            "MEDIAN" => "median",
            "CORR" => "corr",
            "COVAR_POP" => "covar_pop",
            "COVAR_SAMP" => "covar_samp",
            _ => return Err(unsupported(format!("{name} with these arguments"))),
        };
        let mut sql = self.cast(value, &SnowType::Real, Mode::Explicit)?.sql;
        for argument in rest {
            sql = format!("{sql}, {}", self.cast(argument, &SnowType::Real, Mode::Explicit)?.sql);
        }
        Ok(Typed::new(parts.of(function, &sql), SnowType::Real))
    }
}

fn null_treatment(treatment: Option<&NullTreatment>) -> &'static str {
    match treatment {
        Some(NullTreatment::IgnoreNulls) => " IGNORE NULLS",
        _ => "",
    }
}

fn without_argument(name: &str, parts: &Aggregate) -> Result<Typed, SqlError> {
    let (function, ty) = match name {
        "COUNT" => ("count(*)", COUNT),
        "ROW_NUMBER" => ("row_number()", COUNT),
        "RANK" => ("rank()", COUNT),
        "DENSE_RANK" => ("dense_rank()", COUNT),
        "PERCENT_RANK" => return Ok(Typed::new(format!("percent_rank(){}", parts.over), SnowType::Real)),
        "CUME_DIST" => return Ok(Typed::new(format!("cume_dist(){}", parts.over), SnowType::Real)),
        _ => return Err(invalid_arguments(name, "")),
    };
    if name != "COUNT" && parts.over.is_empty() {
        return Err(unsupported(format!("{name} without OVER")));
    }
    Ok(Typed::new(format!("CAST({function}{} AS DECIMAL(18,0))", parts.over), ty).with_nullable(false))
}

/// COUNT of several values counts the rows in which none of them is NULL.
fn count_of(value: Typed, rest: Vec<Typed>, parts: &Aggregate) -> Result<String, SqlError> {
    if !parts.distinct.is_empty() {
        super::compare::check_groupable(&value.ty)?;
    }
    if rest.is_empty() {
        return Ok(parts.of("count", &value.sql));
    }
    let all: Vec<String> = std::iter::once(value).chain(rest).map(|value| value.sql).collect();
    let tests: Vec<String> = all.iter().map(|sql| format!("({sql}) IS NOT NULL")).collect();
    Ok(parts.of("count", &format!("CASE WHEN {} THEN ({}) END", tests.join(" AND "), all.join(", "))))
}
