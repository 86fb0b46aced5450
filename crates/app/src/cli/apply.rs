//! `snowferry apply`: makes the stored tenants, connections and syncs equal to files, and shows what differed.

use std::path::PathBuf;

use clap::Args;
use model::Result;
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};
use store::{ApplyOptions, Change, ChangeKind, FieldChange, FieldValues, Prune};

use super::state::{VaultArgument, actor};
use crate::config::read_folder;
use crate::output::{Terminal, print_line};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry apply -f customers --dry-run
  snowferry apply -f customers
  snowferry apply -f customers --prune

Secrets that the files refer to are read now and kept sealed under the master key; workers need the files no more.")]
pub(crate) struct ApplyCommand {
    /// The folder of the sync files; folders within it are read, too
    #[arg(short, long = "file", value_name = "FOLDER")]
    folder: PathBuf,

    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Remove stored syncs and close stored connections that are not among the files, unless that is most of them
    #[arg(long)]
    prune: bool,

    /// The same, even if it is all of them
    #[arg(long)]
    prune_all: bool,

    /// Print one JSON object for each difference
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    vault: VaultArgument,
}

impl ApplyCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let wanted = read_folder(&self.folder)?;
        let (store, vault) = self.vault.open().await?;
        let options = ApplyOptions {
            prune: match (self.prune_all, self.prune) {
                (true, _) => Prune::All,
                (false, true) => Prune::Guarded,
                (false, false) => Prune::Nothing,
            },
            is_dry_run: self.dry_run,
        };
        let changes = vault.apply(&wanted, options, &actor()).await;
        store.close().await;
        let changes = changes?;
        if self.json {
            return changes.iter().try_for_each(|change| print_line(&as_json(change).to_string()));
        }
        let difference = Difference { terminal };
        changes.iter().try_for_each(|change| print_line(&difference.text(change)))?;
        print_line(&self.summary(&changes))
    }

    fn summary(&self, changes: &[Change]) -> String {
        let count = |is: fn(&ChangeKind) -> bool| changes.iter().filter(|change| is(&change.kind)).count();
        if changes.is_empty() {
            return "nothing differs".to_owned();
        }
        format!(
            "{}{} added, {} changed, {} removed",
            if self.dry_run { "would be: " } else { "" },
            count(|kind| matches!(kind, ChangeKind::Added)),
            count(|kind| matches!(kind, ChangeKind::Changed(_))),
            count(|kind| matches!(kind, ChangeKind::Removed)),
        )
    }
}

/// Differences as a person reads them.
struct Difference<'a> {
    terminal: &'a Terminal,
}

impl Difference<'_> {
    fn text(&self, change: &Change) -> String {
        let line = |sign: &str| format!("{sign} {:<10} {}", change.object.as_str(), change.name);
        match &change.kind {
            ChangeKind::Added => self.terminal.green(&line("+")),
            ChangeKind::Removed => self.terminal.red(&line("-")),
            ChangeKind::Changed(fields) => {
                let fields = fields.iter().map(|field| self.field(field));
                std::iter::once(line("~")).chain(fields).collect::<Vec<_>>().join("\n")
            }
        }
    }

    fn field(&self, change: &FieldChange) -> String {
        match &change.values {
            FieldValues::Secret => format!("    {}: another secret", change.field),
            FieldValues::Shown { before, after } => self.lines(
                &change.field,
                before.as_deref().unwrap_or_default(),
                after.as_deref().unwrap_or_default(),
            ),
        }
    }

    /// A field of one line with its name; a file line by line, without the lines that stay.
    fn lines(&self, field: &str, before: &str, after: &str) -> String {
        if !before.contains('\n') && !after.contains('\n') {
            let shown = |text: &str| if text.is_empty() { "(nothing)".to_owned() } else { text.to_owned() };
            return format!("    {field}: {} -> {}", shown(before), shown(after));
        }
        let diff = TextDiff::from_lines(before, after);
        let changed = diff.iter_all_changes().filter_map(|change| {
            let text = change.value().trim_end_matches('\n');
            match change.tag() {
                ChangeTag::Delete => Some(self.terminal.red(&format!("    - {text}"))),
                ChangeTag::Insert => Some(self.terminal.green(&format!("    + {text}"))),
                ChangeTag::Equal => None,
            }
        });
        changed.collect::<Vec<_>>().join("\n")
    }
}

fn as_json(change: &Change) -> Value {
    let (what, fields) = match &change.kind {
        ChangeKind::Added => ("added", &[][..]),
        ChangeKind::Removed => ("removed", &[][..]),
        ChangeKind::Changed(fields) => ("changed", fields.as_slice()),
    };
    let field = |change: &FieldChange| match &change.values {
        FieldValues::Secret => json!({ "field": change.field, "is_secret": true }),
        FieldValues::Shown { before, after } => {
            json!({ "field": change.field, "before": before, "after": after })
        }
    };
    json!({
        "change": what,
        "object": change.object.as_str(),
        "name": change.name,
        "fields": fields.iter().map(field).collect::<Vec<_>>(),
    })
}
