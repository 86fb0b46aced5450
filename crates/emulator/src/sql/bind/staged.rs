//! Staged files in a FROM: `@stage/path (FILE_FORMAT => …, PATTERN => …)`.

use sqlparser::ast::{
    FunctionArg, GroupByExpr, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr,
    TableAlias, TableFactor,
};

use super::from::apply_alias;
use super::table_functions::argument;
use super::{Binder, Literal, Names, Scope, Typed};
use crate::outcome::SqlError;
use crate::sql::error::{compilation, unsupported};
use crate::sql::load::{self, StagedRelation};

/// The query of a COPY over one source: what it reads, and the values it gives.
pub(crate) struct StagedSelect {
    pub relation: StagedRelation,
    pub values: Vec<Typed>,
}

/// The location that stands in the place of a table's name.
pub(crate) fn location(name: &ObjectName) -> Option<&str> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(Ident { value, quote_style: Some('\''), .. })]
            if value.starts_with('@') =>
        {
            Some(value)
        }
        _ => None,
    }
}

impl Binder<'_> {
    pub(crate) fn constant_text(&self, text: &str) -> Typed {
        super::literal::text(text)
    }

    /// Staged files as an item of FROM.
    pub(super) fn staged_factor(
        &self,
        location: &str,
        arguments: &[FunctionArg],
        alias: Option<&TableAlias>,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        self.needs_compute.set(true);
        let text = |name: &str| -> Result<Option<String>, SqlError> {
            let Some(expr) = argument(arguments, name, usize::MAX) else { return Ok(None) };
            let empty = Scope::empty(None);
            if let sqlparser::ast::Expr::Identifier(_) | sqlparser::ast::Expr::CompoundIdentifier(_) = expr {
                return Ok(Some(expr.to_string()));
            }
            match self.expression(expr, &Names::of(&empty))?.literal {
                Literal::Text(text) => Ok(Some(text)),
                _ => Err(unsupported(format!("{name} of something else than a text"))),
            }
        };
        let source = load::query_source(self, location, text("FILE_FORMAT")?, text("PATTERN")?.as_deref())?;
        let StagedRelation { from, mut relation, .. } = source.relation(self)?;
        apply_alias(&mut relation, alias)?;
        scope.relations.push(relation);
        Ok(from)
    }

    /// Binds the query of a COPY: a list of expressions over one location, which `relation` stands for.
    pub(crate) fn staged_select(
        &self,
        query: &Query,
        relation: StagedRelation,
    ) -> Result<StagedSelect, SqlError> {
        let select = simple_select(query)?;
        let (_, alias) = select_location(select)?;
        let mut named = relation.relation.clone();
        apply_alias(&mut named, alias)?;
        let scope = Scope { parent: None, relations: vec![named], ctes: Vec::new() };
        let names = Names::of(&scope);
        let values = select.projection.iter().map(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                self.expression(expr, &names)
            }
            _ => Err(not_simple()),
        });
        Ok(StagedSelect { values: values.collect::<Result<_, _>>()?, relation })
    }
}

/// The location that the query of a COPY reads.
pub(crate) fn location_of(query: &Query) -> Result<String, SqlError> {
    Ok(select_location(simple_select(query)?)?.0.to_owned())
}

fn select_location(select: &Select) -> Result<(&str, Option<&TableAlias>), SqlError> {
    let [item] = select.from.as_slice() else { return Err(not_simple()) };
    if !item.joins.is_empty() {
        return Err(not_simple());
    }
    match &item.relation {
        TableFactor::Table { name, alias, args: None, .. } => {
            location(name).map(|location| (location, alias.as_ref())).ok_or_else(not_simple)
        }
        TableFactor::Table { name, args: Some(_), .. } if location(name).is_some() => {
            Err(unsupported("a file format behind the location of a COPY (use FILE_FORMAT = …)"))
        }
        _ => Err(not_simple()),
    }
}

fn simple_select(query: &Query) -> Result<&Select, SqlError> {
    let is_plain = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none();
    let SetExpr::Select(select) = query.body.as_ref() else { return Err(not_simple()) };
    let has_groups = match &select.group_by {
        GroupByExpr::Expressions(expressions, _) => !expressions.is_empty(),
        GroupByExpr::All(_) => true,
    };
    let is_simple = select.selection.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && select.distinct.is_none()
        && select.top.is_none()
        && !has_groups;
    if is_plain && is_simple { Ok(select) } else { Err(not_simple()) }
}

fn not_simple() -> SqlError {
    compilation(
        "002099",
        "0A000",
        "COPY statement only supports simple SELECT from stage statements for import.",
    )
}
