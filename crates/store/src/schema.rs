//! The one history of the schema. It only goes forward: a step that was released never changes.

use model::Result;
use sqlx::AnyPool;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::error::migration_failed;

/// Number, name and text of each step.
const STEPS: [(i64, &str, &str); 4] = [
    (1, "state", include_str!("../migrations/0001_state.sql")),
    (2, "service", include_str!("../migrations/0002_service.sql")),
    (3, "care", include_str!("../migrations/0003_care.sql")),
    (4, "usage", include_str!("../migrations/0004_usage.sql")),
];

/// Brings the schema up to date, under a lock on Postgres. A schema that is newer than this program is refused.
pub(crate) async fn bring_up_to_date(pool: &AnyPool) -> Result<()> {
    let steps = STEPS.map(|(number, name, text)| {
        Migration::new(number, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    });
    Migrator::with_migrations(steps.into()).run(pool).await.map_err(migration_failed)
}
