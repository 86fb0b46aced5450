//! Dynamic tables: tables that a query fills, once when they are made and again when somebody asks for it.

use std::collections::BTreeMap;

use sqlparser::parser::Parser;

use super::{Modifiers, create_table, view};
use crate::outcome::SqlError;
use crate::sql::bind::cast::Mode;
use crate::sql::bind::{Binder, Typed};
use crate::sql::catalog::{DynamicForm, TableEntry, TableForm};
use crate::sql::dml::{overwrite, wrong_count};
use crate::sql::error::{compilation, unsupported};
use crate::sql::request::SqlRequest;
use crate::sql::session::SqlSession;
use crate::sql::{names, parse};

/// `TABLE [IF NOT EXISTS] name options AS query`, behind CREATE DYNAMIC.
pub(super) fn create(
    session: &mut SqlSession,
    request: &SqlRequest,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<String, SqlError> {
    parse::expect(parser, &["TABLE"])?;
    if modifiers.is_temporary || modifiers.is_transient {
        return Err(unsupported("a transient or temporary dynamic table"));
    }
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let parts = parse::name(parser)?;
    let (mut target_lag, mut warehouse) = (None, None);
    for (key, value) in parse::options(parser)? {
        match (key.as_str(), value.as_str()) {
            ("TARGET_LAG", _) => target_lag = Some(value),
            ("WAREHOUSE", _) => warehouse = Some(value),
            ("REFRESH_MODE", "AUTO" | "FULL") | ("INITIALIZE", "ON_CREATE") => {}
            _ => return Err(unsupported(format!("{key} = {value} of a dynamic table"))),
        }
    }
    let (Some(target_lag), Some(warehouse)) = (target_lag, warehouse) else {
        return Err(compilation("001003", "42000", "a dynamic table needs a TARGET_LAG and a WAREHOUSE"));
    };
    parse::expect(parser, &["AS"])?;
    let query = view::query_text(request, parser).to_owned();
    let or_replace = if modifiers.or_replace { "OR REPLACE " } else { "" };
    let if_not_exists = if if_not_exists { "IF NOT EXISTS " } else { "" };
    let name = names::display_path(&parts);
    let filled = SqlRequest {
        text: format!("CREATE {or_replace}TABLE {if_not_exists}{name} AS {query}"),
        ..request.clone()
    };
    let form = DynamicForm { query, target_lag, warehouse, text: request.text.clone() };
    create_table::execute_as(session, &filled, TableForm::Dynamic(form))
}

/// `TABLE name REFRESH`, behind ALTER DYNAMIC.
pub(super) fn alter(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    parse::expect(parser, &["TABLE"])?;
    let parts = parse::name(parser)?;
    parse::expect(parser, &["REFRESH"])?;
    parse::end(parser)?;
    let path = session.state.qualify_table(&parts)?;
    let (path, entry) = session.state.table(path, &names::display_path(&parts), "OWNERSHIP")?;
    let Some(form) = entry.dynamic() else {
        return Err(compilation("002037", "42601", "the object is not a dynamic table"));
    };
    let bindings = BTreeMap::new();
    let binder = Binder::new(&session.state, &bindings);
    binder.needs_compute.set(true);
    binder.path.replace((Some(path[0].clone()), Some(path[1].clone())));
    let select = rows(&binder, form, &entry)?;
    session.check_compute(&binder)?;
    let versions = session.begin_write(&path, &entry, true)?;
    let changed = overwrite(session, &entry, &versions, &select);
    session.end_write(entry.id, changed)?;
    Ok("Statement executed successfully.".to_owned())
}

/// What the table's query gives now, in the table's types.
fn rows(binder: &Binder<'_>, form: &DynamicForm, entry: &TableEntry) -> Result<String, SqlError> {
    let query = view::parse_query(&form.query)?;
    let bound = binder.top_query(&query)?;
    if bound.columns.len() != entry.columns.len() {
        return Err(wrong_count(entry.columns.len(), bound.columns.len()));
    }
    let name = binder.relation_name();
    let values = bound.columns.iter().enumerate().zip(&entry.columns).map(|((place, output), column)| {
        let value = Typed::new(format!("{name}.c{}", place + 1), output.ty.clone());
        Ok(binder.cast(value, &column.ty, Mode::Assign)?.sql)
    });
    let values = values.collect::<Result<Vec<_>, SqlError>>()?;
    Ok(format!("SELECT {} FROM ({}) AS {name}", values.join(", "), bound.sql))
}
