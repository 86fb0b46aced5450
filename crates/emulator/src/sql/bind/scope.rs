//! Which columns a name can mean at some place of a query.

use std::rc::Rc;

use sqlparser::ast::Ident;

use super::{Cte, MadeOf, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{ambiguous, invalid_identifier};
use crate::sql::names;
use crate::sql::physical::TEXT;

/// The relations of one FROM, over those of the queries around it.
#[derive(Debug)]
pub(crate) struct Scope<'p> {
    pub parent: Option<&'p Scope<'p>>,
    pub relations: Vec<Relation>,
    /// Common table expressions in reach.
    pub ctes: Vec<Cte>,
}

#[derive(Clone, Debug)]
pub(crate) struct Relation {
    /// The alias, or the table's own name.
    pub name: Option<String>,
    /// The full name of a table or view that has no alias.
    pub path: Option<[String; 3]>,
    pub columns: Vec<RelationColumn>,
    /// Columns that only their own names find: neither `*` nor `$1` does.
    pub metadata: Vec<RelationColumn>,
    /// The running number of a GENERATOR's rows, which SEQ4 and its like give.
    pub sequence: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct RelationColumn {
    pub name: String,
    pub sql: String,
    pub ty: SnowType,
    pub nullable: bool,
    pub origin: Option<[String; 3]>,
    /// Merged into another relation's column by USING or NATURAL: found only when qualified.
    pub is_merged: bool,
    /// What a semi-structured column is made of.
    pub made_of: Option<Rc<MadeOf>>,
}

impl RelationColumn {
    pub(crate) fn typed(&self) -> Typed {
        Typed {
            nullable: self.nullable,
            origin: self.origin.clone(),
            made_of: self.made_of.clone(),
            ..Typed::new(self.sql.clone(), self.ty.clone())
        }
    }
}

/// Where names are looked up: columns in reach, and the aliases of the SELECT list.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub scope: &'a Scope<'a>,
    pub aliases: &'a [(String, Typed)],
    /// ORDER BY looks at aliases first, everything else at columns first.
    pub alias_first: bool,
}

impl<'a> Names<'a> {
    pub(crate) fn of(scope: &'a Scope<'a>) -> Self {
        Self { scope, aliases: &[], alias_first: false }
    }

    fn alias(&self, name: &str) -> Option<Typed> {
        self.aliases.iter().find(|(alias, _)| alias == name).map(|(_, typed)| typed.clone())
    }

    /// What an unqualified name means.
    pub(crate) fn plain(&self, ident: &Ident) -> Result<Typed, SqlError> {
        let name = names::fold(ident);
        if self.alias_first
            && let Some(typed) = self.alias(&name)
        {
            return Ok(typed);
        }
        if let Some(typed) = self.scope.plain(&name, ident)? {
            return Ok(typed);
        }
        self.alias(&name).ok_or_else(|| invalid_identifier(&names::display(&name), ident.span))
    }
}

impl<'p> Scope<'p> {
    pub(crate) fn empty(parent: Option<&'p Scope<'p>>) -> Self {
        Self { parent, relations: Vec::new(), ctes: Vec::new() }
    }

    pub(crate) fn visible_ctes(&self) -> Vec<Cte> {
        if self.ctes.is_empty() {
            self.parent.map(Scope::visible_ctes).unwrap_or_default()
        } else {
            self.ctes.clone()
        }
    }

    fn plain(&self, name: &str, ident: &Ident) -> Result<Option<Typed>, SqlError> {
        let columns = self.relations.iter().flat_map(Relation::named);
        let mut found = columns.filter(|column| column.name == name && !column.is_merged);
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(Some(column.typed())),
            (Some(_), Some(_)) => Err(ambiguous(&names::display(name), ident.span)),
            (None, _) => self.parent.map_or(Ok(None), |parent| parent.plain(name, ident)),
        }
    }

    /// The column `qualifier.name`, with as many parts in front as were written.
    pub(crate) fn qualified(&self, qualifier: &[String], name: &str) -> Option<Typed> {
        let here = self
            .relations
            .iter()
            .filter(|relation| relation.is_called(qualifier))
            .find_map(|relation| relation.named().find(|column| column.name == name));
        here.map(RelationColumn::typed)
            .or_else(|| self.parent.and_then(|parent| parent.qualified(qualifier, name)))
    }

    /// The column at `position` (from 1) of the only relation: `$1`.
    pub(crate) fn positional(&self, qualifier: Option<&str>, position: usize) -> Option<Typed> {
        let mut relations = self
            .relations
            .iter()
            .filter(|relation| qualifier.is_none() || relation.name.as_deref() == qualifier);
        let relation = relations.next()?;
        let place = position.checked_sub(1)?;
        // A staged text has no more fields in it, and every further one is NULL.
        let is_staged = !relation.metadata.is_empty();
        let is_text = relation.columns.iter().all(|column| matches!(column.ty, SnowType::Text { .. }));
        match relation.columns.get(place) {
            None if is_staged && is_text => Some(Typed::new("CAST(NULL AS VARCHAR)", TEXT)),
            found => found.map(RelationColumn::typed),
        }
    }

    pub(crate) fn has_relation(&self, qualifier: &[String]) -> bool {
        self.relations.iter().any(|relation| relation.is_called(qualifier))
            || self.parent.is_some_and(|parent| parent.has_relation(qualifier))
    }
}

impl Relation {
    /// Every column that its name finds.
    fn named(&self) -> impl Iterator<Item = &RelationColumn> {
        self.columns.iter().chain(&self.metadata)
    }

    /// Gives the relation an alias, which hides its own name.
    pub(crate) fn rename(&mut self, alias: &str) {
        self.name = Some(alias.to_owned());
        self.path = None;
    }

    pub(crate) fn is_called(&self, qualifier: &[String]) -> bool {
        match (qualifier, &self.path) {
            ([only], _) => self.name.as_deref() == Some(only.as_str()),
            (longer, Some(path)) => path.ends_with(longer),
            _ => false,
        }
    }
}
