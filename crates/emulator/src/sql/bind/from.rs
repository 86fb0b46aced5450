//! FROM: tables, views, subqueries, joins and samples.

use sqlparser::ast::{
    Join, JoinConstraint, JoinOperator, ObjectName, Query, TableAlias, TableFactor, TableSampleKind,
    TableSampleMethod, TableSampleUnit, TableVersion, TableWithJoins,
};

use super::staged::location;
use super::{Binder, Literal, Names, Relation, RelationColumn, Scope};
use crate::outcome::SqlError;
use crate::sql::catalog::{TableEntry, ViewEntry};
use crate::sql::error::{compilation, invalid_identifier, unsupported, unsupported_feature};
use crate::sql::names;
use crate::sql::state::Object;
use crate::sql::travel::{Point, is_at_timestamp};

/// Views inside views before it looks like one that reads itself.
const VIEW_DEPTH_MAX: usize = 32;

impl Binder<'_> {
    /// Binds the whole FROM into `scope`, and gives its text.
    pub(super) fn from(&self, from: &[TableWithJoins], scope: &mut Scope<'_>) -> Result<String, SqlError> {
        let mut parts = Vec::new();
        for item in from {
            parts.push(self.table_with_joins(item, scope)?);
        }
        Ok(parts.join(", "))
    }

    pub(crate) fn table_with_joins(
        &self,
        item: &TableWithJoins,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        let first = scope.relations.len();
        let mut sql = self.factor(&item.relation, scope)?;
        for join in &item.joins {
            sql = self.join(&sql, join, first, scope)?;
        }
        Ok(sql)
    }

    fn join(&self, left: &str, join: &Join, first: usize, scope: &mut Scope<'_>) -> Result<String, SqlError> {
        let middle = scope.relations.len();
        let right = self.factor(&join.relation, scope)?;
        let is_lateral = right.starts_with("LATERAL");
        let (word, constraint) = match &join.join_operator {
            JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => ("JOIN", constraint),
            JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => ("LEFT JOIN", constraint),
            JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                ("RIGHT JOIN", constraint)
            }
            JoinOperator::FullOuter(constraint) => ("FULL JOIN", constraint),
            JoinOperator::CrossJoin(_) => return Ok(format!("{left} CROSS JOIN {right}")),
            other => return Err(unsupported(format!("the join {other:?}"))),
        };
        make_nullable(scope, first, middle, word);
        let condition = match constraint {
            JoinConstraint::On(expr) => self.condition(expr, &Names::of(scope))?,
            JoinConstraint::Using(columns) => {
                let columns = columns.iter().map(|name| Ok(names::parts(name)?.pop().unwrap_or_default()));
                let columns = columns.collect::<Result<Vec<_>, SqlError>>()?;
                self.using(&columns, first, middle, word, scope)?
            }
            JoinConstraint::Natural => {
                let columns = common_columns(scope, first, middle);
                self.using(&columns, first, middle, word, scope)?
            }
            JoinConstraint::None if is_lateral || word == "JOIN" => "TRUE".to_owned(),
            JoinConstraint::None => return Err(compilation("001003", "42000", "a join needs a condition")),
        };
        Ok(format!("{left} {word} {right} ON {condition}"))
    }

    /// Joins by columns of the same name, which become one.
    fn using(
        &self,
        columns: &[String],
        first: usize,
        middle: usize,
        word: &str,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        let mut tests = Vec::new();
        for name in columns {
            let find = |relations: &[Relation]| {
                let column = relations.iter().flat_map(|relation| &relation.columns);
                column.filter(|column| !column.is_merged).find(|column| column.name == *name).cloned()
            };
            let missing = || invalid_identifier(&names::display(name), sqlparser::tokenizer::Span::empty());
            let left = find(&scope.relations[first..middle]).ok_or_else(missing)?;
            let right = find(&scope.relations[middle..]).ok_or_else(missing)?;
            tests.push(self.comparison(left.typed(), "=", right.typed())?.sql);
            let merged = match word {
                "FULL JOIN" => format!("COALESCE({}, {})", left.sql, right.sql),
                "RIGHT JOIN" => right.sql.clone(),
                _ => left.sql.clone(),
            };
            for (index, relation) in scope.relations.iter_mut().enumerate().skip(first) {
                for column in relation.columns.iter_mut().filter(|column| column.name == *name) {
                    if index >= middle {
                        column.is_merged = true;
                    } else if column.sql == left.sql {
                        column.sql.clone_from(&merged);
                    }
                }
            }
        }
        Ok(if tests.is_empty() { "TRUE".to_owned() } else { tests.join(" AND ") })
    }

    /// One item of FROM, whose relations are added to `scope`.
    pub(crate) fn factor(&self, factor: &TableFactor, scope: &mut Scope<'_>) -> Result<String, SqlError> {
        if let TableFactor::Table { name, alias, args, .. } = factor
            && let Some(location) = location(name)
        {
            let arguments = args.as_ref().map_or(&[][..], |arguments| &arguments.args);
            return self.staged_factor(location, arguments, alias.as_ref(), scope);
        }
        match factor {
            TableFactor::Table { name, alias, args: None, version, sample, json_path: None, .. } => {
                self.table_factor(name, version.as_ref(), alias.as_ref(), sample.as_ref(), scope)
            }
            TableFactor::Table { version: Some(_), .. } => {
                Err(unsupported("AT, BEFORE and CHANGES of something else than a table or view"))
            }
            TableFactor::Table { name, alias, args: Some(arguments), .. } => {
                self.table_function(name, &arguments.args, alias.as_ref(), scope)
            }
            TableFactor::TableFunction { expr, alias } => self.table_expression(expr, alias.as_ref(), scope),
            TableFactor::Function { name, args, alias, .. } => {
                self.table_function(name, args, alias.as_ref(), scope)
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                let bound = if *lateral {
                    self.query(subquery, scope, &scope.visible_ctes())?
                } else {
                    let outside = Scope::empty(scope.parent);
                    self.query(subquery, &outside, &scope.visible_ctes())?
                };
                let name = self.relation_name();
                let mut relation = Relation::of_outputs(None, &name, &bound.columns);
                apply_alias(&mut relation, alias.as_ref())?;
                scope.relations.push(relation);
                let lateral = if *lateral { "LATERAL " } else { "" };
                Ok(format!("{lateral}({}) AS {name}{}", bound.sql, self.sample(sample.as_ref())?))
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                Ok(format!("({})", self.table_with_joins(table_with_joins, scope)?))
            }
            other => Err(unsupported(format!("{other} in FROM"))),
        }
    }

    fn table_factor(
        &self,
        name: &ObjectName,
        version: Option<&TableVersion>,
        alias: Option<&TableAlias>,
        sample: Option<&TableSampleKind>,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        let parts = names::parts(name)?;
        let sql_name = self.relation_name();
        let sample = self.sample(sample)?;
        let point = match version {
            None => self.point.get(),
            Some(version) => Point::of(self, version)?,
        };
        if let [only] = parts.as_slice()
            && version.is_none()
            && let Some(cte) = scope.visible_ctes().into_iter().rev().find(|cte| cte.name == *only)
        {
            let mut relation = Relation::of_outputs(Some(cte.name.clone()), &sql_name, &cte.columns);
            apply_alias(&mut relation, alias)?;
            scope.relations.push(relation);
            return Ok(format!("{} AS {sql_name}{sample}", cte.sql_name));
        }
        let path = self.qualify(&parts)?;
        let shown = names::display_path(&parts);
        let (source, mut relation) = match self.object(path, &shown)? {
            Object::Table { entry, .. }
                if entry.is_hybrid() && version.is_some_and(|version| !is_at_timestamp(version)) =>
            {
                return Err(unsupported_feature("time travel of a hybrid table other than AT(TIMESTAMP)"));
            }
            Object::Table { path, entry } => {
                self.needs_compute.set(true);
                self.table_as_of(path, &sql_name, &entry, point)?
            }
            Object::View { path, entry } => {
                let outer = self.point.replace(point);
                let view = match point {
                    Point::Changes(interval) => self.view_changes(path, &sql_name, &entry, interval),
                    Point::Now | Point::At(_) => self.view(path, &sql_name, &entry),
                };
                self.point.set(outer);
                view?
            }
            Object::Information { .. } if version.is_some() => {
                return Err(unsupported("time travel in INFORMATION_SCHEMA"));
            }
            Object::Information { database, name } => {
                self.needs_compute.set(true);
                let (columns, sql) =
                    crate::sql::information::table(self.state, &database, &name)?.into_relation();
                let mut relation = Relation::of_outputs(Some(name.clone()), &sql_name, &columns);
                relation.path = Some([database, "INFORMATION_SCHEMA".to_owned(), name]);
                (format!("({sql})"), relation)
            }
        };
        apply_alias(&mut relation, alias)?;
        scope.relations.push(relation);
        Ok(format!("{source} AS {sql_name}{sample}"))
    }

    /// The object at `path`; inside a view the reader needs no privilege on what the view reads.
    fn object(&self, path: [String; 3], shown: &str) -> Result<Object, SqlError> {
        if !self.in_view.get() {
            return self.state.object(path, shown, "SELECT");
        }
        let owner = crate::sql::state::SessionState {
            role: crate::sql::catalog::ADMIN_ROLE.to_owned(),
            ..self.state.clone()
        };
        owner.object(path, shown, "SELECT")
    }

    /// A view as a subquery; names inside it are looked up from the view's own schema.
    pub(super) fn view(
        &self,
        path: [String; 3],
        sql_name: &str,
        entry: &ViewEntry,
    ) -> Result<(String, Relation), SqlError> {
        let query = crate::sql::ddl::view::parse_query(&entry.query)?;
        self.view_query(path, sql_name, entry, &query, 0)
    }

    /// The same of a view's query that gives some columns more than the view has.
    pub(super) fn view_query(
        &self,
        path: [String; 3],
        sql_name: &str,
        entry: &ViewEntry,
        query: &Query,
        more: usize,
    ) -> Result<(String, Relation), SqlError> {
        if self.view_depth.get() >= VIEW_DEPTH_MAX {
            return Err(compilation("002037", "42601", "views that read each other without end"));
        }
        let outer_path = self.path.replace((Some(path[0].clone()), Some(path[1].clone())));
        let was_in_view = self.in_view.replace(true);
        self.view_depth.set(self.view_depth.get() + 1);
        let bound = self.top_query(query);
        self.view_depth.set(self.view_depth.get() - 1);
        self.in_view.set(was_in_view);
        self.path.replace(outer_path);
        let bound = bound?;
        if bound.columns.len() != entry.columns.len() + more {
            return Err(compilation(
                "002057",
                "42601",
                &format!(
                    "View definition for '{}' declared {} column(s), but view query produces {} column(s).",
                    names::display_path(&path),
                    entry.columns.len(),
                    bound.columns.len()
                ),
            ));
        }
        let mut columns = bound.columns;
        for (column, declared) in columns.iter_mut().zip(&entry.columns) {
            column.name.clone_from(&declared.name);
            column.origin = Some(path.clone());
        }
        let mut relation = Relation::of_outputs(Some(path[2].clone()), sql_name, &columns);
        relation.path = Some(path);
        Ok((format!("({})", bound.sql), relation))
    }

    fn sample(&self, sample: Option<&TableSampleKind>) -> Result<String, SqlError> {
        let Some(TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) =
            sample
        else {
            return Ok(String::new());
        };
        let Some(quantity) = &sample.quantity else { return Err(unsupported("this SAMPLE")) };
        let scope = Scope::empty(None);
        let Literal::Number(amount) = self.expression(&quantity.value, &Names::of(&scope))?.literal else {
            return Err(unsupported("SAMPLE of a computed size"));
        };
        let seed = match &sample.seed {
            Some(seed) => format!(" REPEATABLE ({})", seed.value),
            None => String::new(),
        };
        if quantity.unit == Some(TableSampleUnit::Rows) {
            return Ok(format!(" TABLESAMPLE reservoir({amount} ROWS){seed}"));
        }
        let method = match sample.name {
            Some(TableSampleMethod::System | TableSampleMethod::Block) => "system",
            _ => "bernoulli",
        };
        Ok(format!(" TABLESAMPLE {method}({amount}%){seed}"))
    }
}

impl Relation {
    pub(crate) fn of_table(path: [String; 3], sql_name: &str, entry: &TableEntry) -> Self {
        let columns = entry.columns.iter().map(|column| RelationColumn {
            name: column.name.clone(),
            sql: format!("{sql_name}.{}", column.physical),
            ty: column.ty.clone(),
            nullable: column.nullable,
            origin: Some(path.clone()),
            is_merged: false,
            made_of: None,
        });
        Self {
            name: Some(path[2].clone()),
            columns: columns.collect(),
            metadata: Vec::new(),
            path: Some(path),
            sequence: None,
        }
    }
}

/// An alias hides the table's own name.
pub(super) fn apply_alias(relation: &mut Relation, alias: Option<&TableAlias>) -> Result<(), SqlError> {
    let Some(alias) = alias else { return Ok(()) };
    relation.name = Some(names::fold(&alias.name));
    relation.path = None;
    if alias.columns.len() > relation.columns.len() {
        return Err(compilation("001789", "42601", "more column aliases than columns"));
    }
    for (column, alias) in relation.columns.iter_mut().zip(&alias.columns) {
        column.name = names::fold(&alias.name);
    }
    Ok(())
}

/// The side of an outer join that may have no row is NULL there.
fn make_nullable(scope: &mut Scope<'_>, first: usize, middle: usize, word: &str) {
    let (left, right) = match word {
        "LEFT JOIN" => (false, true),
        "RIGHT JOIN" => (true, false),
        "FULL JOIN" => (true, true),
        _ => return,
    };
    for (index, relation) in scope.relations.iter_mut().enumerate().skip(first) {
        if if index < middle { left } else { right } {
            relation.columns.iter_mut().for_each(|column| column.nullable = true);
        }
    }
}

fn common_columns(scope: &Scope<'_>, first: usize, middle: usize) -> Vec<String> {
    let names = |relations: &[Relation]| -> Vec<String> {
        relations
            .iter()
            .flat_map(|relation| relation.columns.iter().map(|column| column.name.clone()))
            .collect()
    };
    let right = names(&scope.relations[middle..]);
    names(&scope.relations[first..middle]).into_iter().filter(|name| right.contains(name)).collect()
}
