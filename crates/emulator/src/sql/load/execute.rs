//! Running a COPY: which files it loads, their rows into the table, and what is remembered of them.

use sqlparser::parser::Parser;

use super::failure::Failure;
use super::files::{SourceFile, Wanted, find, open};
use super::history::{self, FirstError, LoadStatus, LoadedFile, LoadedInto};
use super::part::{Loader, Part, with_formats};
use super::query::resolve;
use super::reject::Reject;
use super::report::outcome;
use super::shape::{Scanned, scan};
use super::statement::{CopyInto, CopySource, OnError, parse};
use crate::outcome::{Outcome, SqlError};
use crate::sql::bind::{Binder, location_of};
use crate::sql::catalog::TableEntry;
use crate::sql::dml::named_failure;
use crate::sql::error::compilation;
use crate::sql::names;
use crate::sql::request::SqlRequest;
use crate::sql::run::{execute as run, execute_all};
use crate::sql::session::SqlSession;
use crate::sql::stage::{StageLocation, StageName, StagePrivilege, StageReference};
use crate::sql::travel::Versions;
use crate::stage::StageFile;

/// DuckDB's optimizer computes what stands twice in a statement before the `TRY` around it, which then catches nothing.
const UNOPTIMIZED: &str = "PRAGMA disable_optimizer";
const OPTIMIZED: &str = "PRAGMA enable_optimizer";

/// A COPY whose names are looked up.
struct Load<'c> {
    copy: &'c CopyInto,
    path: [String; 3],
    entry: TableEntry,
    stage: StageReference,
    location: String,
    format: super::format::FileFormat,
    files: Vec<StageFile>,
}

pub(crate) fn execute(
    session: &mut SqlSession,
    request: &SqlRequest,
    parser: &mut Parser<'_>,
) -> Result<Outcome, SqlError> {
    let copy = parse(parser, request)?;
    let load = resolved(session, &copy)?;
    let binder = Binder::new(&session.state, &request.bindings);
    binder.needs_compute.set(true);
    session.check_compute(&binder)?;
    let versions = session.begin_write(&load.path, &load.entry, false)?;
    let loaded = load
        .rows(session, request, &versions)
        .map_err(|failure| named_failure(failure, &load.path, &load.entry));
    let changed = loaded.as_ref().map(|files| files.iter().map(|file| file.rows_loaded).sum());
    session.end_write(load.entry.id, changed.map_err(Clone::clone))?;
    let files = loaded?;
    if copy.purges {
        load.purge(session, &files);
    }
    outcome(&files, copy.returns_failed_only)
}

fn resolved<'c>(session: &SqlSession, copy: &'c CopyInto) -> Result<Load<'c>, SqlError> {
    let state = &session.state;
    let path = state.qualify_table(&copy.table)?;
    let (path, entry) = state.table(path, &names::display_path(&copy.table), "INSERT")?;
    let location = match &copy.source {
        CopySource::Table => StageLocation { name: StageName::Table(path.to_vec()), path: String::new() },
        CopySource::Location(text) => StageLocation::parse(text)?,
        CopySource::Query(query) => StageLocation::parse(&location_of(query)?)?,
    };
    if let (CopySource::Query(_), StageName::Table(_)) = (&copy.source, &location.name) {
        return Err(compilation(
            "002099",
            "0A000",
            "COPY with a query reads user and named stages, not table stages.",
        ));
    }
    if copy.purges {
        state.stage(&location, StagePrivilege::Write)?;
    }
    let wanted = Wanted {
        files: copy.files.as_deref(),
        pattern: copy.pattern.as_deref(),
        must_exist: copy.on_error == OnError::AbortStatement,
    };
    let found = find(state, &location, StagePrivilege::Read, wanted)?;
    let format = resolve(state, copy.format.clone(), &found.stage)?;
    if format.is_vectorized() && copy.on_error == OnError::Continue {
        return Err(compilation(
            "001420",
            "0A000",
            "ON_ERROR = CONTINUE is not supported with USE_VECTORIZED_SCANNER = TRUE: use ABORT_STATEMENT or SKIP_FILE.",
        ));
    }
    let shown = found.stage.listed(&location.path);
    Ok(Load { copy, path, entry, stage: found.stage, location: shown, format, files: found.files })
}

impl Load<'_> {
    /// Loads the rows and remembers the files.
    fn rows(
        &self,
        session: &SqlSession,
        request: &SqlRequest,
        versions: &Versions,
    ) -> Result<Vec<LoadedFile>, SqlError> {
        let stage = self.stage.id().folder();
        let (fresh, mut files) = self.fresh(session, &stage)?;
        let reader = session.database.connect()?;
        execute_all(&reader, UNOPTIMIZED)?;
        let binder = Binder::new(&session.state, &request.bindings);
        let state = with_formats(&session.state, &self.format)?;
        let assigning = Binder::new(&state, &request.bindings);
        let loader = Loader { binder: &binder, assigning: &assigning, copy: self.copy, entry: &self.entry };
        let scanned = scan(&reader, fresh, &self.format, loader.expected_fields(&self.format)?)?;
        let parts = scanned.sources.iter().map(|source| loader.part(source));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let target = Target { session, reader: &reader, load: self, versions };
        files.extend(target.load(&parts, &scanned)?);
        let into = LoadedInto {
            table: self.entry.id,
            stage: &stage,
            location: &self.location,
            now: session.state.now,
        };
        history::remember(&session.connection, into, &files)?;
        Ok(files)
    }

    /// The files that are not in the table yet, up to the size limit, and those that are.
    fn fresh(
        &self,
        session: &SqlSession,
        stage: &str,
    ) -> Result<(Vec<SourceFile>, Vec<LoadedFile>), SqlError> {
        let known = if self.copy.is_forced {
            std::collections::BTreeSet::new()
        } else {
            history::loaded(&session.connection, self.entry.id, stage, session.state.now)?
        };
        let (mut fresh, mut skipped, mut size) = (Vec::new(), Vec::new(), 0);
        for file in &self.files {
            if known.contains(&(file.name.clone(), file.etag.clone())) {
                skipped.push(self.skipped(file));
            } else if self.copy.size_limit.is_none_or(|limit| size <= limit) {
                size += file.size;
                fresh.push(open(&session.state, &self.stage, file)?);
            }
        }
        Ok((fresh, skipped))
    }

    fn skipped(&self, file: &StageFile) -> LoadedFile {
        LoadedFile {
            shown: self.stage.listed(&file.name),
            name: file.name.clone(),
            etag: file.etag.clone(),
            size: file.size,
            status: LoadStatus::Skipped,
            rows_parsed: 0,
            rows_loaded: 0,
            error_limit: 0,
            errors_seen: 1,
            first_error: None,
        }
    }

    /// Removes the files that are wholly in the table; one that stays is no error.
    fn purge(&self, session: &SqlSession, files: &[LoadedFile]) {
        for file in files.iter().filter(|file| file.status == LoadStatus::Loaded) {
            let removed = session.database.stages().remove(&self.stage.id(), &file.name);
            if let Err(failure) = removed {
                tracing::debug!(%failure, "a loaded file stays in its stage");
            }
        }
    }
}

/// Where parts are loaded, and a connection that reads files outside the session's transaction, which an error would
/// end.
struct Target<'t> {
    session: &'t SqlSession,
    reader: &'t duckdb::Connection,
    load: &'t Load<'t>,
    versions: &'t Versions,
}

impl Target<'_> {
    fn load(&self, parts: &[Part<'_>], scanned: &Scanned) -> Result<Vec<LoadedFile>, SqlError> {
        let on_error = self.load.copy.on_error;
        if on_error == OnError::AbortStatement {
            self.all_or_nothing(parts, scanned)?;
            let loaded = scanned.files.iter().map(|read| whole(&read.file, read.rows_parsed));
            return Ok(loaded.collect());
        }
        let mut files = Vec::new();
        for part in parts {
            files.extend(self.part(part, scanned, on_error)?);
        }
        Ok(files)
    }

    fn all_or_nothing(&self, parts: &[Part<'_>], scanned: &Scanned) -> Result<(), SqlError> {
        let has_rejects = scanned.files.iter().any(|read| !read.rejects.is_empty());
        // Inside a transaction nothing may fail that DuckDB gives the transaction up for.
        if has_rejects || self.session.transaction.is_open {
            self.check(parts, scanned)?;
        }
        let selects: Vec<String> = parts.iter().map(|part| self.select(part, "TRUE")).collect();
        if selects.is_empty() {
            return Ok(());
        }
        let inserted = self.insert(&selects.join(" UNION ALL "));
        match inserted {
            Ok(()) => Ok(()),
            Err(failure) => {
                self.check(parts, scanned)?;
                Err(failure)
            }
        }
    }

    /// Fails with the first record that cannot be loaded.
    fn check(&self, parts: &[Part<'_>], scanned: &Scanned) -> Result<(), SqlError> {
        for part in parts {
            let bad = part.count_bad(self.reader, &self.load.entry)?;
            for (file, bad) in part.source.files.iter().zip(bad) {
                match self.first_error(part, file, bad, scanned)? {
                    None => {}
                    Some(FirstBad::Record(reject)) => return Err(reject.into_error(&file.shown)),
                    Some(FirstBad::Value(failure)) => {
                        return Err(failure.into_error(&self.load.path[2], file));
                    }
                }
            }
        }
        Ok(())
    }

    /// The first record of a file that cannot be read, or the first value that cannot be loaded.
    fn first_error(
        &self,
        part: &Part<'_>,
        file: &SourceFile,
        bad: u64,
        scanned: &Scanned,
    ) -> Result<Option<FirstBad>, SqlError> {
        let reject = scanned.found(file).and_then(|read| read.rejects.first());
        let failure = if bad > 0 { part.first_failure(self.reader, &self.load.entry, file)? } else { None };
        Ok(match (reject, failure) {
            (Some(reject), Some(failure)) if failure.row < reject.row => Some(FirstBad::Value(failure)),
            (Some(reject), _) => Some(FirstBad::Record(reject.clone())),
            (None, failure) => failure.map(FirstBad::Value),
        })
    }

    /// Loads what can be loaded of a part's files: single rows, or whole files.
    fn part(
        &self,
        part: &Part<'_>,
        scanned: &Scanned,
        on_error: OnError,
    ) -> Result<Vec<LoadedFile>, SqlError> {
        let entry = &self.load.entry;
        let bad = part.count_bad(self.reader, entry)?;
        let mut files = Vec::new();
        let mut left_out = Vec::new();
        for (file, bad) in part.source.files.iter().zip(bad) {
            let error = self
                .first_error(part, file, bad, scanned)?
                .map(|bad| bad.into_first_error(&self.load.path[2]));
            let read = scanned.found(file);
            let bad = bad + read.map_or(0, |read| read.rejects.len() as u64);
            if bad > 0 && on_error == OnError::SkipFile {
                left_out.push(file.path());
            }
            files.push(self.reported(file, read.map_or(0, |read| read.rows_parsed), bad, error));
        }
        let condition = match (on_error, part.bad_rows(entry)) {
            (OnError::SkipFile, _) if left_out.is_empty() => "TRUE".to_owned(),
            (OnError::SkipFile, _) => format!("{} NOT IN ({})", part.relation.path, left_out.join(", ")),
            (_, Some(bad)) => format!("NOT {bad}"),
            (_, None) => "TRUE".to_owned(),
        };
        let connection = &self.session.connection;
        execute_all(connection, UNOPTIMIZED)?;
        let inserted = self.insert(&self.select(part, &condition));
        execute_all(connection, OPTIMIZED)?;
        inserted.map(|()| files)
    }

    fn reported(
        &self,
        file: &SourceFile,
        parsed: u64,
        bad: u64,
        first_error: Option<FirstError>,
    ) -> LoadedFile {
        let is_skipping = self.load.copy.on_error == OnError::SkipFile;
        let (status, rows_loaded) = match bad {
            0 => (LoadStatus::Loaded, parsed),
            _ if is_skipping || bad >= parsed => (LoadStatus::Failed, 0),
            _ => (LoadStatus::PartiallyLoaded, parsed - bad),
        };
        LoadedFile {
            status,
            rows_loaded,
            error_limit: if is_skipping { 1 } else { parsed },
            errors_seen: bad,
            first_error,
            ..whole(file, parsed)
        }
    }

    fn select(&self, part: &Part<'_>, condition: &str) -> String {
        let values: Vec<&str> = part.values.iter().map(|value| value.sql.as_str()).collect();
        format!("SELECT {} FROM {} WHERE {condition}", values.join(", "), part.relation.from)
    }

    fn insert(&self, select: &str) -> Result<(), SqlError> {
        let sql = self.versions.insert(select);
        tracing::trace!(%sql, "copy");
        run(&self.session.connection, &sql).map(|_| ())
    }
}

/// What is first wrong with a file.
enum FirstBad {
    Record(Reject),
    Value(Failure),
}

impl FirstBad {
    fn into_first_error(self, table: &str) -> FirstError {
        match self {
            FirstBad::Record(reject) => reject.into_first_error(),
            FirstBad::Value(failure) => failure.into_first_error(table),
        }
    }
}

/// A file that is loaded from its first row to its last.
fn whole(file: &SourceFile, rows: u64) -> LoadedFile {
    LoadedFile {
        shown: file.shown.clone(),
        name: file.name.clone(),
        etag: file.etag.clone(),
        size: file.size,
        status: LoadStatus::Loaded,
        rows_parsed: rows,
        rows_loaded: rows,
        error_limit: 1,
        errors_seen: 0,
        first_error: None,
    }
}
