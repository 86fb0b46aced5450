//! `snowferry explain`: why the model says what it says of one person, company or deal.

use arrow_array::cast::AsArray;
use clap::{Args, ValueEnum};
use connectors::duckdb::{TenantFile, query, query_json};
use datasets::{NOTED_SQL, Section, Subject, noted};
use model::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::FileArgument;
use super::matching::unreadable;
use crate::output::{Terminal, print_line, table};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry explain -f acme/contacts.yaml person jo@acme.com
  snowferry explain -f acme/opportunities.yaml deal 0068d00000Abc --json")]
pub(crate) struct ExplainCommand {
    #[command(flatten)]
    file: FileArgument,

    /// What it is
    #[arg(value_enum)]
    kind: Kind,

    /// The e-mail address, the domain, or the id of the deal
    #[arg(value_name = "WHO")]
    who: String,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Person,
    Company,
    Deal,
}

impl ExplainCommand {
    pub(crate) fn run(&self, terminal: &Terminal) -> Result<()> {
        let file = self.file.read()?.tenant_file()?;
        let subject = self.subject()?;
        refuse_unknown(&file, &subject)?;
        let matchings = match &subject {
            Subject::Deal(_) => noted(&one_text(&file, NOTED_SQL)?).map_err(unreadable)?,
            _ => Vec::new(),
        };
        let sections = subject.sections(&matchings);
        if self.json {
            let parts =
                sections.iter().map(|section| part(&file, section)).collect::<Result<Vec<Value>>>()?;
            return print_line(&format!("{:#}", Value::Array(parts)));
        }
        sections.iter().try_for_each(|section| show(terminal, &file, section))
    }

    fn subject(&self) -> Result<Subject> {
        let (subject, what) = match self.kind {
            Kind::Person => (Subject::person(&self.who), "an e-mail address"),
            Kind::Company => (Subject::company(&self.who), "a domain"),
            Kind::Deal => (Some(Subject::Deal(self.who.clone())), "an id"),
        };
        subject.ok_or_else(|| {
            Error::config("identity_unreadable", format!("what is to be explained is not {what}"))
                .with_remedy("write `person jo@acme.com`, `company acme.com` or `deal ID`")
        })
    }
}

/// The first section is the subject itself.
fn refuse_unknown(file: &TenantFile, subject: &Subject) -> Result<()> {
    let views = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'model' AND view_name = 'stages'";
    if rows(file, views)?.is_empty() {
        let message = "there is no model yet that could be explained";
        return Err(Error::new(ErrorKind::NotFound, "model_missing", message)
            .with_remedy("run a pull of this tenant with a `dataset` first"));
    }
    match subject.sections(&[]).first().map(|section| rows(file, &section.sql)).transpose()? {
        Some(found) if !found.is_empty() => Ok(()),
        _ => Err(Error::new(
            ErrorKind::NotFound,
            "subject_unknown",
            "the model knows nobody and nothing of that name",
        )
        .with_remedy("look for rows that were left out: `snowferry query … 'from model.rejects'`")),
    }
}

fn show(terminal: &Terminal, file: &TenantFile, section: &Section) -> Result<()> {
    let found = query(file, &section.sql, usize::MAX)?;
    let is_empty = found.batches.iter().all(|batch| batch.num_rows() == 0);
    print_line(&format!("\n{}  {}", terminal.bold(section.title), terminal.dim(section.rule)))?;
    print_line(&if is_empty { "  nothing".to_owned() } else { table(&found.batches)? })
}

fn part(file: &TenantFile, section: &Section) -> Result<Value> {
    let found: Vec<Value> = rows(file, &section.sql)?
        .iter()
        .map(|text| serde_json::from_str(text))
        .collect::<Result<_, _>>()
        .map_err(|error| Error::internal("a row is no JSON").with_source(error))?;
    Ok(json!({ "title": section.title, "rule": section.rule, "rows": found }))
}

fn rows(file: &TenantFile, sql: &str) -> Result<Vec<String>> {
    let answer = query_json(file, sql, usize::MAX)?;
    let texts = |batch: &arrow_array::RecordBatch| -> Vec<String> {
        batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect()
    };
    Ok(answer.batches.iter().flat_map(texts).collect())
}

fn one_text(file: &TenantFile, sql: &str) -> Result<String> {
    let answer = query(file, sql, 1)?;
    let first = answer.batches.iter().find(|batch| batch.num_rows() > 0);
    Ok(first.map_or_else(|| "[]".to_owned(), |batch| batch.column(0).as_string::<i32>().value(0).to_owned()))
}
