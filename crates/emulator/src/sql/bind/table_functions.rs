//! Table functions: FLATTEN, GENERATOR, SPLIT_TO_TABLE, RESULT_SCAN and the query history.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName, TableAlias,
};

use super::cast::Mode;
use super::from::apply_alias;
use super::{Binder, Literal, Names, OutputColumn, Relation, Scope, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{compilation, unknown_function, unsupported};
use crate::sql::names;
use crate::sql::physical::{TEXT, fixed};

impl Binder<'_> {
    /// `TABLE(f(…))`; also `TABLE('name')`.
    pub(super) fn table_expression(
        &self,
        expr: &Expr,
        alias: Option<&TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        match expr {
            Expr::Function(function) => {
                self.table_function(&function.name, arguments(function), alias, scope)
            }
            other => Err(unsupported(format!("TABLE({other})"))),
        }
    }

    pub(super) fn table_function(
        &self,
        name: &ObjectName,
        arguments: &[FunctionArg],
        alias: Option<&TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        let parts = names::parts(name)?;
        let last = parts.last().cloned().unwrap_or_default();
        if last == "TABLE"
            && let [FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))] = arguments
        {
            return self.table_expression(inner, alias, scope);
        }
        let (sql, mut relation) = match last.as_str() {
            "FLATTEN" => self.flatten(arguments, scope)?,
            "GENERATOR" => self.generator(arguments, scope)?,
            "SPLIT_TO_TABLE" => self.split_to_table(arguments, scope)?,
            "RESULT_SCAN" => self.result_scan(arguments, scope)?,
            "INFER_SCHEMA" => self.infer_schema(arguments, scope)?,
            "COPY_HISTORY" => self.copy_history(arguments, scope)?,
            "QUERY_HISTORY"
            | "QUERY_HISTORY_BY_SESSION"
            | "QUERY_HISTORY_BY_USER"
            | "QUERY_HISTORY_BY_WAREHOUSE" => self.query_history(&last, arguments, scope)?,
            _ => return Err(unknown_function(&names::display_path(&parts))),
        };
        apply_alias(&mut relation, alias)?;
        scope.relations.push(relation);
        Ok(sql)
    }

    fn flatten(&self, arguments: &[FunctionArg], scope: &Scope<'_>) -> Result<(String, Relation), SqlError> {
        let names = Names::of(scope);
        let input = argument(arguments, "INPUT", 0)
            .ok_or_else(|| compilation("000938", "22023", "FLATTEN needs an INPUT"))?;
        let mut input = self.expression(input, &names)?;
        if let Some(path) = argument(arguments, "PATH", 1) {
            let Literal::Text(path) = self.expression(path, &names)?.literal else {
                return Err(unsupported("FLATTEN with a computed path"));
            };
            input = self.call("GET_PATH", vec![input, super::literal::text(&path)])?;
        }
        let is_on = |name: &str, place: usize| -> Result<bool, SqlError> {
            match argument(arguments, name, place) {
                None => Ok(false),
                Some(expr) => Ok(self.expression(expr, &names)?.sql == "TRUE"),
            }
        };
        if is_on("RECURSIVE", 3)? || argument(arguments, "MODE", 4).is_some() {
            return Err(unsupported("FLATTEN with RECURSIVE or MODE"));
        }
        let is_outer = is_on("OUTER", 2)?;
        let input = self.cast(input, &SnowType::Variant, Mode::Explicit)?.sql;
        let name = self.relation_name();
        let inner = self.relation_name();
        // Anything but an array or an object has nothing to flatten.
        let whole = format!("CASE WHEN json_type({input}) IN ('ARRAY', 'OBJECT') THEN {input} END");
        let is_array = format!("(json_type({input}) = 'ARRAY')");
        let list = format!(
            "CASE WHEN {is_array} THEN CAST({whole} AS JSON[]) ELSE \
             list_transform(json_keys({whole}), lambda k: json_extract({whole}, '$.\"' || k || '\"')) END"
        );
        let keys = format!("CASE WHEN {is_array} THEN NULL ELSE json_keys({whole}) END");
        let count = format!("COALESCE(len({list}), 0)");
        let last = if is_outer { format!("greatest({count}, 1)") } else { count };
        let index = format!("{inner}.i");
        let key = format!("({keys})[{index} + 1]");
        let sql = format!(
            "LATERAL (SELECT CAST(1 AS DECIMAL(18,0)) AS c1, {key} AS c2, CASE WHEN {is_array} THEN '[' || {index} \
             || ']' ELSE {key} END AS c3, CASE WHEN {is_array} THEN CAST({index} AS DECIMAL(18,0)) END AS c4, \
             ({list})[{index} + 1] AS c5, {input} AS c6 FROM (SELECT unnest(range({last})) AS i) AS {inner}) AS {name}"
        );
        let number = fixed(18, 0);
        let columns = [
            ("SEQ", number.clone()),
            ("KEY", TEXT),
            ("PATH", TEXT),
            ("INDEX", number),
            ("VALUE", SnowType::Variant),
            ("THIS", SnowType::Variant),
        ];
        Ok((sql, Relation::of_outputs(None, &name, &outputs(&columns))))
    }

    fn generator(
        &self,
        arguments: &[FunctionArg],
        scope: &Scope<'_>,
    ) -> Result<(String, Relation), SqlError> {
        if argument(arguments, "TIMELIMIT", usize::MAX).is_some() {
            return Err(unsupported("GENERATOR with TIMELIMIT"));
        }
        let rows = argument(arguments, "ROWCOUNT", 0)
            .ok_or_else(|| compilation("000938", "22023", "GENERATOR needs a ROWCOUNT"))?;
        let rows = self.expression(rows, &Names::of(scope))?;
        self.needs_compute.set(true);
        let name = self.relation_name();
        let relation = Relation {
            name: None,
            path: None,
            columns: Vec::new(),
            metadata: Vec::new(),
            sequence: Some(format!("{name}.i")),
        };
        Ok((format!("range(CAST({} AS BIGINT)) AS {name}(i)", rows.sql), relation))
    }

    fn split_to_table(
        &self,
        arguments: &[FunctionArg],
        scope: &Scope<'_>,
    ) -> Result<(String, Relation), SqlError> {
        let names = Names::of(scope);
        let (Some(text), Some(separator)) = (argument(arguments, "", 0), argument(arguments, "", 1)) else {
            return Err(compilation("000938", "22023", "SPLIT_TO_TABLE needs a text and a separator"));
        };
        let text = self.text_argument(text, &names)?;
        let separator = self.text_argument(separator, &names)?;
        let (name, inner) = (self.relation_name(), self.relation_name());
        let parts = format!("string_split({text}, {separator})");
        let sql = format!(
            "LATERAL (SELECT CAST(1 AS DECIMAL(18,0)) AS c1, CAST({inner}.i + 1 AS DECIMAL(18,0)) AS c2, \
             ({parts})[{inner}.i + 1] AS c3 FROM (SELECT unnest(range(len({parts}))) AS i) AS {inner}) AS {name}"
        );
        let columns = [("SEQ", fixed(18, 0)), ("INDEX", fixed(18, 0)), ("VALUE", TEXT)];
        Ok((sql, Relation::of_outputs(None, &name, &outputs(&columns))))
    }

    fn result_scan(
        &self,
        arguments: &[FunctionArg],
        scope: &Scope<'_>,
    ) -> Result<(String, Relation), SqlError> {
        let id = match argument(arguments, "", 0) {
            None => Typed::null(),
            Some(expr) => self.expression(expr, &Names::of(scope))?,
        };
        let Literal::Text(id) = id.literal else {
            return Err(compilation("000709", "02000", "Statement not found"));
        };
        let missing = || compilation("000709", "02000", &format!("Statement {id} not found"));
        let (table, columns) = self.state.kept_results.get(&id).ok_or_else(missing)?;
        let columns: Vec<(&str, SnowType)> =
            columns.iter().map(|column| (column.name.as_str(), column.ty.clone())).collect();
        let outputs = outputs(&columns);
        let name = self.relation_name();
        Ok((format!("{table} AS {name}"), Relation::of_outputs(None, &name, &outputs)))
    }

    fn infer_schema(
        &self,
        arguments: &[FunctionArg],
        scope: &Scope<'_>,
    ) -> Result<(String, Relation), SqlError> {
        self.needs_compute.set(true);
        let names = Names::of(scope);
        for refused in ["FILES", "MAX_FILE_COUNT", "MAX_RECORDS_PER_FILE", "KIND"] {
            if argument(arguments, refused, usize::MAX).is_some() {
                return Err(unsupported(format!("INFER_SCHEMA with {refused}")));
            }
        }
        let text = |name: &str| -> Result<String, SqlError> {
            let expr = argument(arguments, name, usize::MAX)
                .ok_or_else(|| compilation("000938", "22023", &format!("INFER_SCHEMA needs a {name}")))?;
            match self.expression(expr, &names)?.literal {
                Literal::Text(text) => Ok(text),
                _ => Err(unsupported(format!("INFER_SCHEMA with a computed {name}"))),
            }
        };
        let ignores_case = match argument(arguments, "IGNORE_CASE", usize::MAX) {
            None => false,
            Some(expr) => self.expression(expr, &names)?.sql == "TRUE",
        };
        let listing = crate::sql::load::inferred_schema(
            self.state,
            &text("LOCATION")?,
            &text("FILE_FORMAT")?,
            ignores_case,
        )?;
        let (columns, sql) = listing.into_relation();
        let name = self.relation_name();
        Ok((format!("({sql}) AS {name}"), Relation::of_outputs(None, &name, &columns)))
    }

    fn copy_history(
        &self,
        arguments: &[FunctionArg],
        scope: &Scope<'_>,
    ) -> Result<(String, Relation), SqlError> {
        self.needs_compute.set(true);
        let names = Names::of(scope);
        let needed = |name: &str| {
            argument(arguments, name, usize::MAX)
                .ok_or_else(|| compilation("000938", "22023", &format!("COPY_HISTORY needs a {name}")))
        };
        let Literal::Text(table) = self.expression(needed("TABLE_NAME")?, &names)?.literal else {
            return Err(unsupported("COPY_HISTORY of a computed table name"));
        };
        let parts = names::from_text(&table)?;
        let (path, entry) = self.state.visible_table(self.qualify(&parts)?, &names::display_path(&parts))?;
        let instant = |expr: &Expr| -> Result<String, SqlError> {
            let value = self.expression(expr, &names)?;
            Ok(self.cast(value, &SnowType::TimestampLtz { scale: 9 }, Mode::Explicit)?.sql)
        };
        let from = instant(needed("START_TIME")?)?;
        let to = match argument(arguments, "END_TIME", usize::MAX) {
            Some(expr) => instant(expr)?,
            None => format!("make_timestamp_ns({})", self.state.now),
        };
        let (columns, sql) = crate::sql::load::history::relation(&path, entry.id, &from, &to);
        let name = self.relation_name();
        Ok((format!("({sql}) AS {name}"), Relation::of_outputs(None, &name, &columns)))
    }

    fn query_history(
        &self,
        function: &str,
        arguments: &[FunctionArg],
        scope: &Scope<'_>,
    ) -> Result<(String, Relation), SqlError> {
        self.needs_compute.set(true);
        let names = Names::of(scope);
        let limit = match argument(arguments, "RESULT_LIMIT", usize::MAX) {
            None => 100,
            Some(expr) => match self.expression(expr, &names)?.literal {
                Literal::Number(text) => text.parse().unwrap_or(100),
                _ => return Err(unsupported("a computed RESULT_LIMIT")),
            },
        };
        let session = match function {
            "QUERY_HISTORY_BY_SESSION" => Some(self.history_session(arguments, &names)?),
            _ => None,
        };
        let asking = self.state.query_ids.last().map(String::as_str);
        let (columns, sql) = self.state.history.table(session, limit, asking).into_relation();
        let name = self.relation_name();
        Ok((format!("({sql}) AS {name}"), Relation::of_outputs(None, &name, &columns)))
    }

    /// The session whose queries are asked for: the current one unless another is named.
    fn history_session(&self, arguments: &[FunctionArg], names: &Names<'_>) -> Result<i64, SqlError> {
        let Some(expr) = argument(arguments, "SESSION_ID", usize::MAX) else {
            return Ok(self.state.session_id);
        };
        let (Literal::Number(text) | Literal::Text(text)) = self.expression(expr, names)?.literal else {
            return Err(unsupported("a computed SESSION_ID"));
        };
        text.parse().map_err(|_| unsupported("a SESSION_ID that is not a whole number"))
    }
}

fn outputs(columns: &[(&str, SnowType)]) -> Vec<OutputColumn> {
    columns
        .iter()
        .map(|(name, ty)| OutputColumn {
            name: (*name).to_owned(),
            ty: ty.clone(),
            nullable: true,
            origin: None,
        })
        .collect()
}

fn arguments(function: &Function) -> &[FunctionArg] {
    match &function.args {
        FunctionArguments::List(list) => &list.args,
        _ => &[],
    }
}

/// The argument called `name`, or the one at `place` where it is not named.
pub(crate) fn argument<'a>(arguments: &'a [FunctionArg], name: &str, place: usize) -> Option<&'a Expr> {
    let named = arguments.iter().find_map(|argument| match argument {
        FunctionArg::Named { name: found, arg: FunctionArgExpr::Expr(expr), .. }
            if found.value.eq_ignore_ascii_case(name) =>
        {
            Some(expr)
        }
        FunctionArg::ExprNamed {
            name: Expr::Identifier(found), arg: FunctionArgExpr::Expr(expr), ..
        } if found.value.eq_ignore_ascii_case(name) => Some(expr),
        _ => None,
    });
    let placed = match arguments.get(place) {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))) => Some(expr),
        _ => None,
    };
    named.or(placed)
}
