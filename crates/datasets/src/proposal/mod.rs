//! A mapping proposed from the names, the types and some values of a table's columns, with how sure each part of it is.

mod dates;
mod names;
mod values;

use std::cmp::Reverse;

use arrow_array::RecordBatch;
use model::PlannedColumn;
use serde::Serialize;

use crate::contract::{Dataset, Field, Need};
use crate::mapping::InputColumns;

/// What a table's columns could become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    pub dataset: Dataset,
    /// The type of all rows of [`Dataset::Objects`].
    pub object_type: Option<String>,
    pub fields: Vec<ProposedField>,
    /// Fields that a mapping needs, and for which no column was found.
    pub missing: Vec<&'static str>,
}

/// A field and the column that it could be made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposedField {
    pub field: &'static str,
    pub need: &'static str,
    pub column: String,
    /// What a sync file says.
    pub expression: String,
    /// From 0 to 100: how well name and values fit.
    pub confidence: u8,
    pub because: String,
}

/// Rows of a sample: enough to see how values are written, and soon read.
pub const SAMPLE_ROWS: usize = 50;

/// Points that a field's own name is worth, another name of it, and a word that hints at it. Values are worth up to 40.
const OWN_NAME: u8 = 60;
const OTHER_NAME: u8 = 55;
const HINT: u8 = 25;
/// What a column has to reach to become a field that is needed, and one that is not.
const ENOUGH_NEEDED: u8 = 35;
const ENOUGH: u8 = 55;

/// How well a column's values fit a field.
struct Fit {
    points: u8,
    because: String,
    /// What reads the values; the column itself where absent.
    expression: Option<String>,
}

/// A column that could be a field, and how well it fits: the best first, then in the order of fields and of columns.
struct Candidate {
    points: u8,
    field_index: usize,
    column_index: usize,
    proposed: ProposedField,
}

/// Proposes which column becomes which field. `batches` hold some rows in the columns of `planned`.
pub fn propose(
    dataset: Dataset,
    object_type: Option<&str>,
    planned: &[PlannedColumn],
    batches: &[RecordBatch],
) -> Proposal {
    let columns = InputColumns::new(planned);
    let is_asked = |field: &&Field| field.name != "object_type" || object_type.is_none();
    let fields: Vec<&'static Field> = dataset.fields().iter().filter(is_asked).collect();
    let mut chosen = chosen(candidates(&fields, &columns, object_type, batches));
    if dataset != Dataset::Objects {
        fill_gaps(&mut chosen, &columns, batches);
    }
    let is_needed = |field: &&&Field| matches!(field.need, Need::Required | Need::RequiredColumn);
    let is_missing = |name: &&str| !chosen.iter().any(|proposed| proposed.field == *name);
    let missing = fields.iter().filter(is_needed).map(|field| field.name).filter(is_missing).collect();
    Proposal { dataset, object_type: object_type.map(str::to_owned), fields: chosen, missing }
}

fn candidates(
    fields: &[&'static Field],
    columns: &InputColumns,
    object_type: Option<&str>,
    batches: &[RecordBatch],
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (field_index, field) in fields.iter().enumerate() {
        for column in columns.iter() {
            let (name_points, name_says) = names::points(field, &column.snake_case, object_type);
            let Some(fit) = values::fit(field, column, batches) else { continue };
            let points = name_points + fit.points;
            if points < enough(field.need) || name_points == 0 && fit.points < ENOUGH_NEEDED {
                continue;
            }
            let because = [name_says, &fit.because].into_iter().filter(|part| !part.is_empty());
            let proposed = ProposedField {
                field: field.name,
                need: field.need.words(),
                column: column.name.clone(),
                expression: fit.expression.unwrap_or_else(|| written(&column.name)),
                confidence: points.min(100),
                because: because.collect::<Vec<_>>().join("; "),
            };
            candidates.push(Candidate { points, field_index, column_index: column.index, proposed });
        }
    }
    candidates
}

/// The best candidate for each field, in the order of fields; a column is one field at most.
fn chosen(mut candidates: Vec<Candidate>) -> Vec<ProposedField> {
    candidates.sort_by_key(|found| (Reverse(found.points), found.field_index, found.column_index));
    let mut chosen: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let is_taken = |other: &Candidate| {
            other.field_index == candidate.field_index || other.column_index == candidate.column_index
        };
        if !chosen.iter().any(is_taken) {
            chosen.push(candidate);
        }
    }
    chosen.sort_by_key(|found| found.field_index);
    chosen.into_iter().map(|found| found.proposed).collect()
}

/// Where the identity is empty in some rows, the company's domain stands in.
fn fill_gaps(chosen: &mut [ProposedField], columns: &InputColumns, batches: &[RecordBatch]) {
    let row_count = batches.iter().map(RecordBatch::num_rows).sum();
    let has_gaps = |name: &str| {
        columns.iter().any(|column| column.name == name && values::count(column, batches) < row_count)
    };
    let domain = chosen.iter().find(|proposed| proposed.field == "company_domain");
    let Some(domain) = domain.map(|proposed| written(&proposed.column)) else { return };
    for identity in chosen.iter_mut().filter(|proposed| proposed.field == "identity") {
        if has_gaps(&identity.column) {
            identity.expression = format!("{{ coalesce: [{}, {domain}] }}", identity.expression);
            identity.because.push_str("; the domain where it is empty");
        }
    }
}

impl Proposal {
    /// What a sync file says under `dataset`. Fields that are missing stand there as comments.
    pub fn yaml(&self) -> String {
        let mut lines = vec!["dataset:".to_owned(), format!("  {}:", self.dataset)];
        lines.extend(self.object_type.as_ref().map(|name| format!("    type: {}", written(name))));
        lines.extend(self.fields.iter().map(|field| format!("    {}: {}", field.field, field.expression)));
        lines.extend(self.missing.iter().map(|name| format!("    # {name}: COLUMN   # is needed")));
        if lines.len() == 2 {
            return format!("dataset: {}", self.dataset);
        }
        lines.join("\n")
    }
}

fn enough(need: Need) -> u8 {
    match need {
        Need::Required | Need::RequiredColumn => ENOUGH_NEEDED,
        Need::Recommended | Need::Optional => ENOUGH,
    }
}

/// A column's name as a mapping says it.
fn written(name: &str) -> String {
    /// What YAML takes for something else than a text.
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !WORDS.iter().any(|word| name.eq_ignore_ascii_case(word));
    if is_plain { name.to_owned() } else { format!("'{}'", name.replace('\'', "''")) }
}
