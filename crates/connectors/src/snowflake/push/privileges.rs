//! Each privilege that a delivery takes, and whether the role holds it.

use model::{Result, StreamPlan};

use super::destination::SnowflakeDestination;
use super::grants::{Grant, Held};
use super::preview::needed;
use super::shape::Shape;

/// A privilege that a delivery takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privilege {
    /// The privilege and what it is on, as in `INSERT ON TABLE "D"."S"."T"`.
    pub name: String,
    /// The statement that grants it.
    pub grant: String,
    /// Whether the role holds it, by itself or through another role.
    pub is_held: bool,
}

impl SnowflakeDestination {
    /// Looks up every privilege that a delivery of `plan` takes on the target and what it is in.
    pub async fn privileges(&self, plan: &StreamPlan) -> Result<Vec<Privilege>> {
        let (target, mapping) = self.examine(plan, None).await?;
        let shape = Shape::of(plan, &mapping, "");
        let role = self.link.role().await.unwrap_or_default();
        let session = self.link.session().await?;
        let held = Held::of_role(&session, &role).await?;
        let privilege = |grant: Grant| {
            let (name, sql) = (grant.name(&plan.target)?, grant.sql(&plan.target, &role)?);
            Ok(Privilege { name, grant: sql, is_held: held.covers(grant, &plan.target) })
        };
        needed(plan, &shape, target.exists).into_iter().map(privilege).collect()
    }
}
