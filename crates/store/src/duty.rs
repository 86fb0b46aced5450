//! Duties: what only one of all processes does at a time, and another one takes over when it is gone.

use std::time::Duration;

use model::Result;

use crate::database::sql;
use crate::id::Id;
use crate::store::Store;

/// A process that may have duties; each start of one is another.
#[derive(Clone, Copy, Debug)]
pub struct Holder;

impl Holder {
    /// What a process goes by that has just started.
    pub fn new_id() -> Id<Holder> {
        Id::generate()
    }
}

impl Store {
    /// Takes a duty for so long, or keeps it so much longer. False where somebody else has it.
    pub async fn take_duty(&self, duty: &str, holder: &Id<Holder>, lasting: Duration) -> Result<bool> {
        let mut tx = self.database.begin().await?;
        let take = "INSERT INTO duties (name, holder, held_until) VALUES ($1, $2, $3)
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
            WHERE duties.holder = excluded.holder OR duties.held_until < $4";
        let take = sql(take)
            .bind(duty.to_owned())
            .bind(holder.to_string())
            .bind(tx.after(lasting))
            .bind(tx.now_micros());
        let is_taken = tx.execute(take).await? > 0;
        tx.commit().await?;
        Ok(is_taken)
    }

    /// Leaves a duty to whoever wants it next.
    pub async fn leave_duty(&self, duty: &str, holder: &Id<Holder>) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let leave = sql("DELETE FROM duties WHERE name = $1 AND holder = $2");
        tx.execute(leave.bind(duty.to_owned()).bind(holder.to_string())).await?;
        tx.commit().await
    }
}
