//! From a parsed Snowflake query to DuckDB's text: every name is resolved and every expression typed, so that what a
//! query means and what its result is called and typed follow Snowflake's rules and not DuckDB's.

mod aggregates;
mod arithmetic;
mod as_of;
mod binds;
pub(crate) mod cast;
mod compare;
mod context_functions;
mod datetime;
mod expression;
mod from;
mod functions;
mod generators;
mod json;
mod literal;
mod numbers;
mod order;
mod percentiles;
mod projection;
mod query;
mod scope;
mod staged;
mod strings;
mod table_functions;
#[cfg(test)]
mod tests;
mod view_changes;
mod windows;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(crate) use query::BoundQuery;
pub(crate) use scope::{Names, Relation, RelationColumn, Scope};
pub(crate) use staged::location_of;
pub(crate) use table_functions::argument;

use super::Binding;
use super::state::SessionState;
use super::travel::Point;
use crate::outcome::{Column, SnowType, SqlError};

/// One column value as DuckDB text, with what Snowflake knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub sql: String,
    pub ty: SnowType,
    pub nullable: bool,
    pub origin: Option<[String; 3]>,
    pub literal: Literal,
    /// What a value was made of.
    pub made_of: Option<Rc<MadeOf>>,
}

/// What a value was before: a semi-structured one before it became JSON, so that reading it back takes no JSON.
#[derive(Clone, Debug)]
pub(crate) enum MadeOf {
    Value(Typed),
    /// A timestamp's text and format, so that a coarse one can be of any year.
    Reading {
        text: String,
        format: String,
    },
    /// An object's fields by their names; a field that cannot be read says why.
    Fields(Vec<(String, Result<Typed, SqlError>)>),
}

/// What is known of a value that stands in the text of the statement itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    No,
    Null,
    Text(String),
    Number(String),
}

impl Typed {
    pub(crate) fn new(sql: impl Into<String>, ty: SnowType) -> Self {
        Self { sql: sql.into(), ty, nullable: true, origin: None, literal: Literal::No, made_of: None }
    }

    pub(crate) fn null() -> Self {
        Self { literal: Literal::Null, ..Self::new("NULL", super::physical::TEXT) }
    }

    pub(crate) fn with_nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }

    pub(crate) fn is_null_literal(&self) -> bool {
        self.literal == Literal::Null
    }
}

/// A common table expression in reach.
#[derive(Clone, Debug)]
pub(crate) struct Cte {
    pub name: String,
    pub sql_name: String,
    pub columns: Vec<OutputColumn>,
}

/// One column of a query's result; in DuckDB it is called `c1`, `c2`, … by its place.
#[derive(Clone, Debug)]
pub(crate) struct OutputColumn {
    pub name: String,
    pub ty: SnowType,
    pub nullable: bool,
    pub origin: Option<[String; 3]>,
}

impl OutputColumn {
    pub(crate) fn column(&self) -> Column {
        Column {
            name: self.name.clone(),
            ty: self.ty.clone(),
            nullable: self.nullable,
            origin: self.origin.clone(),
        }
    }
}

/// Binds one statement for one session.
pub(crate) struct Binder<'s> {
    pub state: &'s SessionState,
    pub bindings: &'s BTreeMap<String, Binding>,
    next_relation: Cell<usize>,
    next_placeholder: Cell<usize>,
    /// True once something is read that needs a virtual warehouse.
    pub needs_compute: Cell<bool>,
    /// Databases and schemas that unqualified names are looked up in; a view's own while it is expanded.
    pub path: RefCell<(Option<String>, Option<String>)>,
    /// True inside a view: its owner's privileges count, not the reader's.
    pub in_view: Cell<bool>,
    pub view_depth: Cell<usize>,
    /// When each table that is read was last changed.
    pub changed_at: RefCell<Vec<i64>>,
    /// As of when the tables of a view are read.
    pub point: Cell<Point>,
    /// How long SYSTEM$WAIT asks the session to wait.
    pub wait_ms: Cell<u64>,
    /// Files made for this statement alone, which end with it.
    pub scratch: RefCell<Vec<tempfile::TempDir>>,
}

impl<'s> Binder<'s> {
    pub(crate) fn new(state: &'s SessionState, bindings: &'s BTreeMap<String, Binding>) -> Self {
        Self {
            state,
            bindings,
            next_relation: Cell::new(0),
            next_placeholder: Cell::new(0),
            needs_compute: Cell::new(false),
            path: RefCell::new((state.database.clone(), state.schema.clone())),
            in_view: Cell::new(false),
            view_depth: Cell::new(0),
            changed_at: RefCell::new(Vec::new()),
            point: Cell::new(Point::Now),
            wait_ms: Cell::new(0),
            scratch: RefCell::new(Vec::new()),
        }
    }

    /// A name for a relation that no other in the statement has.
    pub(crate) fn relation_name(&self) -> String {
        self.next_relation.set(self.next_relation.get() + 1);
        format!("r{}", self.next_relation.get())
    }

    /// The three parts of a table's name, the missing ones taken from the session.
    pub(crate) fn qualify(&self, parts: &[String]) -> Result<[String; 3], SqlError> {
        let (database, schema) = self.path.borrow().clone();
        super::state::qualify(parts, database.as_deref(), schema.as_deref())
    }
}
