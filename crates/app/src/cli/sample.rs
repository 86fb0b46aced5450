//! `snowferry sample`: what rows of a table would become, and the sync file that makes them so.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use clap::Args;
use clap::builder::PossibleValuesParser;
use connectors::snowflake::SnowflakeSource;
use datasets::{
    Context, Dataset, DatasetChoice, DatasetConfig, Mapped, Mapping, Proposal, SAMPLE_ROWS, Stamps, propose,
};
use model::{Advice, Error, ProfileBounds, ProfilePlan, Result, Source, StreamName, StreamPlan, TableName};

use super::FileArgument;
use super::discover::read_block;
use crate::asked::{Asked, ask, quoted_table};
use crate::assemble;
use crate::config::{QualifiedTable, SyncFile};
use crate::output::{Terminal, print_line, table, text_table};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry sample -f acme/opportunities.yaml CRM.SALES.ACTIVITY --as custom_actions
  snowferry sample -f acme/opportunities.yaml CRM.SALES.OPPORTUNITIES --as objects --type deal --write acme/deals.yaml

The file says where to log in. The new one takes its tenant, source and destination from it.")]
pub(crate) struct SampleCommand {
    #[command(flatten)]
    file: FileArgument,

    /// The table or view
    table: String,

    /// The dataset that its rows are to become
    #[arg(long = "as", value_name = "DATASET", value_parser = PossibleValuesParser::new(Dataset::ALL.map(Dataset::name)))]
    dataset: String,

    /// For objects, the type of all rows, such as deal
    #[arg(long = "type", value_name = "TYPE")]
    object_type: Option<String>,

    /// Write the sync file here
    #[arg(long, value_name = "PATH")]
    write: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Rows of the sample that are shown.
const SHOWN_MAX: usize = 5;

impl SampleCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let file = self.file.read()?;
        let (table, dataset) = self.checked(&file)?;
        if let Some(path) = self.write.as_ref().filter(|path| path.exists()) {
            let message = format!("{} exists already", path.display());
            return Err(
                Error::config("sync_file_exists", message).with_remedy("give another path with --write")
            );
        }
        let source = assemble::snowflake_source(&file)?;
        let sampled = sample(&source, &table).await;
        source.close().await;
        let sampled = sampled?;
        let proposal = propose(dataset, self.object_type.as_deref(), &sampled.plan.columns, &sampled.batches);
        let tried = tried(&proposal, &sampled, &table);
        if self.json {
            return print_line(&format!("{:#}", json(&proposal, &sampled, &tried)));
        }
        print_line(&text(terminal, &table, &sampled, &proposal))?;
        match &tried {
            Ok(tried) => print_line(&preview(terminal, tried)?)?,
            Err(error) => print_line(&format!("\nit would be refused as it is: {}", error.message()))?,
        }
        let document = document(&file, &table, &sampled, &proposal)?;
        match &self.write {
            None => print_line(&format!(
                "\n{}\n{}",
                terminal.bold("For the sync file"),
                block(&sampled, &proposal)
            ))?,
            Some(path) => {
                write(path, &document)?;
                print_line(&format!("\nwritten: {}", path.display()))?;
            }
        }
        tried.map(drop)
    }

    fn checked(&self, file: &SyncFile) -> Result<(TableName, Dataset)> {
        if file.push().is_some() {
            let message = format!("sample looks at tables of Snowflake, and {} is a push", file.name());
            return Err(Error::config("flag_misplaced", message).with_remedy("give the file of a pull"));
        }
        let dataset = Dataset::ALL.into_iter().find(|dataset| dataset.name() == self.dataset);
        let dataset =
            dataset.ok_or_else(|| Error::internal("the command line took a dataset that there is not"))?;
        if self.object_type.is_some() && dataset != Dataset::Objects {
            return Err(Error::config("flag_misplaced", "--type is for objects")
                .with_remedy("leave it out, or write `--as objects`"));
        }
        let QualifiedTable(table) = QualifiedTable::try_from(self.table.clone()).map_err(|message| {
            Error::config("name_invalid", message).with_remedy(
                "write DATABASE.SCHEMA.TABLE, and quote what is not a plain word, as in '\"odd name\"'",
            )
        })?;
        Ok((table, dataset))
    }
}

/// Some rows of a table, and how it would best be read.
struct Sampled {
    plan: StreamPlan,
    batches: Vec<RecordBatch>,
    read: String,
}

impl Sampled {
    fn row_count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

async fn sample(source: &SnowflakeSource, table: &TableName) -> Result<Sampled> {
    let sql = format!("SELECT * FROM {} LIMIT {SAMPLE_ROWS}", quoted_table(table));
    let Asked { plan, batches } = ask(source, "sample", sql).await?;
    let described = source.describe(&StreamName::Table(table.clone())).await?;
    let profile = source.profile(&ProfilePlan::of_candidates(&described, ProfileBounds::default())).await?;
    Ok(Sampled { plan, batches, read: read_block(&Advice::of(&profile)) })
}

/// The proposed mapping, and what it makes of the sample.
struct Tried {
    mapping: Mapping,
    mapped: Vec<Mapped>,
}

fn tried(proposal: &Proposal, sampled: &Sampled, table: &TableName) -> Result<Tried> {
    let context = Context {
        stream_name: table.table.to_lowercase(),
        namespace: "imports.sample".to_owned(),
        ..Context::default()
    };
    let mapping = Mapping::compile(&config(proposal)?, &sampled.plan.columns, &context)?;
    let stamps = Stamps::default();
    let mapped = sampled.batches.iter().map(|rows| mapping.map(rows, &stamps)).collect::<Result<_>>()?;
    Ok(Tried { mapping, mapped })
}

/// The mapping as the sync file will say it, read as it will be read.
fn config(proposal: &Proposal) -> Result<DatasetConfig> {
    #[derive(serde::Deserialize)]
    struct Written {
        dataset: DatasetChoice,
    }
    let written: Written = serde_saphyr::from_str(&proposal.yaml())
        .map_err(|error| Error::internal(format!("the proposal cannot be read: {error}")))?;
    written.dataset.0.ok_or_else(|| Error::internal("the proposal is no dataset"))
}

fn text(terminal: &Terminal, table: &TableName, sampled: &Sampled, proposal: &Proposal) -> String {
    let rows = proposal.fields.iter().map(|field| {
        vec![
            field.field.to_owned(),
            field.need.to_owned(),
            field.expression.clone(),
            format!("{} %", field.confidence),
            field.because.clone(),
        ]
    });
    let fields = text_table(&["field", "need", "made from", "confidence", "because"], rows);
    let missing = match proposal.missing[..] {
        [] => String::new(),
        ref names => format!("\nno column was found for {}", names.join(", ")),
    };
    format!(
        "{}: {} rows of {} columns\n{fields}{missing}",
        terminal.bold(&table.to_string()),
        sampled.row_count(),
        sampled.plan.columns.len()
    )
}

fn preview(terminal: &Terminal, tried: &Tried) -> Result<String> {
    let report = tried.mapping.report();
    let names = |properties: &[(String, String)]| {
        let names: Vec<&str> = properties.iter().map(|(name, _)| name.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let mut parts = vec![format!("\nproperties: {}", names(&report.properties))];
    if !report.company_properties.is_empty() {
        parts.push(format!("company properties: {}", names(&report.company_properties)));
    }
    if !report.skipped.is_empty() {
        parts.push(format!("left out: {}", report.skipped.join(", ")));
    }
    let shown = tried.mapped.iter().find_map(|mapped| telling(&mapped.rows)).unwrap_or_default();
    if !shown.is_empty() {
        parts.push(format!("\n{}\n{}", terminal.bold("What rows would become"), table(&shown)?));
    }
    let row_count: usize = tried.mapped.iter().map(|mapped| mapped.rows.num_rows()).sum();
    let rejects: Vec<Vec<String>> = (tried.mapped.iter().flat_map(|mapped| &mapped.rejects))
        .map(|reject| {
            vec![
                reject.row_count.to_string(),
                reject.reason.to_string(),
                reject.column.clone(),
                reject.reason.meaning().to_owned(),
            ]
        })
        .collect();
    parts.push(match rejects.is_empty() {
        true => format!("none of the {row_count} rows would be rejected"),
        false => format!(
            "\n{}\n{}",
            terminal.bold("What would be rejected"),
            text_table(&["rows", "reason", "field", "what it says"], rejects)
        ),
    });
    Ok(parts.join("\n"))
}

/// Columns of mapped rows that say nothing which others do not, or are of interest to nobody yet.
const UNTOLD: [&str; 4] = ["identity_kind", "email", "action_type", "added_at"];

/// The first rows that were taken, each by itself, in the columns that say something of them.
fn telling(rows: &RecordBatch) -> Option<Vec<RecordBatch>> {
    let reasons = rows.column_by_name("_reject_reason")?;
    let taken: Vec<usize> =
        (0..rows.num_rows()).filter(|row| reasons.is_null(*row)).take(SHOWN_MAX).collect();
    let says_something = |index: &usize| {
        let (schema, values) = (rows.schema(), rows.column(*index));
        let name = schema.field(*index).name();
        let has_text = |row: &usize| match values.as_string_opt::<i32>() {
            Some(texts) => texts.is_valid(*row) && texts.value(*row) != "{}",
            None => values.is_valid(*row),
        };
        !name.starts_with('_') && !UNTOLD.contains(&name.as_str()) && taken.iter().any(has_text)
    };
    let columns: Vec<usize> = (0..rows.num_columns()).filter(says_something).collect();
    let told = rows.project(&columns).ok()?;
    let shown: Vec<RecordBatch> = taken.iter().map(|row| told.slice(*row, 1)).collect();
    (!shown.is_empty()).then_some(shown)
}

/// What the sync file says of the table.
fn block(sampled: &Sampled, proposal: &Proposal) -> String {
    format!("{}\n{}", sampled.read, proposal.yaml())
}

/// A whole sync file: where to log in as the given one says it, and the table.
fn document(file: &SyncFile, table: &TableName, sampled: &Sampled, proposal: &Proposal) -> Result<String> {
    let log_in = file.sections(&["tenant", "source", "destination"])?;
    let quoted = table.to_string().replace('\'', "''");
    let stream = if quoted.contains(['"', ' ', '#', ':']) { format!("'{quoted}'") } else { quoted };
    Ok(format!("{log_in}stream: {stream}\n{}\n", block(sampled, proposal)))
}

fn write(path: &Path, document: &str) -> Result<()> {
    std::fs::write(path, document).map_err(|error| {
        Error::config("folder_unusable", format!("{} cannot be written: {error}", path.display()))
            .with_remedy("choose another path with --write")
    })
}

fn json(proposal: &Proposal, sampled: &Sampled, tried: &Result<Tried>) -> serde_json::Value {
    let rejects = |tried: &Tried| -> Vec<serde_json::Value> {
        let rejects = tried.mapped.iter().flat_map(|mapped| &mapped.rejects);
        rejects.map(|reject| serde_json::json!(reject)).collect()
    };
    serde_json::json!({
        "proposal": proposal,
        "rows": sampled.row_count(),
        "rejected": tried.as_ref().ok().map(rejects),
        "refused": tried.as_ref().err().map(Error::message),
        "yaml": block(sampled, proposal),
    })
}
