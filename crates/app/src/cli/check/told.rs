//! The steps of a check as they are told: a line each for people, an object each for programs.

use connectors::snowflake::access::{Finding, Step, StepOutcome};
use model::{Error, Owner, Result};
use serde_json::{Value, json};

use crate::output::{Terminal, print_line};

/// Tells steps, and remembers what failed.
pub(super) struct Told<'a> {
    terminal: &'a Terminal,
    is_json: bool,
    passed: usize,
    noted: usize,
    failures: Vec<Error>,
    /// What became of writing; a closed pipe must not stop the check in the middle of an account.
    written: Result<()>,
}

impl<'a> Told<'a> {
    pub(super) fn new(terminal: &'a Terminal, is_json: bool) -> Self {
        Self { terminal, is_json, passed: 0, noted: 0, failures: Vec::new(), written: Ok(()) }
    }

    pub(super) fn has_failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// A step of our own side, by its title.
    pub(super) fn passed(&mut self, title: &str, subject: &str) {
        self.passed += 1;
        self.tell(&self.terminal.green("ok  "), title, subject, "passed", None);
    }

    /// A step of our own side that could not be looked at.
    pub(super) fn skipped(&mut self, title: &str, subject: &str) {
        self.tell(&self.terminal.dim("-   "), title, subject, "skipped", None);
    }

    /// A step of our own side that failed, or gives what it brought.
    pub(super) fn step<T>(&mut self, title: &str, result: Result<T>) -> Option<T> {
        match result {
            Ok(brought) => Some(brought),
            Err(error) => {
                self.failed(title, "", Finding::of(error));
                None
            }
        }
    }

    /// A step in the account.
    pub(super) fn account(&mut self, step: Step) {
        let (title, subject) = (step.name.title(), step.subject);
        match step.outcome {
            StepOutcome::Passed => self.passed(title, &subject),
            StepOutcome::Skipped => self.skipped(title, &subject),
            StepOutcome::Failed(finding) => self.failed(title, &subject, finding),
            StepOutcome::Noted(finding) => {
                self.noted += 1;
                self.tell(&self.terminal.bold("note"), title, &subject, "noted", Some(&finding));
            }
        }
    }

    fn failed(&mut self, title: &str, subject: &str, finding: Finding) {
        self.tell(&self.terminal.red("fail"), title, subject, "failed", Some(&finding));
        self.failures.push(finding.error);
    }

    fn tell(&mut self, mark: &str, title: &str, subject: &str, outcome: &str, finding: Option<&Finding>) {
        let text = match self.is_json {
            true => step_json(title, subject, outcome, finding).to_string(),
            false => step_text(mark, title, subject, finding),
        };
        if self.written.is_ok() {
            self.written = print_line(&text);
        }
    }

    /// The end: how many steps went how, and the first failure as the error of the whole.
    pub(super) fn end(self) -> Result<()> {
        self.written?;
        let failed = self.failures.len();
        if self.is_json {
            let (passed, noted) = (self.passed, self.noted);
            let event = json!({ "event": "checked", "passed": passed, "failed": failed, "noted": noted });
            print_line(&event.to_string())?;
        }
        match self.failures.into_iter().next() {
            None => Ok(()),
            Some(only) if failed == 1 => Err(only),
            Some(first) => Err(first.while_doing(format_args!("{failed} steps failed; the first"))),
        }
    }
}

fn step_text(mark: &str, title: &str, subject: &str, finding: Option<&Finding>) -> String {
    let mut text = format!("{mark} {title:<18} {subject}").trim_end().to_owned();
    let Some(Finding { error, owner, sql }) = finding else { return text };
    text.push_str(&format!("\n       {}", error.message()));
    let who = match owner {
        Owner::Operator => "you",
        Owner::Customer => "the customer",
        Owner::Snowflake => "Snowflake",
        Owner::Us => "us, the makers of this program",
    };
    text.push_str(&format!("\n       to be mended by {who}"));
    match error.remedy() {
        Some(remedy) if sql.is_empty() => text.push_str(&format!(": {remedy}")),
        _ => text.push(':'),
    }
    for statement in sql {
        text.push_str(&format!("\n         {}", statement.replace('\n', "\n         ")));
    }
    text.trim_end_matches(':').to_owned()
}

fn step_json(title: &str, subject: &str, outcome: &str, finding: Option<&Finding>) -> Value {
    let step = title.to_lowercase().replace([' ', '-'], "_");
    let mut event = json!({ "event": "step", "step": step, "outcome": outcome, "subject": subject });
    if let Some(Finding { error, owner, sql }) = finding {
        event["code"] = json!(error.code());
        event["kind"] = json!(error.kind().as_str());
        event["owner"] = json!(owner.as_str());
        event["message"] = json!(error.message());
        event["remedy"] = json!(error.remedy());
        event["sql"] = json!(sql);
    }
    event
}
