//! Which columns a push moves, and under which names: a list, or a map from ours to the customer's.

use std::fmt;

use model::ChosenColumn;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::name::{ColumnName, VendorColumn};

/// The columns in the order of the file; none means all.
#[derive(Debug, Default)]
pub(crate) struct PushedColumns(pub(crate) Vec<ChosenColumn>);

impl<'de> Deserialize<'de> for PushedColumns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnsVisitor)
    }
}

struct ColumnsVisitor;

impl<'de> Visitor<'de> for ColumnsVisitor {
    type Value = PushedColumns;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of columns, or a map from ours to the target's")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<PushedColumns, A::Error> {
        let mut columns = Vec::new();
        while let Some(VendorColumn(source)) = names.next_element()? {
            columns.push(ChosenColumn { source, target: None });
        }
        Ok(PushedColumns(columns))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut names: A) -> Result<PushedColumns, A::Error> {
        let mut columns: Vec<ChosenColumn> = Vec::new();
        while let Some((VendorColumn(source), ColumnName(target))) = names.next_entry()? {
            if columns.iter().any(|earlier| earlier.target.as_deref() == Some(&target)) {
                return Err(de::Error::custom(format!("two columns are to fill {target}")));
            }
            columns.push(ChosenColumn { source, target: Some(target) });
        }
        Ok(PushedColumns(columns))
    }
}
