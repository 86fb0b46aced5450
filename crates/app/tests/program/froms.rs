//! `snowferry trigger --from`: what has changed since a date is read once more.

use crate::fleet::Fleet;
use crate::http::request;
use crate::world::{DEALS, deal, deals};

const APPEND: &str = "
stream: product.actions
read: { incremental: { cursor: happened_at, null_cursor: exclude }, key: [id] }
target: ANALYTICS.VENDOR.ACTIONS
write: append
";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_since_a_date_comes_back_and_older_rows_are_left_alone() {
    let fleet = Fleet::start().await;
    fleet.file("acme", "deals", DEALS);
    // One a minute for two days and two hours from the first of March on.
    let expected = deals(3_000);
    fleet.world.set_deals(&expected);
    fleet.apply().await;
    let process = fleet.serve(&[]).await;
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    fleet.until("acme/deals", "succeeded").await;
    // Somebody changes rows of all days without changing their cursor: no sync sees that by itself.
    let mut changed = expected.clone();
    for one in &mut changed {
        one.name = Some("changed".to_owned());
    }
    fleet.world.set_deals(&changed);
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    fleet.until("acme/deals", "succeeded").await;
    fleet.program(&["trigger", "acme/deals", "--from", "2026-03-02"]).await.succeeded();
    let run = fleet.until("acme/deals", "succeeded").await;
    let since =
        |one: &crate::world::Deal| one.updated_at.as_ref().is_none_or(|at| at.as_str() >= "2026-03-02");
    let read = run["report"]["read"].as_u64().unwrap() as usize;
    // However long ago the last change was: what lies before that day is not asked for.
    assert_eq!(read, expected.iter().filter(|one| since(one)).count(), "{run}");
    assert!(read < expected.len());
    process.stop().await;
    let found = fleet.landed("acme", "sales.deals");
    let as_it_should_be = expected.iter().zip(&changed).map(|(old, new)| if since(old) { new } else { old });
    let first = found.iter().zip(as_it_should_be).find(|(found, expected)| found != expected);
    assert_eq!(first, None);
    assert_eq!(found.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_without_a_cursor_and_a_day_to_come_are_refused_at_once() {
    let fleet = Fleet::start().await;
    fleet.file("acme", "deals", "stream: CRM.SALES.DEALS\n");
    fleet.file("acme", "incremental", &format!("{DEALS}target: sales.again\n"));
    fleet.push_file("acme", "append", APPEND);
    fleet.world.set_deals(&[deal(1, 1)]);
    fleet.apply().await;
    for (sync, from, code) in [
        ("acme/deals", "2026-01-01", "from_without_cursor"),
        ("acme/append", "2026-01-01", "append_lookback"),
        ("acme/incremental", "2126-01-01", "from_invalid"),
        ("acme/incremental", "yesterday", "from_invalid"),
    ] {
        let refused = fleet.program(&["trigger", sync, "--from", from]).await;
        assert_eq!(refused.code, Some(3), "{sync} {from}: {}", refused.stderr);
        assert!(refused.stderr.contains(&format!("error[{code}]")), "{sync} {from}: {}", refused.stderr);
        assert!(refused.stderr.contains("to do: "), "{}", refused.stderr);
        // What nobody wrote into the file is not what is to be taken out of it.
        assert!(!refused.stderr.contains("remove `lookback`"), "{}", refused.stderr);
    }
    let process = fleet.serve(&[]).await;
    let token = fleet.program(&["token", "create", "ci", "--role", "operator"]).await.succeeded().stdout;
    let bearer = format!("authorization: Bearer {}", token.trim());
    for (sync, code) in [("deals", "from_without_cursor"), ("append", "append_lookback")] {
        let path = format!("POST /v1/tenants/acme/syncs/{sync}/trigger");
        let headers = [bearer.as_str(), "content-type: application/json"];
        let refused = request(process.address(), &path, &headers, r#"{"from": "2026-01-01"}"#).await;
        assert_eq!((refused.status, &refused.json()["code"]), (422, &code.into()), "{refused:?}");
    }
    process.stop().await;
    assert!(fleet.runs("acme").await.is_empty());
}
