//! Expressions: one arm per form that the parser knows.

use sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, CastKind, CeilFloorKind, Expr, Ident, JsonPathElem, Query,
    Subscript, TrimWhereField, UnaryOperator, Value,
};

use super::cast::Mode;
use super::{Binder, Names, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{invalid_identifier, unsupported};
use crate::sql::names;
use crate::sql::physical::{TEXT, fixed};

impl Binder<'_> {
    pub(crate) fn expression(&self, expr: &Expr, names: &Names<'_>) -> Result<Typed, SqlError> {
        match expr {
            Expr::Identifier(ident) => self.identifier(ident, names),
            Expr::CompoundIdentifier(parts) => self.compound(parts, names),
            Expr::Value(value) => self.value(value, names),
            Expr::TypedString(typed) => self.typed_string(typed),
            Expr::Nested(inner) => self.nested(inner, names),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, names),
            Expr::UnaryOp { op, expr } => self.unary(op, expr, names),
            Expr::Function(function) => self.function(function, names),
            Expr::Cast { kind, expr, data_type, format } => {
                self.cast_format(format.as_ref())?;
                let mode = if matches!(kind, CastKind::TryCast) { Mode::Try } else { Mode::Explicit };
                let value = self.expression(expr, names)?;
                self.cast(value, &self.data_type(data_type)?, mode)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), names)
            }
            Expr::JsonAccess { value, path } => {
                let base = self.expression(value, names)?;
                self.json_path(base, &path.path, names)
            }
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain, names),
            Expr::Subquery(query) => self.scalar_subquery(query, names),
            Expr::Exists { subquery, negated } => self.exists(subquery, *negated, names),
            Expr::Dictionary(fields) => self.dictionary(fields, names),
            Expr::Array(array) => self.array_literal(&array.elem, names),
            _ => match self.predicate(expr, names)? {
                Some(typed) => Ok(typed),
                None => self.keyword_function(expr, names),
            },
        }
    }

    /// The forms that give true or false.
    fn predicate(&self, expr: &Expr, names: &Names<'_>) -> Result<Option<Typed>, SqlError> {
        let is = |inner: &Expr, words: &str| -> Result<Option<Typed>, SqlError> {
            let value = self.expression(inner, names)?;
            Ok(Some(truth(format!("({} {words})", value.sql), false)))
        };
        match expr {
            Expr::IsNull(inner) => is(inner, "IS NULL"),
            Expr::IsNotNull(inner) => is(inner, "IS NOT NULL"),
            Expr::IsTrue(inner) => is(inner, "IS TRUE"),
            Expr::IsNotTrue(inner) => is(inner, "IS NOT TRUE"),
            Expr::IsFalse(inner) => is(inner, "IS FALSE"),
            Expr::IsNotFalse(inner) => is(inner, "IS NOT FALSE"),
            Expr::IsDistinctFrom(left, right) => {
                self.compared(left, "IS DISTINCT FROM", right, names).map(Some)
            }
            Expr::IsNotDistinctFrom(left, right) => {
                self.compared(left, "IS NOT DISTINCT FROM", right, names).map(Some)
            }
            Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated, names).map(Some),
            Expr::InSubquery { expr, subquery, negated } => {
                self.in_subquery(expr, subquery, *negated, names).map(Some)
            }
            Expr::Between { expr, negated, low, high } => {
                let low = self.compared(expr, ">=", low, names)?;
                let high = self.compared(expr, "<=", high, names)?;
                let not = if *negated { "NOT " } else { "" };
                let nullable = low.nullable || high.nullable;
                Ok(Some(truth(format!("({not}({} AND {}))", low.sql, high.sql), nullable)))
            }
            Expr::Like { negated, any, expr, pattern, escape_char } => {
                self.like("LIKE", *negated, *any, expr, pattern, escape_char.as_deref(), names).map(Some)
            }
            Expr::ILike { negated, any, expr, pattern, escape_char } => {
                self.like("ILIKE", *negated, *any, expr, pattern, escape_char.as_deref(), names).map(Some)
            }
            Expr::RLike { negated, expr, pattern, .. } => {
                let subject = self.text_argument(expr, names)?;
                let pattern = self.text_argument(pattern, names)?;
                let not = if *negated { "NOT " } else { "" };
                Ok(Some(truth(format!("({not}regexp_full_match({subject}, {pattern}))"), true)))
            }
            _ => Ok(None),
        }
    }

    /// Functions with a syntax of their own.
    fn keyword_function(&self, expr: &Expr, names: &Names<'_>) -> Result<Typed, SqlError> {
        match expr {
            Expr::Extract { field, expr, .. } => {
                let value = self.expression(expr, names)?;
                self.date_part(&field.to_string(), value)
            }
            Expr::Ceil { expr, field } => self.round_by("CEIL", expr, field, names),
            Expr::Floor { expr, field } => self.round_by("FLOOR", expr, field, names),
            Expr::Position { expr, r#in } => {
                let part = self.text_argument(expr, names)?;
                let whole = self.text_argument(r#in, names)?;
                Ok(Typed::new(format!("CAST(instr({whole}, {part}) AS DECIMAL(18,0))"), fixed(18, 0)))
            }
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                let mut arguments = vec![self.expression(expr, names)?];
                for part in [substring_from, substring_for].into_iter().flatten() {
                    arguments.push(self.expression(part, names)?);
                }
                self.call("SUBSTR", arguments)
            }
            Expr::Trim { trim_where, trim_what, expr, trim_characters } => {
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "LTRIM",
                    Some(TrimWhereField::Trailing) => "RTRIM",
                    _ => "TRIM",
                };
                let mut arguments = vec![self.expression(expr, names)?];
                let listed = trim_characters.iter().flatten().next();
                if let Some(characters) = trim_what.as_deref().or(listed) {
                    arguments.push(self.expression(characters, names)?);
                }
                self.call(name, arguments)
            }
            Expr::Interval(_) => Err(unsupported("an INTERVAL outside of + and -")),
            other => Err(unsupported(format!("the expression {other}"))),
        }
    }

    fn round_by(
        &self,
        name: &str,
        expr: &Expr,
        field: &CeilFloorKind,
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        let mut arguments = vec![self.expression(expr, names)?];
        match field {
            CeilFloorKind::Scale(value) => arguments.push(self.value(value, names)?),
            CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime) => {}
            CeilFloorKind::DateTimeField(field) => return Err(unsupported(format!("{name} to {field}"))),
        }
        self.call(name, arguments)
    }

    fn nested(&self, inner: &Expr, names: &Names<'_>) -> Result<Typed, SqlError> {
        let typed = self.expression(inner, names)?;
        Ok(Typed { sql: format!("({})", typed.sql), ..typed })
    }

    fn identifier(&self, ident: &Ident, names: &Names<'_>) -> Result<Typed, SqlError> {
        let found = names.plain(ident);
        if found.is_err() && ident.quote_style.is_none() {
            if let Some(value) = self.context_value(&ident.value.to_uppercase()) {
                return Ok(value);
            }
            if let Some(variable) = ident.value.strip_prefix('$') {
                let placeholder = Value::Placeholder(format!("${variable}"));
                return self.value(&placeholder.with_empty_span(), names);
            }
        }
        found
    }

    fn compound(&self, parts: &[Ident], names: &Names<'_>) -> Result<Typed, SqlError> {
        let folded: Vec<String> = parts.iter().map(names::fold).collect();
        let Some((name, qualifier)) = folded.split_last() else {
            return Err(unsupported("an empty name"));
        };
        if let Some(typed) = names.scope.qualified(qualifier, name) {
            return Ok(typed);
        }
        if let (Some(position), [relation]) = (name.strip_prefix('$'), qualifier)
            && let Ok(position) = position.parse()
            && let Some(typed) = names.scope.positional(Some(relation), position)
        {
            return Ok(typed);
        }
        if name == "NEXTVAL" && !names.scope.has_relation(qualifier) {
            return self.next_value(qualifier);
        }
        let span = parts.first().map_or_else(sqlparser::tokenizer::Span::empty, |part| part.span);
        Err(invalid_identifier(&names::display_path(&folded), span))
    }

    fn unary(&self, op: &UnaryOperator, expr: &Expr, names: &Names<'_>) -> Result<Typed, SqlError> {
        let value = self.expression(expr, names)?;
        match op {
            UnaryOperator::Not => {
                let value = self.boolean(value)?;
                Ok(truth(format!("(NOT {})", value.sql), value.nullable))
            }
            UnaryOperator::Plus => self.numeric(value),
            UnaryOperator::Minus => {
                let value = self.numeric(value)?;
                let literal = match &value.literal {
                    super::Literal::Number(text) => super::Literal::Number(format!("-{text}")),
                    _ => super::Literal::No,
                };
                Ok(Typed { sql: format!("(- {})", value.sql), origin: None, literal, ..value })
            }
            other => Err(unsupported(format!("the operator {other}"))),
        }
    }

    /// A value as a condition.
    pub(super) fn boolean(&self, value: Typed) -> Result<Typed, SqlError> {
        self.cast(value, &SnowType::Boolean, Mode::Explicit)
    }

    pub(crate) fn condition(&self, expr: &Expr, names: &Names<'_>) -> Result<String, SqlError> {
        let value = self.expression(expr, names)?;
        Ok(self.boolean(value)?.sql)
    }

    fn binary(
        &self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        if let (Expr::Interval(interval), BinaryOperator::Plus | BinaryOperator::Minus) = (right, op) {
            return self.interval_arithmetic(left, *op == BinaryOperator::Minus, interval, names);
        }
        match op {
            BinaryOperator::And | BinaryOperator::Or => self.logical(left, op, right, names),
            BinaryOperator::Eq => self.compared(left, "=", right, names),
            BinaryOperator::NotEq => self.compared(left, "<>", right, names),
            BinaryOperator::Lt => self.compared(left, "<", right, names),
            BinaryOperator::LtEq => self.compared(left, "<=", right, names),
            BinaryOperator::Gt => self.compared(left, ">", right, names),
            BinaryOperator::GtEq => self.compared(left, ">=", right, names),
            BinaryOperator::StringConcat => {
                let left = self.expression(left, names)?;
                let right = self.expression(right, names)?;
                self.call("CONCAT", vec![left, right])
            }
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo => {
                let sign = op.to_string().chars().next().unwrap_or('+');
                let left = self.expression(left, names)?;
                let right = self.expression(right, names)?;
                self.arithmetic(left, sign, right)
            }
            other => Err(unsupported(format!("the operator {other}"))),
        }
    }

    fn logical(
        &self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        let left = self.expression(left, names)?;
        let left = self.boolean(left)?;
        let right = self.expression(right, names)?;
        let right = self.boolean(right)?;
        let word = if *op == BinaryOperator::And { "AND" } else { "OR" };
        Ok(truth(format!("({} {word} {})", left.sql, right.sql), left.nullable || right.nullable))
    }

    fn compared(
        &self,
        left: &Expr,
        operator: &str,
        right: &Expr,
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        if let (Expr::Tuple(left), Expr::Tuple(right)) = (left, right)
            && left.len() == right.len()
            && operator == "="
        {
            let parts = left.iter().zip(right).map(|(left, right)| self.compared(left, "=", right, names));
            let parts = parts.map(|part| part.map(|part| part.sql)).collect::<Result<Vec<_>, _>>()?;
            return Ok(truth(format!("({})", parts.join(" AND ")), true));
        }
        let left = self.expression(left, names)?;
        let right = self.expression(right, names)?;
        self.comparison(left, operator, right)
    }

    fn in_list(
        &self,
        expr: &Expr,
        list: &[Expr],
        negated: bool,
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        let not = if negated { "NOT " } else { "" };
        if let Expr::Tuple(_) = expr {
            let parts = list.iter().map(|item| self.compared(expr, "=", item, names));
            let parts = parts.map(|part| part.map(|part| part.sql)).collect::<Result<Vec<_>, _>>()?;
            return Ok(truth(format!("({not}({}))", parts.join(" OR ")), true));
        }
        let mut values = vec![self.expression(expr, names)?];
        for item in list {
            values.push(self.expression(item, names)?);
        }
        let values = self.comparable(values)?;
        let nullable = values.iter().any(|value| value.nullable);
        let mut sql = values.into_iter().map(|value| value.sql);
        let subject = sql.next().unwrap_or_default();
        Ok(truth(format!("({subject} {not}IN ({}))", sql.collect::<Vec<_>>().join(", ")), nullable))
    }

    fn in_subquery(
        &self,
        expr: &Expr,
        query: &Query,
        negated: bool,
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        let subjects = match expr {
            Expr::Tuple(items) => {
                items.iter().map(|item| self.expression(item, names)).collect::<Result<_, _>>()?
            }
            single => vec![self.expression(single, names)?],
        };
        let bound = self.subquery(query, names)?;
        if bound.columns.len() != subjects.len() {
            return Err(crate::sql::error::compilation(
                "001073",
                "42601",
                "the subquery has another number of columns",
            ));
        }
        let inner = self.relation_name();
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (index, (subject, column)) in subjects.into_iter().zip(&bound.columns).enumerate() {
            let column = Typed::new(format!("{inner}.c{}", index + 1), column.ty.clone());
            let mut sides = self.comparable(vec![subject, column])?.into_iter().map(|side| side.sql);
            left.push(sides.next().unwrap_or_default());
            right.push(sides.next().unwrap_or_default());
        }
        let not = if negated { "NOT " } else { "" };
        let subject = if left.len() == 1 { left.remove(0) } else { format!("({})", left.join(", ")) };
        let sql =
            format!("({subject} {not}IN (SELECT {} FROM ({}) AS {inner}))", right.join(", "), bound.sql);
        Ok(truth(sql, true))
    }

    fn scalar_subquery(&self, query: &Query, names: &Names<'_>) -> Result<Typed, SqlError> {
        let bound = self.subquery(query, names)?;
        match bound.columns.as_slice() {
            [only] => Ok(Typed::new(format!("({})", bound.sql), only.ty.clone())),
            _ => Err(crate::sql::error::compilation(
                "001073",
                "42601",
                "a subquery that stands for a value must have one column",
            )),
        }
    }

    fn exists(&self, query: &Query, negated: bool, names: &Names<'_>) -> Result<Typed, SqlError> {
        let bound = self.subquery(query, names)?;
        let not = if negated { "NOT " } else { "" };
        Ok(truth(format!("({not}EXISTS ({}))", bound.sql), false))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one LIKE, each used once")]
    fn like(
        &self,
        operator: &str,
        negated: bool,
        any: bool,
        expr: &Expr,
        pattern: &Expr,
        escape: Option<&Expr>,
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        let subject = self.text_argument(expr, names)?;
        let escape = match escape {
            Some(escape) => format!(" ESCAPE {}", self.text_argument(escape, names)?),
            None => String::new(),
        };
        let patterns = match pattern {
            Expr::Tuple(patterns) if any => patterns.iter().collect(),
            Expr::Nested(single) if any => vec![single.as_ref()],
            single => vec![single],
        };
        let mut tests = Vec::new();
        for pattern in patterns {
            let pattern = self.text_argument(pattern, names)?;
            tests.push(format!("{subject} {operator} {pattern}{escape}"));
        }
        let not = if negated { "NOT " } else { "" };
        Ok(truth(format!("({not}({}))", tests.join(" OR ")), true))
    }

    pub(super) fn text_argument(&self, expr: &Expr, names: &Names<'_>) -> Result<String, SqlError> {
        let value = self.expression(expr, names)?;
        Ok(self.cast(value, &TEXT, Mode::Explicit)?.sql)
    }

    fn case(
        &self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        let mut tests = Vec::new();
        let mut results = Vec::new();
        for when in conditions {
            tests.push(match operand {
                Some(operand) => self.compared(operand, "=", &when.condition, names)?.sql,
                None => self.condition(&when.condition, names)?,
            });
            results.push(self.expression(&when.result, names)?);
        }
        results.push(match otherwise {
            Some(otherwise) => self.expression(otherwise, names)?,
            None => Typed::null(),
        });
        let nullable = results.iter().any(|result| result.nullable);
        let (results, ty) = self.unify(results)?;
        let mut sql = "CASE".to_owned();
        for (test, result) in tests.iter().zip(&results) {
            sql.push_str(&format!(" WHEN {test} THEN {}", result.sql));
        }
        let last = results.last().map_or("NULL", |result| result.sql.as_str());
        Ok(Typed::new(format!("{sql} ELSE {last} END"), ty).with_nullable(nullable))
    }

    fn access(&self, root: &Expr, chain: &[AccessExpr], names: &Names<'_>) -> Result<Typed, SqlError> {
        let base = self.expression(root, names)?;
        let mut path = Vec::new();
        for step in chain {
            path.push(match step {
                AccessExpr::Dot(Expr::Identifier(ident)) => {
                    JsonPathElem::Dot { key: ident.value.clone(), quoted: ident.quote_style.is_some() }
                }
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    JsonPathElem::Bracket { key: index.clone() }
                }
                _ => return Err(unsupported("this path into a value")),
            });
        }
        self.json_path(base, &path, names)
    }
}

/// A condition.
pub(super) fn truth(sql: String, nullable: bool) -> Typed {
    Typed::new(sql, SnowType::Boolean).with_nullable(nullable)
}
