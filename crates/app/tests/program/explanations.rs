//! Why the model says what it says.

use serde_json::Value;

use crate::exports::Customer;

#[tokio::test(flavor = "multi_thread")]
async fn people_companies_and_deals_are_explained_by_the_rows_that_they_were_made_from() {
    let customer = Customer::new().await;
    let path = customer.deals.to_str().unwrap();
    let explain =
        async |kind: &str, who: &str| customer.world.program(&["explain", "-f", path, kind, who]).await;
    for (kind, who, expected) in [
        ("person", "Jo@ACME.com", &["acme.com", "activity", "o1", "known as one"][..]),
        ("company", "https://www.globex.com/", &["globex.com", "al@globex.com", "o2"]),
        ("deal", "o1", &["matched", "email", "Meeting", "in the window", "what it was before"]),
        ("deal", "o3", &["Proposal", "nothing"]),
    ] {
        let shown = explain(kind, who).await.succeeded().stdout;
        for expected in expected {
            assert!(shown.contains(expected), "{kind} {who}: no `{expected}` in {shown}");
        }
    }
    let told =
        customer.world.program(&["explain", "-f", path, "deal", "o2", "--json"]).await.succeeded().stdout;
    let parts: Value = serde_json::from_str(&told).unwrap();
    let activity = &parts[2]["rows"];
    assert_eq!(
        activity.as_array().unwrap().len(),
        4,
        "two actions by person and the same by company: {activity}"
    );
    assert_eq!(activity[0]["match_rule"], "email");
    assert_eq!(
        activity[0]["action_id"], parts[1]["rows"][0]["matched_action_id"],
        "the first is the main activity"
    );

    let ended = explain("person", "nobody@acme.com").await;
    assert!(ended.code == Some(6) && ended.stderr.contains("subject_unknown"), "{}", ended.stderr);
    let ended = explain("person", "nobody").await;
    assert!(ended.code == Some(3) && ended.stderr.contains("identity_unreadable"), "{}", ended.stderr);
}
