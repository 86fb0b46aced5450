//! What a delivery would do, for a person to see beforehand: the mapping, the statements in order, and the privileges.

use model::{Publish, Result, StreamPlan, TableName};
use snowflake::StageLocation;

use super::deliver::not_delivered;
use super::destination::SnowflakeDestination;
use super::grants::{self, Grant};
use super::intent::SentFile;
use super::link::TAG;
use super::shape::Shape;
use super::sql;
use crate::snowflake::error::from_client;
use crate::snowflake::fit::Mapping;

/// Stands for the id of an attempt.
const ATTEMPT: &str = "attempt";
/// Stands for the moment after which a publishing statement does not begin, in milliseconds.
const DEADLINE_MS: i64 = 0;

/// What a delivery would do.
#[derive(Clone, Debug)]
pub struct Preview {
    pub target: TableName,
    /// Rows that the target holds now, where Snowflake shows that.
    pub row_count: Option<u64>,
    /// Every column with its verdict.
    pub mapping: Mapping,
    /// The statements, in the order in which they would be sent.
    pub statements: Vec<String>,
    /// The privileges that they take, as the statements that grant them.
    pub grants: Vec<String>,
    /// Whether the target would be made.
    pub is_created: bool,
}

impl SnowflakeDestination {
    /// Looks at the target and says what a delivery of `plan` would do. Nothing is changed and nothing is noted.
    pub async fn preview(&self, plan: &StreamPlan) -> Result<Preview> {
        let entry = self.journal.entry(&plan.stream, &plan.target).await?;
        let notes = super::intent::Notes::read(entry.notes.as_deref())?;
        let (target, mapping) = self.examine(plan, notes.target.as_ref()).await?;
        let shape = Shape::of(plan, &mapping, ATTEMPT);
        let mut statements = Vec::new();
        if !target.exists {
            statements.push(sql::create_table(&plan.target, &target.columns)?);
        }
        statements.extend(delivery_statements(plan, &shape)?);
        let role = self.link.role().await.unwrap_or_else(|| TAG.to_uppercase());
        let grants =
            needed(plan, &shape, target.exists).into_iter().map(|grant| grant.sql(&plan.target, &role));
        Ok(Preview {
            target: plan.target.clone(),
            row_count: target.row_count,
            statements,
            grants: self.link.warehouse_grant().into_iter().map(Ok).chain(grants).collect::<Result<_>>()?,
            is_created: !target.exists,
            mapping,
        })
    }
}

pub(super) fn needed(plan: &StreamPlan, shape: &Shape, exists: bool) -> Vec<Grant> {
    let mut grants = vec![Grant::UsageOnDatabase, Grant::UsageOnSchema];
    if exists {
        let has_values = shape.columns.iter().any(|column| !column.is_key);
        grants.extend(grants::on_table(&plan.publish, has_values));
    } else {
        grants.push(Grant::CreateTable);
    }
    grants
}

fn delivery_statements(plan: &StreamPlan, shape: &Shape) -> Result<Vec<String>> {
    let folder = format!("snowferry/{ATTEMPT}/");
    let folder = StageLocation::user(&folder).map_err(from_client)?;
    let files = [SentFile { name: "part-0001.parquet".to_owned(), row_count: 0 }];
    let mut statements = vec![format!("PUT 'file://part' {folder}")];
    match &plan.publish {
        Publish::Append { .. } => statements.push(sql::copy_into_target(shape, &folder, &files)?),
        Publish::Replace { .. } | Publish::Merge { .. } => {
            statements.push(sql::create_temporary(shape)?);
            statements.push(sql::copy_into_temporary(shape, &folder, &files)?);
            statements.push(sql::counts(shape)?);
            let publish = match &plan.publish {
                Publish::Replace { .. } => sql::overwrite(shape, DEADLINE_MS)?,
                _ => sql::merge(shape, DEADLINE_MS)?,
            };
            // A person reads what is done; the deadline of a run is known only then.
            statements.push(publish.replace(&format!(" < {DEADLINE_MS}, "), " < deadline, "));
            statements.push(sql::drop_temporary(shape)?);
        }
        Publish::ReplaceFrom { .. } | Publish::ReplaceBuckets { .. } | Publish::RemoveRows { .. } => {
            return Err(not_delivered(plan));
        }
    }
    statements.push(format!("REMOVE {folder}"));
    Ok(statements)
}
