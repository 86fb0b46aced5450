//! Which column becomes which field, decided before any row is read.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow_schema::Schema;
use jiff::tz::TimeZone;
use model::{Error, Result};

use super::columns::InputColumn;
use super::{Context, FieldSource, InputColumns, Mapping, MappingReport};
use crate::config::{DatasetConfig, PropertyMerge};
use crate::contract::{Dataset, Field, FieldType, Need};
use crate::expression::{Compiler, Constant, Expression, found_zone};
use crate::normal::name::snake_case;
use crate::pack::Property;

pub(super) fn compile(config: &DatasetConfig, columns: InputColumns, context: &Context) -> Result<Mapping> {
    let zone = config.zone.as_deref().map_or(Ok(TimeZone::UTC), found_zone)?;
    let mut choice = Choice { config, columns: &columns, context, used: HashSet::new() };
    choice.skip()?;
    let chosen = choice.fields()?;
    choice.use_up_mapped()?;
    let compiler = Compiler { columns: &columns, zone: &zone };
    let mut fields = Vec::new();
    for (field, source) in chosen.iter().filter_map(|(field, source)| Some((field, source.as_ref()?))) {
        fields.push((*field, compiler.field(field.name, field.field_type, source)?));
    }
    let is_long = chosen.iter().any(|(field, source)| field.name == "property_name" && source.is_some());
    if is_long && config.merge == PropertyMerge::Shallow {
        let message = "`merge` does not go with `property_name`";
        return Err(Error::config("dataset_unsupported", message)
            .with_remedy("remove it: each row is one property already, and the others stay as they are"));
    }
    let (extras, skipped) = choice.extras(is_long);
    let mut properties = Properties { compiler: &compiler, taken: HashSet::from([ODD_DOMAIN.to_owned()]) };
    let company = |column: &&InputColumn| is_of_company(config.dataset, column);
    let company_properties =
        properties.of(extras.iter().copied().filter(company), &config.company_properties)?;
    let properties = {
        properties.taken.clear();
        properties.taken.extend(reserved_properties(config.dataset));
        properties.of(extras.iter().copied().filter(|column| !company(column)), &config.properties)?
    };
    let key: Vec<usize> =
        context.key.iter().map(|name| Ok(columns.find(name, "key")?.0)).collect::<Result<_>>()?;
    let cursor = context.cursor_column.as_ref().map(|name| columns.find(name, "cursor")).transpose()?;
    let cursor = cursor.map(|(index, _)| index);
    let described = |properties: &[Property]| {
        properties.iter().map(|p| (p.name.clone(), p.logical_type().to_string())).collect()
    };
    let report = MappingReport {
        dataset: config.dataset,
        fields: chosen.iter().map(|(field, source)| field_source(field, source.as_ref())).collect(),
        properties: described(&properties),
        company_properties: described(&company_properties),
        skipped,
    };
    let schema = Arc::new(Schema::new(
        (config.dataset.landed_columns().iter())
            .flat_map(|column| column.logical_type.arrow_fields(column.name, column.name != crate::ROW_ID))
            .collect::<Vec<_>>(),
    ));
    Ok(Mapping {
        dataset: config.dataset,
        fields,
        properties,
        company_properties,
        namespace: context.namespace.clone(),
        key,
        cursor,
        schema,
        report,
        columns,
    })
}

/// The choice of columns, and which of them are taken already.
struct Choice<'a> {
    config: &'a DatasetConfig,
    columns: &'a InputColumns,
    context: &'a Context,
    used: HashSet<&'a str>,
}

impl<'a> Choice<'a> {
    fn skip(&mut self) -> Result<()> {
        for name in &self.config.skip {
            self.used.insert(&self.columns.named(name, "skip")?.name);
        }
        Ok(())
    }

    /// Each field of the contract, and what becomes its value.
    fn fields(&mut self) -> Result<Vec<(&'static Field, Option<Expression>)>> {
        let mut chosen = Vec::new();
        let mut missing = Vec::new();
        for field in self.config.dataset.fields() {
            let source = self.source_of(field)?;
            let is_needed = matches!(field.need, Need::Required | Need::RequiredColumn);
            if source.is_none() && is_needed {
                missing.push(field);
            }
            chosen.push((field, source));
        }
        if let [first, ..] = missing[..] {
            return Err(self.unmapped(first, &missing));
        }
        self.refuse_incomplete(&chosen)?;
        Ok(chosen)
    }

    fn source_of(&mut self, field: &'static Field) -> Result<Option<Expression>> {
        if let Some(expression) = self.config.fields.get(field.name) {
            if let Some(name) = expression.sole_column() {
                self.used.insert(&self.columns.named(name, field.name)?.name);
            }
            return Ok(Some(expression.clone()));
        }
        // What stands in by its own name is better than what is found by another one.
        let names = std::iter::once(field.name.to_owned()).chain(self.other_names(field));
        let found = names
            .filter_map(|name| self.columns.called(&name))
            .find(|column| !self.used.contains(column.name.as_str()) && !self.is_mapped(column));
        if let Some(column) = found {
            self.used.insert(&column.name);
            return Ok(Some(Expression::Column(column.name.clone())));
        }
        Ok(match field.name {
            "action_name" => Some(text(&self.context.stream_name)),
            "object_type" => self.config.object_type.as_deref().map(text),
            _ => None,
        })
    }

    /// Whether the mapping names this column for something else.
    fn is_mapped(&self, column: &InputColumn) -> bool {
        let is_it = |expression: &Expression| {
            expression.sole_column().is_some_and(|name| name.eq_ignore_ascii_case(&column.name))
        };
        self.config.fields.values().any(is_it)
    }

    fn other_names(&self, field: &Field) -> Vec<String> {
        let mut names = Vec::new();
        if let ("object_id", Some(object_type)) = (field.name, &self.config.object_type) {
            names.push(format!("{}_id", snake_case(object_type)));
            if object_type == "user" {
                names.push("contact_id".to_owned());
            }
        }
        names.extend(field.aliases.iter().map(|alias| (*alias).to_owned()));
        names
    }

    fn use_up_mapped(&mut self) -> Result<()> {
        let expressions = self.config.properties.iter().chain(&self.config.company_properties);
        for (name, expression) in expressions {
            if let Some(column) = expression.sole_column() {
                self.used.insert(&self.columns.named(column, name)?.name);
            }
        }
        Ok(())
    }

    /// The columns that become properties, and the names of those that are left out.
    fn extras(&self, is_long: bool) -> (Vec<&'a InputColumn>, Vec<String>) {
        let rest = self.columns.iter().filter(|column| !self.used.contains(column.name.as_str()));
        if self.config.dataset.keeps_extras() && !is_long {
            return (rest.collect(), Vec::new());
        }
        (Vec::new(), rest.map(|column| column.name.clone()).collect())
    }

    /// Refuses a mapping in which no row could ever be taken.
    fn refuse_incomplete(&self, chosen: &[(&'static Field, Option<Expression>)]) -> Result<()> {
        let is_there =
            |name: &str| chosen.iter().any(|(field, source)| field.name == name && source.is_some());
        let (wanted, remedy) = match self.config.dataset {
            Dataset::Metrics if !crate::contract::MEASURES.into_iter().any(is_there) => {
                ("one of spend, impressions and clicks", "spend: COST")
            }
            Dataset::Objects if !is_there("identity") && !is_there("company_domain") => {
                ("identity or company_domain", "identity: CONTACT_EMAIL")
            }
            Dataset::Objects if is_there("property_name") != is_there("property_value") => {
                ("property_name and property_value together", "property_value: VALUE")
            }
            _ => return Ok(()),
        };
        let message = format!("{} needs {wanted}, and no column is mapped to it", self.config.dataset);
        Err(Error::config("field_unmapped", message).with_remedy(format!(
            "map a column under `dataset`, such as `{remedy}`; the columns are {}",
            self.columns.names()
        )))
    }

    fn unmapped(&self, first: &Field, missing: &[&Field]) -> Error {
        let names: Vec<&str> = missing.iter().map(|field| field.name).collect();
        let message =
            format!("{} needs {}, and no column is mapped to it", self.config.dataset, names.join(", "));
        let example = match (first.name, first.field_type) {
            ("object_type", _) => "write its type, such as `type: deal`".to_owned(),
            (name, FieldType::Timestamp | FieldType::Date) => {
                format!("map a column under `dataset`, such as `{name}: CREATED_AT`")
            }
            (name, _) => format!("map a column under `dataset`, such as `{name}: COLUMN`"),
        };
        Error::config("field_unmapped", message)
            .with_remedy(format!("{example}; the columns are {}", self.columns.names()))
    }
}

fn text(text: &str) -> Expression {
    Expression::Value(Constant::Text(text.to_owned()))
}

fn is_of_company(dataset: Dataset, column: &InputColumn) -> bool {
    let has_company = matches!(dataset, Dataset::WebsiteActions | Dataset::CustomActions);
    has_company && column.snake_case.starts_with("company_")
}

/// The property in which what stands for a company's domain and is none is kept as it came.
const ODD_DOMAIN: &str = "company_domain";

/// Names of properties that only fields of the contract may give.
fn reserved_properties(dataset: Dataset) -> impl Iterator<Item = String> {
    let names = match dataset {
        Dataset::CustomActions => &["deal_id", "revenue", "currency", "period"][..],
        Dataset::Objects => &[ODD_DOMAIN],
        Dataset::WebsiteActions | Dataset::Metrics => &[],
    };
    names.iter().map(|name| (*name).to_owned())
}

/// Properties under names that are free.
struct Properties<'a> {
    compiler: &'a Compiler<'a>,
    taken: HashSet<String>,
}

impl Properties<'_> {
    /// What the mapping names comes first; a column whose name is taken gets a number.
    fn of<'c>(
        &mut self,
        columns: impl Iterator<Item = &'c InputColumn>,
        expressions: &BTreeMap<String, Expression>,
    ) -> Result<Vec<Property>> {
        let mut properties = Vec::new();
        for (name, expression) in expressions {
            if !self.taken.insert(name.clone()) {
                let message = format!("the property {name} is a field of its own");
                return Err(Error::config("property_reserved", message)
                    .with_remedy(format!("map it as the field `{name}`, or choose another name")));
            }
            properties.push(Property::of_expression(name.clone(), self.compiler.property(name, expression)?));
        }
        for column in columns {
            let mut name = column.snake_case.clone();
            let mut number = 2;
            while !self.taken.insert(name.clone()) {
                name = format!("{}_{number}", column.snake_case);
                number += 1;
            }
            let zone = self.compiler.zone.clone();
            properties.push(Property::of_column(name, column.index, column.logical_type.clone(), zone));
        }
        Ok(properties)
    }
}

fn field_source(field: &'static Field, source: Option<&Expression>) -> FieldSource {
    let from = source.map(|expression| match expression {
        Expression::Column(name) => name.clone(),
        Expression::Value(Constant::Text(text)) => format!("'{text}'"),
        other => other
            .sole_column()
            .map_or_else(|| "an expression".to_owned(), |name| format!("an expression of {name}")),
    });
    FieldSource { field: field.name, field_type: field.field_type.name(), need: field.need.words(), from }
}
