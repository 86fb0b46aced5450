//! What the session, the account and the catalog tell about themselves.

use super::functions::Call;
use super::{Binder, Literal, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{missing_for_operation, unsupported};
use crate::sql::names::{self, literal};
use crate::sql::physical::fixed;
use crate::sql::state::Object;

/// The version that CURRENT_VERSION gives: the wire follows this generation of Snowflake.
const VERSION: &str = "9.34.0";
/// Longest wait that SYSTEM$WAIT is asked for.
const WAIT_SECONDS_MAX: i64 = 3_600;

fn optional(value: Option<&str>) -> Typed {
    value.map_or_else(Typed::null, super::literal::text)
}

impl Binder<'_> {
    /// A context function that may be written without parentheses.
    pub(super) fn context_value(&self, name: &str) -> Option<Typed> {
        let zone = literal(&self.state.time_zone());
        let now = format!("make_timestamp_ns({})", self.state.now);
        let local = format!("sf_to_local({now}, {zone})");
        let is_given = |sql: String, ty: SnowType| Typed::new(sql, ty).with_nullable(false);
        Some(match name {
            "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" | "GETDATE" | "SYSTIMESTAMP" => {
                is_given(now, SnowType::TimestampLtz { scale: 9 })
            }
            "SYSDATE" => is_given(now, SnowType::TimestampNtz { scale: 9 }),
            "CURRENT_DATE" => is_given(format!("CAST({local} AS DATE)"), SnowType::Date),
            "CURRENT_TIME" | "LOCALTIME" => {
                is_given(format!("(epoch_ns({local}) % 86400000000000)"), SnowType::Time { scale: 9 })
            }
            "CURRENT_USER" => super::literal::text(&self.state.user),
            "CURRENT_ROLE" => super::literal::text(&self.state.role),
            "CURRENT_DATABASE" => optional(self.state.database.as_deref()),
            "CURRENT_SCHEMA" => optional(self.state.schema.as_deref()),
            "CURRENT_WAREHOUSE" => optional(self.state.warehouse.as_deref()),
            _ => return None,
        })
    }

    pub(super) fn next_value(&self, sequence: &[String]) -> Result<Typed, SqlError> {
        let path = self.qualify(sequence)?;
        let schema = self.state.catalog.schema(&path[0], &path[1])?;
        let entry = schema
            .sequences
            .get(&path[2])
            .ok_or_else(|| missing_for_operation("Sequence", &names::display_path(sequence)))?;
        let sql = format!("CAST(nextval({}) AS DECIMAL(38,0))", literal(&entry.sequence));
        Ok(Typed::new(sql, fixed(38, 0)).with_nullable(false))
    }
}

pub(super) fn call(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    let state = call.binder.state;
    if call.len() == 0
        && let Some(value) = call.binder.context_value(call.name)
    {
        return Ok(Some(value));
    }
    let text = |text: &str| Ok(Some(super::literal::text(text)));
    match call.name {
        // A precision argument changes only how many digits are kept; all are.
        "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" | "CURRENT_TIME" if call.len() == 1 => {
            Ok(call.binder.context_value(call.name))
        }
        "CURRENT_SESSION" => text(&state.session_id.to_string()),
        "CURRENT_ACCOUNT" | "CURRENT_ACCOUNT_NAME" => text("EMULATOR"),
        "CURRENT_ORGANIZATION_NAME" => text("LOCAL"),
        "CURRENT_REGION" => text("LOCAL"),
        "CURRENT_VERSION" => text(VERSION),
        "CURRENT_CLIENT" => text("emulator"),
        "CURRENT_SECONDARY_ROLES" => {
            let value = if state.uses_secondary_roles { "ALL" } else { "" };
            text(&format!("{{\"roles\":\"\",\"value\":\"{value}\"}}"))
        }
        "CURRENT_AVAILABLE_ROLES" => {
            let roles: Vec<String> =
                state.effective_roles().into_iter().map(|role| format!("\"{role}\"")).collect();
            text(&format!("[ {} ]", roles.join(", ")))
        }
        "CURRENT_SCHEMAS" => {
            let path = match (&state.database, &state.schema) {
                (Some(database), Some(schema)) => format!("[\"{database}.{schema}\"]"),
                _ => "[]".to_owned(),
            };
            text(&path)
        }
        "CURRENT_TRANSACTION" => {
            Ok(Some(optional(state.in_transaction.then(|| state.session_id.to_string()).as_deref())))
        }
        "LAST_QUERY_ID" => last_query_id(call).map(Some),
        "CURRENT_STATEMENT" => Err(unsupported("CURRENT_STATEMENT")),
        "IS_ROLE_IN_SESSION" => {
            let Literal::Text(role) = call.get(0)?.literal else {
                return Err(unsupported("a computed role name"));
            };
            Ok(Some(super::literal::boolean(state.effective_roles().contains(&role))))
        }
        "SYSTEM$WAIT" => wait(call).map(Some),
        "SYSTEM$TYPEOF" => {
            let value = call.get(0)?;
            text(&format!("{}[{}]", crate::sql::physical::type_name(&value.ty), "LOB"))
        }
        "SYSTEM$LAST_CHANGE_COMMIT_TIME" => last_change(call).map(Some),
        "SYSTEM$ABORT_SESSION" | "SYSTEM$CANCEL_QUERY" | "SYSTEM$ALLOWLIST" => Err(unsupported(call.name)),
        _ => Ok(None),
    }
}

fn last_query_id(call: &Call<'_, '_>) -> Result<Typed, SqlError> {
    let back: i64 = match call.arguments.first().map(|argument| argument.literal.clone()) {
        None => -1,
        Some(Literal::Number(text)) => text.parse().map_err(|_| call.invalid())?,
        Some(_) => return Err(call.invalid()),
    };
    // The running statement's own id is the last one.
    let ids = &call.binder.state.query_ids;
    let earlier = &ids[..ids.len().saturating_sub(1)];
    let index = if back < 0 { earlier.len().cast_signed() + back as isize } else { back as isize - 1 };
    let id = usize::try_from(index).ok().and_then(|index| earlier.get(index));
    Ok(optional(id.map(String::as_str)))
}

fn wait(call: &Call<'_, '_>) -> Result<Typed, SqlError> {
    call.arity(1..=2)?;
    let Literal::Number(amount) = call.get(0)?.literal else {
        return Err(unsupported("SYSTEM$WAIT with a computed time"));
    };
    let unit = match call.arguments.get(1).map(|argument| argument.literal.clone()) {
        None => "SECONDS".to_owned(),
        Some(Literal::Text(unit)) => unit.to_uppercase(),
        Some(_) => return Err(call.invalid()),
    };
    let unit_ms = match unit.as_str() {
        "MILLISECONDS" => 1.0,
        "SECONDS" => 1_000.0,
        "MINUTES" => 60_000.0,
        _ => return Err(call.invalid()),
    };
    let amount: f64 = amount.parse().map_err(|_| call.invalid())?;
    let milliseconds = amount * unit_ms;
    if milliseconds > WAIT_SECONDS_MAX as f64 * 1_000.0 {
        return Err(unsupported("a wait of more than an hour"));
    }
    // The session waits before the statement runs, where it can be interrupted.
    call.binder.wait_ms.set(call.binder.wait_ms.get() + milliseconds as u64);
    Ok(super::literal::text(&format!("waited {amount} {}", unit.to_lowercase())))
}

fn last_change(call: &Call<'_, '_>) -> Result<Typed, SqlError> {
    let Literal::Text(name) = call.get(0)?.literal else {
        return Err(unsupported("SYSTEM$LAST_CHANGE_COMMIT_TIME of a computed name"));
    };
    let parts = names::from_text(&name)?;
    let path = call.binder.qualify(&parts)?;
    let state = call.binder.state;
    let changed_at = match state.object(path, &name, "SELECT")? {
        Object::Table { entry, .. } => entry.last_altered,
        // A view changes as soon as something does that it reads.
        Object::View { path, entry } => {
            let reader = Binder::new(state, call.binder.bindings);
            reader.view(path, "changed", &entry)?;
            let changed_at = reader.changed_at.borrow();
            changed_at.iter().copied().max().unwrap_or_default().max(entry.created_on)
        }
        Object::Information { .. } => return Err(unsupported("the last change of INFORMATION_SCHEMA")),
    };
    Ok(Typed::new(format!("CAST({changed_at} AS DECIMAL(38,0))"), fixed(38, 0)).with_nullable(false))
}
