//! A plan's columns beside the columns of the live table.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use model::{Error, PlannedColumn, Publish, Result, StreamPlan};
use snowflake::Identifier;

use super::decision::Decision;
use super::form::Form;
use super::names::{NameMatch, match_name};
use super::route::{Load, Route};
use super::scan::{Findings, Scan};
use super::{Rule, TargetColumn, Verdict};

/// Where each planned column goes and whether it may.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The planned columns in their order, then the table's columns that nothing is sent to.
    pub columns: Vec<ColumnMapping>,
    sent: Vec<SentColumn>,
    /// The delete flag, where the table has no such column, is the last of the sent.
    is_flag_extra: bool,
    input_column_count: usize,
    file_schema: SchemaRef,
}

/// One planned column, one column of the table, or the two of them.
#[derive(Clone, Debug)]
pub struct ColumnMapping {
    pub planned: Option<PlannedColumn>,
    pub target: Option<TargetColumn>,
    pub verdict: Verdict,
    /// Which rules are checked, why it is refused, or what becomes of a column that nothing is sent to.
    pub note: String,
}

/// A value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The row within the batch.
    pub row: usize,
    /// The table's column.
    pub column: String,
    pub rule: &'static str,
}

/// How many values of a column were changed to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedValues {
    /// The table's column.
    pub column: String,
    pub row_count: u64,
}

/// A column of the file.
#[derive(Clone, Debug)]
struct SentColumn {
    /// The name at the destination as planned.
    planned: String,
    /// The table's column, or the planned name where the table has none.
    name: String,
    /// The batch's columns that carry it.
    inputs: Range<usize>,
    route: Route,
    is_nullable: bool,
}

impl Mapping {
    /// Lays a plan beside a table. This never fails: every column gets a verdict, for a plan to show.
    pub fn build(plan: &StreamPlan, target: &[TargetColumn]) -> Self {
        let mut columns = Vec::new();
        let mut sent = Vec::new();
        let mut filled: Vec<Option<&str>> = vec![None; target.len()];
        let mut flag = None;
        let mut start = 0;
        // An exact name has the first claim to a column.
        for planned in &plan.columns {
            if let Some(index) = target.iter().position(|column| column.name == planned.target) {
                filled[index] = Some(&planned.target);
            }
        }
        for planned in &plan.columns {
            let inputs = start..start + planned.logical_type.arrow_fields("", true).len();
            start = inputs.end;
            let (mapping, column) = match match_name(&planned.target, target) {
                NameMatch::Missing if is_delete_flag(plan, planned) => {
                    flag = Some(flag_column(planned, inputs));
                    (flag_mapping(planned), None)
                }
                NameMatch::Missing => (missing(planned), None),
                NameMatch::Ambiguous(first, second) => (ambiguous(planned, &first, &second), None),
                NameMatch::Found(index) => match filled[index].replace(&planned.target) {
                    Some(other) if other != planned.target => {
                        filled[index] = Some(other);
                        (taken(planned, &target[index], other), None)
                    }
                    _ => map(planned, &target[index], inputs),
                },
            };
            columns.push(mapping);
            sent.extend(column);
        }
        let unfilled = target.iter().zip(&filled).filter(|(_, filled)| filled.is_none());
        columns.extend(unfilled.map(|(column, _)| unfilled_mapping(column)));
        let is_flag_extra = flag.is_some();
        sent.extend(flag);
        let file_schema = file_schema(plan, &sent);
        Self { columns, sent, is_flag_extra, input_column_count: start, file_schema }
    }

    /// Refuses the plan with one error that names every column that cannot be sent or left out.
    pub fn refuse_misfits(&self) -> Result<()> {
        let refused: Vec<String> = self
            .columns
            .iter()
            .filter(|column| column.verdict == Verdict::Refused)
            .map(|column| format!("{}: {}", column.name(), column.note))
            .collect();
        if refused.is_empty() && !self.target_names().is_empty() {
            return Ok(());
        }
        if refused.is_empty() {
            return Err(Error::config("columns_do_not_fit", "no column of the stream is in the table"));
        }
        Err(Error::config("columns_do_not_fit", refused.join("; ")).with_remedy(
            "change the query or its `columns` so that each column fits; `snowferry plan` shows all of them",
        ))
    }

    /// The columns of the file: `c0`, `c1` and so on.
    pub fn file_schema(&self) -> SchemaRef {
        Arc::clone(&self.file_schema)
    }

    /// Finds the values that do not fit, in the order of the table's columns.
    pub fn check(&self, rows: &RecordBatch) -> Result<Vec<Misfit>> {
        self.refuse_other_rows(rows)?;
        let mut misfits = Vec::new();
        for column in &self.sent {
            let arrays = &rows.columns()[column.inputs.clone()];
            misfits.extend(column.nulls(arrays).map(|row| column.misfit(row, Rule::NotNull)));
            let found = column.route.findings(arrays)?.misfits;
            misfits.extend(found.into_iter().map(|(row, rule)| column.misfit(row, rule)));
        }
        Ok(misfits)
    }

    /// Counts the values that are changed to fit, for the columns where the sync allows that.
    pub fn changed_values(&self, rows: &RecordBatch) -> Result<Vec<ChangedValues>> {
        self.refuse_other_rows(rows)?;
        let mut changed = Vec::new();
        for column in self.sent.iter().filter(|column| column.route.is_lossy) {
            let Findings { changed_count, .. } =
                column.route.findings(&rows.columns()[column.inputs.clone()])?;
            if changed_count > 0 {
                changed.push(ChangedValues { column: column.name.clone(), row_count: changed_count });
            }
        }
        Ok(changed)
    }

    /// Brings rows that fit into the form of the file.
    pub fn file_rows(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        self.refuse_other_rows(rows)?;
        let columns =
            self.sent.iter().map(|column| column.route.form.apply(&rows.columns()[column.inputs.clone()]));
        RecordBatch::try_new(self.file_schema(), columns.collect::<Result<_>>()?).map_err(|error| {
            Error::internal("rows could not be brought into the file's form").with_source(error)
        })
    }

    /// The table's columns that are filled, in the order of the file's.
    pub fn target_names(&self) -> Vec<&str> {
        self.table_columns().iter().map(|column| column.name.as_str()).collect()
    }

    /// The table's columns that are filled, in the order of the file's.
    pub fn target_columns(&self) -> Vec<&TargetColumn> {
        let by_name =
            |name: &str| self.columns.iter().filter_map(|c| c.target.as_ref()).find(|t| t.name == name);
        self.table_columns().iter().filter_map(|column| by_name(&column.name)).collect()
    }

    /// The table's column that a planned one fills.
    pub fn target_name(&self, planned: &str) -> Option<&str> {
        self.table_columns()
            .iter()
            .find(|column| column.planned == planned)
            .map(|column| column.name.as_str())
    }

    /// What a `COPY` selects from the file for each of [`Mapping::target_names`].
    pub fn copy_expressions(&self) -> Vec<String> {
        let columns = self.table_columns().iter().enumerate();
        columns.map(|(index, column)| column.route.load.expression(&file_column(index))).collect()
    }

    /// What a `COPY` selects for the delete flag where the table has no such column; it is the last of the file's.
    pub fn delete_flag_expression(&self) -> Option<String> {
        let index = self.sent.len().checked_sub(1).filter(|_| self.is_flag_extra)?;
        Some(self.sent[index].route.load.expression(&file_column(index)))
    }

    fn table_columns(&self) -> &[SentColumn] {
        &self.sent[..self.sent.len() - usize::from(self.is_flag_extra)]
    }

    fn refuse_other_rows(&self, rows: &RecordBatch) -> Result<()> {
        if rows.num_columns() == self.input_column_count {
            return Ok(());
        }
        let (planned, found) = (self.input_column_count, rows.num_columns());
        Err(Error::internal(format!("rows have {found} columns and the plan {planned}")))
    }
}

impl ColumnMapping {
    /// The table's column, or the planned one where the table has none.
    pub fn name(&self) -> &str {
        let target = self.target.as_ref().map(|target| target.name.as_str());
        target.or(self.planned.as_ref().map(|planned| planned.target.as_str())).unwrap_or_default()
    }
}

impl SentColumn {
    /// The rows without a value, where the column must have one.
    fn nulls<'a>(&self, arrays: &'a [ArrayRef]) -> impl Iterator<Item = usize> + use<'a> {
        let values = arrays.first().filter(|values| !self.is_nullable && values.null_count() > 0);
        values.into_iter().flat_map(|values| (0..values.len()).filter(|row| values.is_null(*row)))
    }

    fn misfit(&self, row: usize, rule: Rule) -> Misfit {
        Misfit { row, column: self.name.clone(), rule: rule.as_str() }
    }
}

fn map(
    planned: &PlannedColumn,
    target: &TargetColumn,
    inputs: Range<usize>,
) -> (ColumnMapping, Option<SentColumn>) {
    let refused = |note: String| (beside(planned, target, Verdict::Refused, note), None);
    if target.is_identity {
        return refused(
            "Snowflake numbers its rows itself, so leave the column out of the stream".to_owned(),
        );
    }
    match Decision::of(&planned.logical_type, target.column_type, planned.is_lossy) {
        Decision::Refused { reason } => refused(reason),
        Decision::Accepted { verdict, route } => {
            let mut rules = route.scan.rules();
            if !target.is_nullable {
                rules.insert(0, Rule::NotNull);
            }
            let verdict = match verdict {
                Verdict::Exact | Verdict::Widening if !target.is_nullable => Verdict::Checked,
                other => other,
            };
            let note = rules_note(&rules, route.is_lossy);
            let column = SentColumn {
                planned: planned.target.clone(),
                name: target.name.clone(),
                inputs,
                route,
                is_nullable: target.is_nullable,
            };
            (beside(planned, target, verdict, note), Some(column))
        }
    }
}

/// What is said of the rules: those that make a misfit, and those that make a change.
pub(super) fn rules_note(rules: &[Rule], is_lossy: bool) -> String {
    let (changes, misfits): (Vec<_>, Vec<_>) = rules.iter().partition(|rule| is_lossy && rule.is_loss());
    let words = |rules: &[&Rule]| rules.iter().map(|rule| rule.as_str()).collect::<Vec<_>>().join(", ");
    match (misfits.is_empty(), changes.is_empty()) {
        (true, true) => String::new(),
        (false, true) => words(&misfits),
        (true, false) => format!("changed: {}", words(&changes)),
        (false, false) => format!("{}; changed: {}", words(&misfits), words(&changes)),
    }
}

fn beside(planned: &PlannedColumn, target: &TargetColumn, verdict: Verdict, note: String) -> ColumnMapping {
    ColumnMapping { planned: Some(planned.clone()), target: Some(target.clone()), verdict, note }
}

fn alone(planned: &PlannedColumn, verdict: Verdict, note: String) -> ColumnMapping {
    ColumnMapping { planned: Some(planned.clone()), target: None, verdict, note }
}

fn missing(planned: &PlannedColumn) -> ColumnMapping {
    alone(planned, Verdict::Refused, "the table has no such column".to_owned())
}

fn ambiguous(planned: &PlannedColumn, first: &str, second: &str) -> ColumnMapping {
    let (first, second) = (quoted(first), quoted(second));
    let note = format!("it could fill {first} or {second}, so name one of them exactly in the query");
    alone(planned, Verdict::Refused, note)
}

fn taken(planned: &PlannedColumn, target: &TargetColumn, other: &str) -> ColumnMapping {
    let note = format!("{other} fills {} already", quoted(&target.name));
    alone(planned, Verdict::Refused, note)
}

fn unfilled_mapping(target: &TargetColumn) -> ColumnMapping {
    let (verdict, note) = if target.is_identity {
        (Verdict::Exact, "numbered by Snowflake")
    } else if target.has_default {
        (Verdict::Exact, "filled with its default")
    } else if target.is_nullable {
        (Verdict::Exact, "left NULL")
    } else {
        (Verdict::Refused, "it is NOT NULL without a default, and the stream has no such column")
    };
    ColumnMapping { planned: None, target: Some(target.clone()), verdict, note: note.to_owned() }
}

fn is_delete_flag(plan: &StreamPlan, planned: &PlannedColumn) -> bool {
    matches!(&plan.publish, Publish::Merge { delete_flag: Some(flag), .. } if *flag == planned.target)
}

fn flag_mapping(planned: &PlannedColumn) -> ColumnMapping {
    alone(planned, Verdict::Exact, "says which rows are removed; the table has no such column".to_owned())
}

fn flag_column(planned: &PlannedColumn, inputs: Range<usize>) -> SentColumn {
    SentColumn {
        planned: planned.target.clone(),
        name: planned.target.clone(),
        inputs,
        route: Route { scan: Scan::Nothing, form: Form::AsIs, load: Load::cast("BOOLEAN"), is_lossy: false },
        is_nullable: true,
    }
}

fn file_schema(plan: &StreamPlan, sent: &[SentColumn]) -> SchemaRef {
    let input = plan.arrow_schema();
    let fields = sent.iter().enumerate().map(|(index, column)| {
        let source: &DataType = input.field(column.inputs.start).data_type();
        Field::new(file_column(index), column.route.form.file_type(source), true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn file_column(index: usize) -> String {
    format!("c{index}")
}

/// A name as it is written in SQL.
fn quoted(name: &str) -> String {
    Identifier::new(name).map_or_else(|_| format!("{name:?}"), |identifier| identifier.to_string())
}
