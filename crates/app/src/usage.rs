//! What the statements of a run took, from the client's words into ours, and for people.

use model::{StatementUse, Usage, WarehouseUse};
use snowflake::UsageMeter;
use tracing::Span;

use crate::output::seconds;

/// What the sessions of a meter have sent since this was asked last.
pub(crate) fn usage_of(meter: &UsageMeter) -> Usage {
    let (statements, further_statements) = meter.take();
    let statements = statements.into_iter().map(|statement| StatementUse {
        query_id: statement.query_id,
        ran: statement.virtual_warehouse.map(|time| WarehouseUse {
            virtual_warehouse: time.name,
            size: time.size,
            started_ms: time.started_at.as_millisecond(),
            ended_ms: time.ended_at.as_millisecond(),
        }),
    });
    Usage { statements: statements.collect(), further_statements }
}

/// Adds it to the span of a run, for traces.
pub(crate) fn record_usage(span: &Span, usage: &Usage) {
    let totals = usage.totals();
    span.record("statements", usage.statement_count());
    span.record("virtual_warehouse.seconds", totals.virtual_warehouse_seconds);
    span.record("credits.estimated", totals.credits);
}

/// What there is to say of it in a line.
pub(crate) fn usage_line(usage: &Usage) -> Option<String> {
    let count = usage.statement_count();
    if count == 0 {
        return None;
    }
    let totals = usage.totals();
    let took = |taken: f64| seconds(std::time::Duration::from_secs_f64(taken.max(0.0)));
    let mut line = format!(
        "{count} {}, {} of virtual warehouse",
        if count == 1 { "statement" } else { "statements" },
        took(totals.virtual_warehouse_seconds)
    );
    if totals.credits > 0.0 {
        line.push_str(&format!(", about {:.5} credits", totals.credits));
    }
    if totals.unpriced_seconds > 0.0 {
        line.push_str(&format!(", {} of it of unknown size", took(totals.unpriced_seconds)));
    }
    Some(line)
}

/// What programs are told of it.
pub(crate) fn usage_json(usage: &Usage) -> serde_json::Value {
    let statements = usage.statements.iter().map(|statement| {
        let ran = statement.ran.as_ref();
        serde_json::json!({
            "query_id": statement.query_id,
            "virtual_warehouse": ran.and_then(|ran| ran.virtual_warehouse.as_deref()),
            "size": ran.and_then(|ran| ran.size.as_deref()),
            "seconds": ran.map_or(0.0, WarehouseUse::seconds),
        })
    });
    let totals = usage.totals();
    serde_json::json!({
        "virtual_warehouse_seconds": totals.virtual_warehouse_seconds,
        "credits": totals.credits,
        "unpriced_seconds": totals.unpriced_seconds,
        "statements": statements.collect::<Vec<_>>(),
        "further_statements": usage.further_statements,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_credits_and_what_is_not_in_them() {
        let ran = |query_id: &str, size: Option<&str>, ended_ms| StatementUse {
            query_id: query_id.to_owned(),
            ran: Some(WarehouseUse {
                virtual_warehouse: None,
                size: size.map(str::to_owned),
                started_ms: 0,
                ended_ms,
            }),
        };
        let mut usage = Usage { statements: vec![ran("a", Some("Small"), 9_000)], further_statements: 0 };
        let line = usage_line(&usage);
        assert_eq!(line.as_deref(), Some("1 statement, 9.0 s of virtual warehouse, about 0.00500 credits"));
        usage.statements.push(ran("b", None, 4_000));
        assert!(usage_line(&usage).unwrap().ends_with("about 0.00500 credits, 4.0 s of it of unknown size"));
        assert_eq!(usage_line(&Usage::default()), None);
    }
}
