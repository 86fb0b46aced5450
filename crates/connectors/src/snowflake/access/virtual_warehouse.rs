//! The virtual warehouse that queries would run on. It is looked at and not woken.

use model::{Error, ErrorKind, Result};
use snowflake::{ConnectionConfig, Session, string_literal};

use super::need::{Need, On};
use super::objects::privilege;
use super::{Finding, Held, Report, Step, StepName};
use crate::snowflake::catalog::{ShownRows, like_pattern, show};
use crate::snowflake::sql::quoted;

/// As SHOW WAREHOUSES tells of it.
struct Shown {
    size: String,
    state: String,
    resumes: bool,
}

pub(super) async fn check(config: &ConnectionConfig, session: &Session, report: Report<'_>) {
    let Some(name) = session.context().virtual_warehouse else {
        let subject = config.virtual_warehouse.clone().unwrap_or_else(|| "none".to_owned());
        let error = Error::config("no_virtual_warehouse", "no virtual warehouse is in use").with_remedy(
            "name one under `snowflake.virtual_warehouse` and let the customer grant USAGE on it",
        );
        return report(Step::failed(StepName::VirtualWarehouse, subject, Finding::of(error)));
    };
    let step = match look(session, &name).await {
        Ok(Some(shown)) => judged(&name, &shown),
        Ok(None) => Step::passed(StepName::VirtualWarehouse, name),
        Err(error) => Step::failed(StepName::VirtualWarehouse, name, Finding::of(error)),
    };
    report(step);
}

/// Whether the role may use it, by itself or through another role.
pub(super) fn check_usage(session: &Session, held: &Held, report: Report<'_>) {
    if let Some(name) = session.context().virtual_warehouse {
        let need = Need { privilege: "USAGE", on: On::VirtualWarehouse(name) };
        report(privilege(&need, held, need.is_held(held)));
    }
}

async fn look(session: &Session, name: &str) -> Result<Option<Shown>> {
    let sql = format!("SHOW WAREHOUSES LIKE {}", string_literal(&like_pattern(name)));
    for batch in show(session, &sql).await? {
        let rows = ShownRows(&batch);
        if let Some(row) = rows.named(name) {
            let text = |column: &str| rows.text(column, row).unwrap_or_default();
            return Ok(Some(Shown {
                size: text("size"),
                state: text("state"),
                resumes: text("auto_resume") != "false",
            }));
        }
    }
    Ok(None)
}

fn judged(name: &str, shown: &Shown) -> Step {
    let state = shown.state.to_lowercase();
    let is_asleep = shown.state.starts_with("SUSPEND");
    let resumes = if shown.resumes { ", resumes by itself" } else { "" };
    let subject = format!("{name}: {}, {state}{resumes}", shown.size);
    if !is_asleep || shown.resumes {
        return Step::passed(StepName::VirtualWarehouse, subject);
    }
    let message = format!("the virtual warehouse {name} is suspended and does not resume by itself");
    let error = Error::new(ErrorKind::Config, "virtual_warehouse_suspended", message);
    let finding = match quoted(name) {
        Ok(name) => {
            Finding::customers(error, vec![format!("ALTER WAREHOUSE {name} SET AUTO_RESUME = TRUE;")])
        }
        Err(_) => Finding::of(error),
    };
    Step::failed(StepName::VirtualWarehouse, subject, finding)
}
