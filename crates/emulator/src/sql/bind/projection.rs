//! The SELECT list: stars with their options, aliases, and the names Snowflake gives to expressions.

use sqlparser::ast::{
    ExcludeSelectItem, Expr, ObjectName, RenameSelectItem, SelectItem, SelectItemQualifiedWildcardKind,
    WildcardAdditionalOptions,
};

use super::{Binder, Names, OutputColumn, Relation, Scope, Typed};
use crate::outcome::SqlError;
use crate::sql::error::{compilation, missing, unsupported};
use crate::sql::names;

/// One item of the SELECT list, with the DuckDB text that gives it.
pub(super) type Projected = (OutputColumn, String);

/// An alias with what it stands for.
pub(super) type Alias = (String, Typed);

impl Binder<'_> {
    /// Binds the list; aliases of earlier items are in reach of later ones.
    pub(super) fn projection(
        &self,
        items: &[SelectItem],
        scope: &Scope<'_>,
    ) -> Result<(Vec<Projected>, Vec<Alias>), SqlError> {
        let mut projected = Vec::new();
        let mut aliases: Vec<Alias> = Vec::new();
        for item in items {
            let names = Names { scope, aliases: &aliases, alias_first: false };
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let typed = self.expression(expr, &names)?;
                    projected.push(output(expression_name(expr), typed));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let typed = self.expression(expr, &names)?;
                    let name = names::fold(alias);
                    projected.push(output(name.clone(), typed.clone()));
                    aliases.push((name, Typed { sql: format!("({})", typed.sql), ..typed }));
                }
                SelectItem::Wildcard(options) => {
                    if scope.relations.is_empty() {
                        return Err(compilation("002021", "42601", "SELECT with no columns"));
                    }
                    self.star(scope.relations.iter(), options, &names, &mut projected)?;
                }
                SelectItem::QualifiedWildcard(kind, options) => {
                    let relation = qualified_relation(kind, scope)?;
                    self.star(std::iter::once(relation), options, &names, &mut projected)?;
                }
                SelectItem::ExprWithAliases { .. } => {
                    return Err(unsupported("several aliases of one expression"));
                }
            }
        }
        Ok((projected, aliases))
    }

    fn star<'r>(
        &self,
        relations: impl Iterator<Item = &'r Relation>,
        options: &WildcardAdditionalOptions,
        names: &Names<'_>,
        projected: &mut Vec<Projected>,
    ) -> Result<(), SqlError> {
        if options.opt_except.is_some() {
            return Err(unsupported("* EXCEPT (use EXCLUDE)"));
        }
        let excluded = excluded_names(options.opt_exclude.as_ref())?;
        let pattern = options.opt_ilike.as_ref().map(|ilike| ilike.pattern.as_str());
        for column in relations.flat_map(|relation| &relation.columns) {
            let is_wanted = !column.is_merged
                && !excluded.contains(&column.name)
                && pattern.is_none_or(|pattern| crate::sql::show::pattern::matches(pattern, &column.name));
            if !is_wanted {
                continue;
            }
            let replacement = options.opt_replace.iter().flat_map(|replace| &replace.items);
            let mut replacement = replacement.filter(|item| names::fold(&item.column_name) == column.name);
            let typed = match replacement.next() {
                Some(item) => self.expression(&item.expr, names)?,
                None => column.typed(),
            };
            projected.push(output(renamed(options.opt_rename.as_ref(), &column.name), typed));
        }
        Ok(())
    }
}

fn output(name: String, typed: Typed) -> Projected {
    let column = OutputColumn { name, ty: typed.ty, nullable: typed.nullable, origin: typed.origin };
    (column, typed.sql)
}

/// The name of a column without an alias: its own, or the expression as written, upper-cased.
fn expression_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => names::fold(ident),
        Expr::CompoundIdentifier(parts) => parts.last().map(names::fold).unwrap_or_default(),
        other => other.to_string().to_uppercase(),
    }
}

fn qualified_relation<'s>(
    kind: &SelectItemQualifiedWildcardKind,
    scope: &'s Scope<'_>,
) -> Result<&'s Relation, SqlError> {
    let SelectItemQualifiedWildcardKind::ObjectName(name) = kind else {
        return Err(unsupported("a star behind an expression"));
    };
    let parts = names::parts(name)?;
    let found = scope.relations.iter().find(|relation| relation.is_called(&parts));
    found.ok_or_else(|| missing("Object", &names::display_path(&parts)))
}

fn excluded_names(exclude: Option<&ExcludeSelectItem>) -> Result<Vec<String>, SqlError> {
    let last = |name: &ObjectName| Ok(names::parts(name)?.pop().unwrap_or_default());
    match exclude {
        None => Ok(Vec::new()),
        Some(ExcludeSelectItem::Single(name)) => Ok(vec![last(name)?]),
        Some(ExcludeSelectItem::Multiple(list)) => list.iter().map(last).collect(),
    }
}

fn renamed(rename: Option<&RenameSelectItem>, name: &str) -> String {
    let pairs = match rename {
        None => return name.to_owned(),
        Some(RenameSelectItem::Single(pair)) => std::slice::from_ref(pair),
        Some(RenameSelectItem::Multiple(pairs)) => pairs.as_slice(),
    };
    let found = pairs.iter().find(|pair| names::fold(&pair.ident) == name);
    found.map_or_else(|| name.to_owned(), |pair| names::fold(&pair.alias))
}
