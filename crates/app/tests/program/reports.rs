//! Whether what is here can be trusted, told on one page.

use serde_json::{Value, json};

use crate::exports::Customer;

#[tokio::test(flavor = "multi_thread")]
async fn a_report_tells_of_rows_on_both_sides_of_rejects_and_of_the_newest_row() {
    let customer = Customer::new().await;
    customer.world.sql(&[
        "INSERT INTO CRM.SALES.ACTIVITY VALUES (4, 'nobody <at> all', 'Call', '2026-03-09', NULL, '2026-04-02 00:00:00')",
    ]);
    customer.pull().await;
    let page = customer.world.folder().join("page.html");
    let (file, path) = (customer.activity.to_str().unwrap(), page.to_str().unwrap());
    let shown = customer.world.program(&["report", "-f", file, "--html", path]).await.succeeded().stdout;
    for expected in [
        "correctness  good: 4 rows on both sides",
        "completeness look: 3 rows were taken, 1 could not be",
        "1 identity_invalid (identity)",
        "freshness    good: the newest row of the source is here, 2026-04-02",
        "3 rows from 2026-03-01 to 2026-03-06",
    ] {
        assert!(shown.contains(expected), "no `{expected}` in {shown}");
    }
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("<svg") && html.contains("identity invalid"), "{html}");
    let without_names = html.replace("http://www.w3.org/2000/svg", "");
    assert!(
        !without_names.contains("http") && !html.contains("<script"),
        "the page needs nothing else: {html}"
    );
    assert!(!html.contains("nobody"), "no value of a row is in it");

    customer.world.sql(&[
        "INSERT INTO CRM.SALES.ACTIVITY VALUES (5, 'jo@acme.com', 'Call', '2026-03-10', NULL, '2026-04-03 00:00:00')",
    ]);
    let shown = customer.world.program(&["report", "-f", file]).await.succeeded().stdout;
    assert!(shown.contains("correctness  look: 5 rows at the source, 4 here"), "{shown}");
    assert!(shown.contains("24 hours behind"), "{shown}");
    let told =
        customer.world.program(&["report", "-f", file, "--offline", "--json"]).await.succeeded().stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["correctness"]["source_rows"], &told["completeness"]["rejected"]),
        (&Value::Null, &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_on_deals_tells_how_many_are_matched() {
    let customer = Customer::new().await;
    let shown =
        customer.world.program(&["report", "-f", customer.deals.to_str().unwrap()]).await.succeeded().stdout;
    assert!(shown.contains("matches      2 of 2 deals"), "{shown}");
    let push = customer.push("raw_actions", "dataset: raw_actions\nwrite: append\n");
    let ended = customer.world.program(&["report", "-f", push.to_str().unwrap()]).await;
    assert!(ended.code == Some(3) && ended.stderr.contains("report_of_push"), "{}", ended.stderr);
}
