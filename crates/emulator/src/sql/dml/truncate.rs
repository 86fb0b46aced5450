//! TRUNCATE TABLE: a DELETE of everything, which a transaction can undo. It answers as DDL does: told that it were DML,
//! drivers would read its sentence as a number of rows.

use sqlparser::parser::Parser;

use crate::outcome::{DmlStats, Outcome, SqlError};
use crate::sql::ddl::DDL;
use crate::sql::listing::Listing;
use crate::sql::load::history::forget;
use crate::sql::run::{execute as run, execute_all};
use crate::sql::session::{SqlSession, listed};
use crate::sql::{names, parse};

pub(super) fn execute(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<Outcome, SqlError> {
    parse::expect(parser, &["TRUNCATE"])?;
    parse::accept(parser, &["TABLE"]);
    let if_exists = parse::accept(parser, &["IF", "EXISTS"]);
    let parts = parse::name(parser)?;
    parse::end(parser)?;
    let path = session.state.qualify_table(&parts)?;
    let (path, entry) = match session.state.table(path, &names::display_path(&parts), "TRUNCATE") {
        Err(failure) if if_exists && failure.code == "002003" => {
            return listed(DDL, Listing::status("Statement executed successfully."));
        }
        found => found?,
    };
    let versions = session.begin_write(&path, &entry, true)?;
    let changed = execute_all(&session.connection, &versions.end_all())
        .and_then(|()| run(&session.connection, &format!("DELETE FROM {}", entry.physical())));
    // Files that were loaded before may be loaded again.
    let changed = changed.and_then(|rows| forget(&session.connection, entry.id).map(|()| rows));
    let deleted = session.end_write(entry.id, changed)?;
    let outcome = listed(DDL, Listing::status("Statement executed successfully."))?;
    Ok(Outcome { stats: Some(DmlStats { deleted, ..DmlStats::default() }), ..outcome })
}
