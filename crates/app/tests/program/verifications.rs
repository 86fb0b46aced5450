//! Comparisons of both sides, and what they heal.

use crate::pulls::last_event;
use crate::world::{ALL_DEALS, DEALS, World, deals};

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_ends_with_a_code_of_its_own_and_is_healed_where_that_is_asked_for() {
    let world = World::start().await;
    let file = world.sync(ALL_DEALS);
    let file = file.to_str().unwrap();
    let expected = deals(300);
    world.set_deals(&expected);
    let ended = world.program(&["verify", "-f", file]).await;
    assert_eq!(ended.code, Some(6), "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing_to_verify"), "{}", ended.stderr);

    world.program(&["run", "-f", file]).await.succeeded();
    let shown = world.program(&["verify", "-f", file]).await.succeeded().stdout;
    assert!(shown.starts_with("equal deals: 300 rows here, 300 rows in"), "{shown}");

    world.vendor("DELETE FROM sales.deals WHERE \"ID\" IN (5, 6)");
    world.vendor("UPDATE sales.deals SET \"NAME\" = 'secret name' WHERE \"ID\" = 9");
    let ended = world.program(&["verify", "-f", file]).await;
    assert_eq!(ended.code, Some(7), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("2 missing, 0 too many, 1 with other values"), "{}", ended.stdout);
    assert!(ended.stderr.contains("--heal"), "{}", ended.stderr);
    assert!(!ended.stdout.contains("secret") && !ended.stderr.contains("secret"));

    let ended = world.program(&["verify", "-f", file, "--heal", "--json"]).await.succeeded();
    let event = last_event(&ended.stdout);
    assert_eq!((&event["event"], &event["is_equal"]), (&"verified".into(), &true.into()));
    assert_eq!(event["report"]["difference"]["missing"], 2);
    assert!(event["report"]["healed"]["row_count"].as_u64().unwrap() < 100, "{event}");
    world.assert_landed(&expected, "after healing");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_gone_at_the_source_go_when_it_is_time() {
    let world = World::start().await;
    let file = world.sync(&format!("{DEALS}deletes: {{ reconcile: 24h }}\n"));
    let file = file.to_str().unwrap();
    world.set_deals(&deals(200));
    let first = world.program(&["run", "-f", file, "--json"]).await.succeeded();
    assert_eq!(last_event(&first.stdout)["report"]["removed"], 0);
    world.set_deals(&deals(180));
    world.program(&["run", "-f", file]).await.succeeded();
    world.assert_landed(&deals(200), "before it is time");
    world.vendor("UPDATE _snowferry.comparisons SET compared_at = compared_at - INTERVAL 25 HOURS");
    let third = world.program(&["run", "-f", file, "--json"]).await.succeeded();
    assert_eq!(last_event(&third.stdout)["report"]["removed"], 20, "{}", third.stdout);
    world.assert_landed(&deals(180), "after the reconciliation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_compares_and_heals_when_it_is_time() {
    let world = World::start().await;
    let file = world.sync(&format!("{DEALS}verify: {{ every: 24h, heal: true }}\n"));
    let file = file.to_str().unwrap();
    let expected = deals(200);
    world.set_deals(&expected);
    let first = world.program(&["run", "-f", file, "--json"]).await.succeeded();
    assert_eq!(last_event(&first.stdout)["event"], "verified");
    world.vendor("UPDATE sales.deals SET \"NAME\" = 'wrong' WHERE \"ID\" = 9");
    let second = world.program(&["run", "-f", file, "--json"]).await.succeeded();
    assert_eq!(last_event(&second.stdout)["event"], "done", "it is not time yet");
    world.vendor("UPDATE _snowferry.comparisons SET compared_at = compared_at - INTERVAL 25 HOURS");
    let third = world.program(&["run", "-f", file, "--json"]).await.succeeded();
    let event = last_event(&third.stdout);
    assert_eq!(event["report"]["difference"]["different"], 1, "{event}");
    world.assert_landed(&expected, "after healing");
}
