//! What a sync file says under `dataset`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::contract::Dataset;
use crate::expression::Expression;

/// The dataset that a sync names, and how columns become its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetConfig {
    pub dataset: Dataset,
    /// Expressions by the names of fields.
    pub fields: BTreeMap<String, Expression>,
    /// The type of all rows of [`Dataset::Objects`].
    pub object_type: Option<String>,
    /// Properties besides the columns that no field takes.
    pub properties: BTreeMap<String, Expression>,
    /// The same for properties of the company.
    pub company_properties: BTreeMap<String, Expression>,
    /// Columns that are left out.
    pub skip: Vec<String>,
    /// The zone of times that name none; UTC where absent.
    pub zone: Option<String>,
    /// What becomes of properties that a row comes without. It says nothing of how rows are mapped, so it tells no mapping
    /// from another.
    #[serde(skip_serializing)]
    pub merge: PropertyMerge,
}

/// What becomes of properties that a row has had and comes without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropertyMerge {
    /// They are gone.
    #[default]
    Replace,
    /// They stay. A property that comes takes the place of its former value as a whole.
    Shallow,
}

/// A dataset with a mapping, or `table`: the stream as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetChoice(pub Option<DatasetConfig>);

impl DatasetConfig {
    /// A dataset whose fields are found by the names of columns alone.
    pub fn new(dataset: Dataset) -> Self {
        Self {
            dataset,
            fields: BTreeMap::new(),
            object_type: None,
            properties: BTreeMap::new(),
            company_properties: BTreeMap::new(),
            skip: Vec::new(),
            zone: None,
            merge: PropertyMerge::default(),
        }
    }
}

impl<'de> Deserialize<'de> for DatasetChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoiceVisitor)
    }
}

/// The names of the datasets, for messages.
const NAMES: [&str; 5] = ["website_actions", "custom_actions", "objects", "metrics", "table"];

struct ChoiceVisitor;

impl<'de> Visitor<'de> for ChoiceVisitor {
    type Value = DatasetChoice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a dataset ({}), or one with its mapping", NAMES.join(", "))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<DatasetChoice, E> {
        if name == "table" {
            return Ok(DatasetChoice(None));
        }
        Ok(DatasetChoice(Some(DatasetConfig::new(dataset(name)?))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DatasetChoice, A::Error> {
        let name: String = map.next_key()?.ok_or_else(|| A::Error::custom("`dataset` is empty"))?;
        let dataset = dataset(&name)?;
        let config = map.next_value_seed(MappingSeed(dataset))?;
        match map.next_key::<String>()? {
            None => Ok(DatasetChoice(Some(config))),
            Some(other) => Err(A::Error::custom(format!("a sync has one dataset, and `{other}` is another"))),
        }
    }
}

fn dataset<E: Error>(name: &str) -> Result<Dataset, E> {
    let found = Dataset::ALL.into_iter().find(|dataset| dataset.name() == name);
    found.ok_or_else(|| E::unknown_variant(name, &NAMES))
}

/// Reads the mapping of one dataset, which decides which fields there are.
struct MappingSeed(Dataset);

impl<'de> serde::de::DeserializeSeed<'de> for MappingSeed {
    type Value = DatasetConfig;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<DatasetConfig, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MappingSeed {
    type Value = DatasetConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the fields of {}", self.0)
    }

    fn visit_unit<E: Error>(self) -> Result<DatasetConfig, E> {
        Ok(DatasetConfig::new(self.0))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DatasetConfig, A::Error> {
        let Self(dataset) = self;
        let mut config = DatasetConfig::new(dataset);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "type" if dataset == Dataset::Objects => config.object_type = Some(map.next_value()?),
                "properties" if dataset.keeps_extras() => config.properties = map.next_value()?,
                "company_properties" if is_actions(dataset) => {
                    config.company_properties = map.next_value()?;
                }
                "merge" if dataset.keeps_extras() => config.merge = map.next_value()?,
                "skip" => config.skip = map.next_value()?,
                "zone" => {
                    let zone = map.next_value()?;
                    config.zone = Some(crate::expression::known_zone(zone).map_err(A::Error::custom)?);
                }
                name => {
                    let Some(field) = field(dataset, name) else { return Err(unknown(dataset, name)) };
                    if config.fields.insert(field.to_owned(), map.next_value()?).is_some() {
                        return Err(A::Error::custom(format!("`{field}` is mapped twice")));
                    }
                }
            }
        }
        Ok(config)
    }
}

fn is_actions(dataset: Dataset) -> bool {
    matches!(dataset, Dataset::WebsiteActions | Dataset::CustomActions)
}

/// The field that a mapping means; an object's `id` is short for its longer name.
fn field(dataset: Dataset, name: &str) -> Option<&'static str> {
    let name = if dataset == Dataset::Objects && name == "id" { "object_id" } else { name };
    dataset.field(name).map(|field| field.name)
}

fn unknown<E: Error>(dataset: Dataset, name: &str) -> E {
    let fields: Vec<&str> = dataset.fields().iter().map(|field| field.name).collect();
    let hint = if dataset.keeps_extras() { "; name properties under `properties`" } else { "" };
    E::custom(format!("{dataset} has no field `{name}`: its fields are {}{hint}", fields.join(", ")))
}
