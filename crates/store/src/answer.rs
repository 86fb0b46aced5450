//! Answers of the API, kept for a day: a request that is sent again under the same key gets the answer it got before.

use std::time::Duration;

use model::Result;

use crate::database::sql;
use crate::row::Columns;
use crate::store::Store;

/// So long a caller may repeat a request.
const KEPT: Duration = Duration::from_secs(24 * 3_600);

/// What is known of a request's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// Nobody has used it: it is taken now, and the answer is to be noted.
    Fresh,
    Answered {
        status: u16,
        body: String,
    },
    /// The first request under this key is still being worked on, or its process died before it could say.
    InProgress,
    /// It was used for something else.
    OtherRequest,
}

impl Store {
    /// Looks a request's key up, and takes it where it is free. `request` says what is asked for.
    pub async fn remember(&self, caller: &str, key: &str, request: &str) -> Result<Remembered> {
        let mut tx = self.database.begin().await?;
        let now = tx.now_micros();
        let forget = sql("DELETE FROM answers WHERE created_at < $1");
        tx.execute(forget.bind(now.saturating_sub(KEPT.as_micros() as i64))).await?;
        let insert = "INSERT INTO answers (caller, key, request, created_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT DO NOTHING";
        let insert =
            sql(insert).bind(caller.to_owned()).bind(key.to_owned()).bind(request.to_owned()).bind(now);
        if tx.execute(insert).await? == 1 {
            tx.commit().await?;
            return Ok(Remembered::Fresh);
        }
        let query = sql("SELECT request, status, body FROM answers WHERE caller = $1 AND key = $2");
        let row = tx.one(query.bind(caller.to_owned()).bind(key.to_owned())).await?;
        let Some(row) = row else { return Ok(Remembered::InProgress) };
        if row.text("request")? != request {
            return Ok(Remembered::OtherRequest);
        }
        let status = row.optional_number("status")?.and_then(|status| u16::try_from(status).ok());
        Ok(match (status, row.optional_text("body")?) {
            (Some(status), Some(body)) => Remembered::Answered { status, body },
            _ => Remembered::InProgress,
        })
    }

    /// Notes the answer to a request; without one its key is free again.
    pub async fn note_answer(&self, caller: &str, key: &str, answer: Option<(u16, &str)>) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let note = match answer {
            Some((status, body)) => {
                sql("UPDATE answers SET status = $3, body = $4 WHERE caller = $1 AND key = $2")
                    .bind(caller.to_owned())
                    .bind(key.to_owned())
                    .bind(i64::from(status))
                    .bind(body.to_owned())
            }
            None => sql("DELETE FROM answers WHERE caller = $1 AND key = $2")
                .bind(caller.to_owned())
                .bind(key.to_owned()),
        };
        tx.execute(note).await?;
        tx.commit().await
    }
}
