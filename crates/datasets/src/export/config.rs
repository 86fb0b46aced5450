//! What the sync file of a push says under `dataset`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// What of the model a push delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportConfig {
    /// One row is one action, in the columns that customers of the vendor know.
    RawActions,
    /// One row is one person, company or deal that has entered a stage.
    StageData(Vec<StageConfig>),
    /// One row is one record of one type.
    Objects(ObjectsExport),
    /// One row is one deal, and the activity that it is matched to.
    OpportunityRevenue,
    /// One row is one day of one combination of dimensions.
    Metrics,
}

/// An export, or `query`: what the file says under `stream`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportChoice(pub Option<ExportConfig>);

/// Which objects, and which of their properties have a column of their own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectsExport {
    #[serde(rename = "type")]
    pub object_type: String,
    #[serde(default)]
    pub properties: BTreeMap<String, PropertyType>,
}

/// The type of a property's column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropertyType {
    Text,
    Number,
    Bool,
    Date,
    Timestamp,
    Json,
}

/// A stage of a funnel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "WrittenStage")]
pub struct StageConfig {
    pub name: String,
    pub kind: StageKind,
    pub goal: StageGoal,
    /// The property that says when it was reached.
    pub at: Option<String>,
    pub amount: String,
    pub currency: String,
}

/// What enters a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    Person,
    Company,
    Opportunity,
    /// An opportunity too, whose amount counts: pipeline, won, lost.
    Outcome,
}

/// What has to happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum StageGoal {
    /// One of these actions.
    Actions(Vec<String>),
    /// A property of an object has one of these values.
    Property { object_type: String, property: String, values: Vec<String> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStage {
    name: String,
    kind: StageKind,
    #[serde(default)]
    actions: Vec<String>,
    object: Option<String>,
    property: Option<String>,
    #[serde(default)]
    values: Vec<String>,
    at: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
}

impl TryFrom<WrittenStage> for StageConfig {
    type Error = String;

    fn try_from(written: WrittenStage) -> Result<Self, String> {
        let WrittenStage { name, kind, actions, object, property, values, at, amount, currency } = written;
        let own = match kind {
            StageKind::Person => "user",
            StageKind::Company => "company",
            StageKind::Opportunity | StageKind::Outcome => "deal",
        };
        let goal = match (actions.is_empty(), property, values.is_empty()) {
            (false, None, true) if object.is_none() && at.is_none() => StageGoal::Actions(actions),
            (true, Some(property), false) => StageGoal::Property {
                object_type: object.unwrap_or_else(|| own.to_owned()),
                property,
                values,
            },
            _ => {
                return Err(format!(
                    "the stage `{name}` needs a goal: either `actions`, or `property` and `values` (with `object` and `at` where wanted)"
                ));
            }
        };
        let amount = amount.unwrap_or_else(|| "amount".to_owned());
        Ok(Self { name, kind, goal, at, amount, currency: currency.unwrap_or_else(|| "currency".to_owned()) })
    }
}

impl StageKind {
    /// The word that sync files and rows say.
    pub fn name(self) -> &'static str {
        match self {
            StageKind::Person => "person",
            StageKind::Company => "company",
            StageKind::Opportunity => "opportunity",
            StageKind::Outcome => "outcome",
        }
    }
}

/// The names of the exports, for messages.
const NAMES: [&str; 6] = ["raw_actions", "stage_data", "objects", "opportunity_revenue", "metrics", "query"];

impl<'de> Deserialize<'de> for ExportChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoiceVisitor)
    }
}

struct ChoiceVisitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stages {
    stages: Vec<StageConfig>,
}

impl<'de> Visitor<'de> for ChoiceVisitor {
    type Value = ExportChoice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an export ({}), or one with its settings", NAMES.join(", "))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<ExportChoice, E> {
        Ok(ExportChoice(match name {
            "raw_actions" => Some(ExportConfig::RawActions),
            "opportunity_revenue" => Some(ExportConfig::OpportunityRevenue),
            "metrics" => Some(ExportConfig::Metrics),
            "query" => None,
            "objects" => {
                return Err(E::custom("`objects` needs a type: `dataset: { objects: { type: deal } }`"));
            }
            "stage_data" => {
                return Err(E::custom(
                    "`stage_data` needs stages: `dataset: { stage_data: { stages: [ … ] } }`",
                ));
            }
            _ => return Err(E::unknown_variant(name, &NAMES)),
        }))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ExportChoice, A::Error> {
        let name: String = map.next_key()?.ok_or_else(|| A::Error::custom("`dataset` is empty"))?;
        let export = match name.as_str() {
            "objects" => ExportConfig::Objects(map.next_value()?),
            "stage_data" => {
                let Stages { stages } = map.next_value()?;
                if stages.is_empty() {
                    return Err(A::Error::custom("`stages` names no stage"));
                }
                let is_repeated = |(at, stage): (usize, &StageConfig)| {
                    stages[..at].iter().find(|other| other.name == stage.name).map(|stage| stage.name.clone())
                };
                if let Some(name) = stages.iter().enumerate().find_map(is_repeated) {
                    return Err(A::Error::custom(format!("two stages are called `{name}`")));
                }
                ExportConfig::StageData(stages)
            }
            other if NAMES.contains(&other) => {
                return Err(A::Error::custom(format!("`{other}` has no settings; write `dataset: {other}`")));
            }
            other => return Err(A::Error::unknown_variant(other, &NAMES)),
        };
        match map.next_key::<String>()? {
            None => Ok(ExportChoice(Some(export))),
            Some(other) => Err(A::Error::custom(format!("a push has one dataset, and `{other}` is another"))),
        }
    }
}
