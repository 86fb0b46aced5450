//! `snowferry trigger --from`: what has changed since a date is read once more.

use crate::fleet::Fleet;
use crate::world::{DEALS, deal, deals};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_since_a_date_comes_back_and_older_rows_are_left_alone() {
    let fleet = Fleet::start().await;
    fleet.file("acme", "deals", DEALS);
    // A thousand rows: ticks of minutes from the first of March on, so nothing passes the account's clock.
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
    assert!(read >= expected.iter().filter(|one| since(one)).count(), "{run}");
    process.stop().await;
    for (landed, (old, new)) in fleet.landed("acme", "sales.deals").iter().zip(expected.iter().zip(&changed))
    {
        assert!(landed == new || (!since(old) && landed == old), "{landed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_without_a_cursor_and_a_day_to_come_are_refused_at_once() {
    let fleet = Fleet::start().await;
    fleet.file("acme", "deals", "stream: CRM.SALES.DEALS\n");
    fleet.file("acme", "incremental", &format!("{DEALS}target: sales.again\n"));
    fleet.world.set_deals(&[deal(1, 1)]);
    fleet.apply().await;
    for (sync, from, code) in [
        ("acme/deals", "2026-01-01", "from_without_cursor"),
        ("acme/incremental", "2126-01-01", "from_invalid"),
        ("acme/incremental", "yesterday", "from_invalid"),
    ] {
        let refused = fleet.program(&["trigger", sync, "--from", from]).await;
        assert_eq!(refused.code, Some(3), "{sync} {from}: {}", refused.stderr);
        assert!(refused.stderr.contains(&format!("error[{code}]")), "{sync} {from}: {}", refused.stderr);
        assert!(refused.stderr.contains("to do: "), "{}", refused.stderr);
    }
    assert!(fleet.runs("acme").await.is_empty());
}
