//! `snowferry errors`: what an error means, who acts on it and what to do, without a network.

use catalogue::Page;
use clap::Args;
use model::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use snowflake::CodeMeaning;

use crate::output::{Terminal, print_line, text_table};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry errors
  snowferry errors grant_missing
  snowferry errors 390144")]
pub(crate) struct ErrorsCommand {
    /// A code from the brackets of `error[…]`, or one of Snowflake's own; a list of ours where absent
    code: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ErrorsCommand {
    pub(crate) fn run(&self, terminal: &Terminal) -> Result<()> {
        let Some(code) = self.code.as_deref().map(str::trim) else { return self.list() };
        if let Some(page) = catalogue::page(code) {
            return print_line(&match self.json {
                true => format!("{:#}", page_json(&page)),
                false => page.text().trim_end().to_owned(),
            });
        }
        match snowflake::meaning_of_code(code) {
            Some(meaning) => print_line(&self.snowflakes(terminal, code, meaning)),
            None => Err(unknown(code)),
        }
    }

    fn list(&self) -> Result<()> {
        if self.json {
            let pages: Vec<Value> = catalogue::pages().map(|page| page_json(&page)).collect();
            return print_line(&format!("{:#}", Value::Array(pages)));
        }
        let rows = catalogue::pages().map(|page| {
            vec![page.code().to_owned(), page.owner().as_str().to_owned(), page.meaning().to_owned()]
        });
        print_line(&text_table(&["code", "who acts", "meaning"], rows))
    }

    fn snowflakes(&self, terminal: &Terminal, code: &str, meaning: CodeMeaning) -> String {
        let lifted = connectors::snowflake::code_of(meaning.kind);
        let page = catalogue::page(lifted);
        let owner = page.map(|page| page.owner().as_str());
        let remedy = meaning.remedy.or(page.as_ref().map(Page::remedy)).unwrap_or_default();
        if self.json {
            let document = json!({
                "snowflake_code": code,
                "code": lifted,
                "owner": owner,
                "is_retried": page.is_some_and(|page| page.is_retried()),
                "remedy": remedy,
            });
            return format!("{document:#}");
        }
        format!(
            "{}\n\nSnowflake's own code. Here it is an error of code {lifted}: see `snowferry errors {lifted}`.\n\n\
             * owner: {}\n\n## What to do\n\n{remedy}",
            terminal.bold(&format!("# {code}")),
            owner.unwrap_or_default()
        )
    }
}

fn page_json(page: &Page) -> Value {
    json!({
        "code": page.code(),
        "kinds": page.kinds().into_iter().map(ErrorKind::as_str).collect::<Vec<_>>(),
        "owner": page.owner().as_str(),
        "is_retried": page.is_retried(),
        "meaning": page.meaning(),
        "remedy": page.remedy(),
    })
}

/// More than these would be a list.
const SIMILAR_MAX: usize = 5;

fn unknown(code: &str) -> Error {
    let word = code.to_lowercase().replace(['-', ' '], "_");
    let is_similar = |page: &Page| {
        !word.is_empty() && word.split('_').any(|part| part.len() > 3 && page.code().contains(part))
    };
    let similar: Vec<&str> =
        catalogue::pages().filter(is_similar).map(|page| page.code()).take(SIMILAR_MAX).collect();
    let shown: String = code.chars().take(40).collect();
    let error = Error::new(ErrorKind::NotFound, "error_unknown", format!("there is no error `{shown}`"));
    match similar.is_empty() {
        true => error.with_remedy("list all of them with `snowferry errors`"),
        false => error.with_remedy(format!("did you mean one of {}?", similar.join(", "))),
    }
}
