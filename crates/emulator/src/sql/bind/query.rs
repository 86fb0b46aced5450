//! Queries: WITH, SELECT, set operations, VALUES, ORDER BY and LIMIT.

use sqlparser::ast::{
    Cte as CteAst, Distinct, Expr, GroupByExpr, LimitClause, OrderByKind, Query, Select, SetExpr,
    SetOperator, SetQuantifier, TopQuantity, Values,
};

use super::cast::Mode;
use super::compare::{check_groupable, common_of};
use super::order::{output_at, position};
use super::projection::Projected;
use super::{Binder, Cte, Names, OutputColumn, Relation, RelationColumn, Scope, Typed};
use crate::outcome::SqlError;
use crate::sql::error::{compilation, unsupported};
use crate::sql::names;

/// A query as DuckDB text whose columns are called `c1`, `c2`, …
#[derive(Clone, Debug)]
pub(crate) struct BoundQuery {
    pub sql: String,
    pub columns: Vec<OutputColumn>,
}

impl Binder<'_> {
    /// A query with nothing around it.
    pub(crate) fn top_query(&self, query: &Query) -> Result<BoundQuery, SqlError> {
        let outside = Scope::empty(None);
        self.query(query, &outside, &[])
    }

    /// A query inside an expression, which sees the columns and common table expressions around it.
    pub(super) fn subquery(&self, query: &Query, names: &Names<'_>) -> Result<BoundQuery, SqlError> {
        let ctes = names.scope.visible_ctes();
        self.query(query, names.scope, &ctes)
    }

    pub(crate) fn query(
        &self,
        query: &Query,
        outer: &Scope<'_>,
        ctes: &[Cte],
    ) -> Result<BoundQuery, SqlError> {
        if !query.locks.is_empty() || query.for_clause.is_some() || !query.pipe_operators.is_empty() {
            return Err(unsupported("FOR UPDATE, FOR XML and pipes"));
        }
        let mut ctes = ctes.to_vec();
        let mut with = Vec::new();
        if let Some(clause) = &query.with {
            for cte in &clause.cte_tables {
                with.push(self.cte(cte, outer, &mut ctes, clause.recursive)?);
            }
        }
        let mut bound = self.body(query, outer, &ctes)?;
        bound.sql.push_str(&self.limit(query)?);
        if !with.is_empty() {
            let recursive = query.with.as_ref().is_some_and(|with| with.recursive);
            let word = if recursive { "WITH RECURSIVE" } else { "WITH" };
            bound.sql = format!("{word} {} {}", with.join(", "), bound.sql);
        }
        Ok(bound)
    }

    fn cte(
        &self,
        cte: &CteAst,
        outer: &Scope<'_>,
        ctes: &mut Vec<Cte>,
        recursive: bool,
    ) -> Result<String, SqlError> {
        let name = names::fold(&cte.alias.name);
        let sql_name = format!("w{}", self.relation_name());
        let aliases: Vec<String> = cte.alias.columns.iter().map(|column| names::fold(&column.name)).collect();
        let mut with_itself = ctes.clone();
        if recursive
            && let SetExpr::SetOperation { left, .. } = cte.query.body.as_ref()
            && let Ok(mut anchor) = self.set_expr(left, outer, ctes)
        {
            rename(&mut anchor.columns, &aliases)?;
            with_itself.push(Cte { name: name.clone(), sql_name: sql_name.clone(), columns: anchor.columns });
        }
        let mut bound = self.query(&cte.query, outer, &with_itself)?;
        rename(&mut bound.columns, &aliases)?;
        let columns: Vec<String> = (1..=bound.columns.len()).map(|index| format!("c{index}")).collect();
        let sql = format!("{sql_name}({}) AS ({})", columns.join(", "), bound.sql);
        ctes.push(Cte { name, sql_name, columns: bound.columns });
        Ok(sql)
    }

    /// The body with its ORDER BY.
    fn body(&self, query: &Query, outer: &Scope<'_>, ctes: &[Cte]) -> Result<BoundQuery, SqlError> {
        let order = match &query.order_by {
            None => &[][..],
            Some(order) => match &order.kind {
                OrderByKind::Expressions(items) => items.as_slice(),
                OrderByKind::All(_) => return Err(unsupported("ORDER BY ALL")),
            },
        };
        if let SetExpr::Select(select) = query.body.as_ref() {
            return self.select(select, order, outer, ctes);
        }
        let bound = self.set_expr(&query.body, outer, ctes)?;
        if order.is_empty() {
            return Ok(bound);
        }
        let name = self.relation_name();
        let relation = Relation::of_outputs(None, &name, &bound.columns);
        let outputs: Vec<Projected> = bound
            .columns
            .iter()
            .cloned()
            .zip(relation.columns.iter().map(|column| column.sql.clone()))
            .collect();
        let scope = Scope { parent: Some(outer), relations: vec![relation], ctes: ctes.to_vec() };
        let keys = self.query_order(order, &Names::of(&scope), &outputs)?;
        let sql = format!("SELECT * FROM ({}) AS {name} ORDER BY {keys}", bound.sql);
        Ok(BoundQuery { sql, columns: bound.columns })
    }

    fn set_expr(&self, body: &SetExpr, outer: &Scope<'_>, ctes: &[Cte]) -> Result<BoundQuery, SqlError> {
        match body {
            SetExpr::Select(select) => self.select(select, &[], outer, ctes),
            SetExpr::Query(query) => {
                let bound = self.query(query, outer, ctes)?;
                Ok(BoundQuery { sql: format!("({})", bound.sql), columns: bound.columns })
            }
            SetExpr::Values(values) => self.values(values, outer, ctes),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let left = self.set_expr(left, outer, ctes)?;
                let right = self.set_expr(right, outer, ctes)?;
                self.set_operation(left, *op, *set_quantifier, right)
            }
            other => Err(unsupported(format!("{other} as a query"))),
        }
    }

    fn set_operation(
        &self,
        left: BoundQuery,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: BoundQuery,
    ) -> Result<BoundQuery, SqlError> {
        if left.columns.len() != right.columns.len() {
            return Err(compilation(
                "001789",
                "42601",
                &format!(
                    "invalid number of result columns for set operator input branches, expected {}, got {}",
                    left.columns.len(),
                    right.columns.len()
                ),
            ));
        }
        let word = match (op, quantifier) {
            (SetOperator::Union, SetQuantifier::All) => "UNION ALL",
            (SetOperator::Union, SetQuantifier::None | SetQuantifier::Distinct) => "UNION",
            (SetOperator::Intersect, SetQuantifier::None) => "INTERSECT",
            (SetOperator::Except | SetOperator::Minus, SetQuantifier::None) => "EXCEPT",
            _ => return Err(unsupported(format!("{op} {quantifier}"))),
        };
        let mut columns = Vec::new();
        for (left, right) in left.columns.iter().zip(&right.columns) {
            let ty = if left.ty == right.ty { left.ty.clone() } else { common_of(&left.ty, &right.ty)? };
            if word != "UNION ALL" {
                check_groupable(&ty)?;
            }
            let nullable = left.nullable || right.nullable;
            columns.push(OutputColumn { name: left.name.clone(), ty, nullable, origin: None });
        }
        let sql = format!("{} {word} {}", self.converted(left, &columns)?, self.converted(right, &columns)?);
        Ok(BoundQuery { sql, columns })
    }

    /// A branch of a set operation with its columns brought to the common types.
    fn converted(&self, branch: BoundQuery, columns: &[OutputColumn]) -> Result<String, SqlError> {
        if branch.columns.iter().zip(columns).all(|(own, common)| own.ty == common.ty) {
            return Ok(format!("({})", branch.sql));
        }
        let name = self.relation_name();
        let mut list = Vec::new();
        for (index, (own, common)) in branch.columns.iter().zip(columns).enumerate() {
            let place = index + 1;
            let value = Typed::new(format!("{name}.c{place}"), own.ty.clone());
            list.push(format!("{} AS c{place}", self.cast(value, &common.ty, Mode::Explicit)?.sql));
        }
        Ok(format!("(SELECT {} FROM ({}) AS {name})", list.join(", "), branch.sql))
    }

    pub(super) fn values(
        &self,
        values: &Values,
        outer: &Scope<'_>,
        ctes: &[Cte],
    ) -> Result<BoundQuery, SqlError> {
        let scope = Scope { parent: Some(outer), relations: Vec::new(), ctes: ctes.to_vec() };
        let names = Names::of(&scope);
        let mut rows: Vec<Vec<Typed>> = Vec::new();
        for row in &values.rows {
            rows.push(
                row.content.iter().map(|expr| self.expression(expr, &names)).collect::<Result<_, _>>()?,
            );
        }
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(compilation("001789", "42601", "VALUES with rows of different lengths"));
        }
        let mut columns = Vec::new();
        for place in 0..width {
            let cells: Vec<Typed> = rows.iter().map(|row| row[place].clone()).collect();
            let nullable = cells.iter().any(|cell| cell.nullable);
            let (cells, ty) = self.unify(cells)?;
            for (row, cell) in rows.iter_mut().zip(cells) {
                row[place] = cell;
            }
            columns.push(OutputColumn { name: format!("COLUMN{}", place + 1), ty, nullable, origin: None });
        }
        let rows: Vec<String> = rows
            .iter()
            .map(|row| {
                format!("({})", row.iter().map(|cell| cell.sql.as_str()).collect::<Vec<_>>().join(", "))
            })
            .collect();
        let name = self.relation_name();
        let list: Vec<String> = (1..=width).map(|place| format!("c{place}")).collect();
        let sql = format!("SELECT * FROM (VALUES {}) AS {name}({})", rows.join(", "), list.join(", "));
        Ok(BoundQuery { sql, columns })
    }

    fn select(
        &self,
        select: &Select,
        order: &[sqlparser::ast::OrderByExpr],
        outer: &Scope<'_>,
        ctes: &[Cte],
    ) -> Result<BoundQuery, SqlError> {
        refuse_clauses(select)?;
        let mut scope = Scope { parent: Some(outer), relations: Vec::new(), ctes: ctes.to_vec() };
        let from = self.from(&select.from, &mut scope)?;
        let (projected, aliases) = self.projection(&select.projection, &scope)?;
        let names = Names { scope: &scope, aliases: &aliases, alias_first: false };
        let list: Vec<String> = projected
            .iter()
            .enumerate()
            .map(|(index, (_, sql))| format!("{sql} AS c{}", index + 1))
            .collect();
        let mut sql = format!("SELECT {}{}", self.distinct(select, &projected)?, list.join(", "));
        if !from.is_empty() {
            sql.push_str(&format!(" FROM {from}"));
        }
        if let Some(condition) = &select.selection {
            sql.push_str(&format!(" WHERE {}", self.condition(condition, &names)?));
        }
        sql.push_str(&self.group_by(&select.group_by, &names, &projected)?);
        if let Some(condition) = &select.having {
            sql.push_str(&format!(" HAVING {}", self.condition(condition, &names)?));
        }
        if let Some(condition) = &select.qualify {
            sql.push_str(&format!(" QUALIFY {}", self.condition(condition, &names)?));
        }
        if !order.is_empty() {
            let names = Names { alias_first: true, ..names };
            let keys = self.query_order(order, &names, &projected)?;
            if !keys.is_empty() {
                sql.push_str(&format!(" ORDER BY {keys}"));
            }
        }
        if let Some(top) = &select.top {
            let quantity = match &top.quantity {
                Some(TopQuantity::Constant(count)) => count.to_string(),
                Some(TopQuantity::Expr(expr)) => self.row_count(expr)?,
                None => return Err(unsupported("TOP without a number")),
            };
            sql.push_str(&format!(" LIMIT {quantity}"));
        }
        Ok(BoundQuery { sql, columns: projected.into_iter().map(|(column, _)| column).collect() })
    }

    fn distinct(&self, select: &Select, projected: &[Projected]) -> Result<&'static str, SqlError> {
        match &select.distinct {
            None | Some(Distinct::All) => Ok(""),
            Some(Distinct::Distinct) => {
                projected.iter().try_for_each(|(column, _)| check_groupable(&column.ty))?;
                Ok("DISTINCT ")
            }
            Some(Distinct::On(_)) => Err(unsupported("DISTINCT ON")),
        }
    }

    fn group_by(
        &self,
        group_by: &GroupByExpr,
        names: &Names<'_>,
        projected: &[Projected],
    ) -> Result<String, SqlError> {
        let (expressions, modifiers) = match group_by {
            GroupByExpr::All(modifiers) if modifiers.is_empty() => return Ok(" GROUP BY ALL".to_owned()),
            GroupByExpr::All(_) => return Err(unsupported("GROUP BY ALL with a modifier")),
            GroupByExpr::Expressions(expressions, modifiers) => (expressions, modifiers),
        };
        if !modifiers.is_empty() {
            return Err(unsupported("GROUP BY … WITH"));
        }
        if expressions.is_empty() {
            return Ok(String::new());
        }
        let keys = expressions.iter().map(|expr| self.group_key(expr, names, projected));
        Ok(format!(" GROUP BY {}", keys.collect::<Result<Vec<_>, _>>()?.join(", ")))
    }

    fn group_key(&self, expr: &Expr, names: &Names<'_>, projected: &[Projected]) -> Result<String, SqlError> {
        let sets = |word: &str, sets: &[Vec<Expr>]| -> Result<String, SqlError> {
            let sets = sets.iter().map(|set| {
                let keys = set.iter().map(|expr| self.group_key(expr, names, projected));
                Ok(format!("({})", keys.collect::<Result<Vec<_>, SqlError>>()?.join(", ")))
            });
            Ok(format!("{word} ({})", sets.collect::<Result<Vec<_>, SqlError>>()?.join(", ")))
        };
        match expr {
            Expr::Rollup(list) => sets("ROLLUP", list),
            Expr::Cube(list) => sets("CUBE", list),
            Expr::GroupingSets(list) => sets("GROUPING SETS", list),
            _ => {
                let key = match position(expr) {
                    Some(position) => output_at(projected, position)?,
                    None => self.expression(expr, names)?,
                };
                check_groupable(&key.ty)?;
                Ok(key.sql)
            }
        }
    }

    fn limit(&self, query: &Query) -> Result<String, SqlError> {
        let (limit, offset) = match &query.limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            Some(LimitClause::OffsetCommaLimit { .. }) => return Err(unsupported("LIMIT a, b")),
        };
        let fetch = query.fetch.as_ref().and_then(|fetch| fetch.quantity.as_ref());
        let mut sql = String::new();
        for (word, expr) in [("LIMIT", limit.or(fetch)), ("OFFSET", offset)] {
            if let Some(expr) = expr {
                sql.push_str(&format!(" {word} {}", self.row_count(expr)?));
            }
        }
        Ok(sql)
    }

    /// A number of rows; NULL and an empty text mean no limit.
    fn row_count(&self, expr: &Expr) -> Result<String, SqlError> {
        let scope = Scope::empty(None);
        let value = self.expression(expr, &Names::of(&scope))?;
        match &value.literal {
            super::Literal::Number(text) => Ok(text.clone()),
            super::Literal::Text(text)
                if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() =>
            {
                Ok(text.clone())
            }
            super::Literal::Null | super::Literal::Text(_) => Ok(i64::MAX.to_string()),
            super::Literal::No => Ok(format!("CAST({} AS BIGINT)", value.sql)),
        }
    }
}

fn rename(columns: &mut [OutputColumn], aliases: &[String]) -> Result<(), SqlError> {
    if aliases.len() > columns.len() {
        return Err(compilation("001789", "42601", "more column aliases than columns"));
    }
    for (column, alias) in columns.iter_mut().zip(aliases) {
        column.name.clone_from(alias);
    }
    Ok(())
}

fn refuse_clauses(select: &Select) -> Result<(), SqlError> {
    let refused = [
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (!select.named_window.is_empty(), "WINDOW"),
        (select.into.is_some(), "SELECT INTO"),
        (!select.lateral_views.is_empty(), "LATERAL VIEW"),
        (select.exclude.is_some(), "EXCLUDE after the list"),
    ];
    match refused.iter().find(|(is_there, _)| *is_there) {
        Some((_, what)) => Err(unsupported(what)),
        None => Ok(()),
    }
}

impl Relation {
    /// A relation over a query whose DuckDB columns are `c1`, `c2`, …
    pub(super) fn of_outputs(name: Option<String>, sql_name: &str, columns: &[OutputColumn]) -> Self {
        let columns = columns.iter().enumerate().map(|(index, column)| RelationColumn {
            name: column.name.clone(),
            sql: format!("{sql_name}.c{}", index + 1),
            ty: column.ty.clone(),
            nullable: column.nullable,
            origin: column.origin.clone(),
            is_merged: false,
            made_of: None,
        });
        Self { name, path: None, columns: columns.collect(), metadata: Vec::new(), sequence: None }
    }
}
