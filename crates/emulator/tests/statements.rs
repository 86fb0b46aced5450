//! Statements from submission to result.

use crate::client::{Client, inline_batches, start};

#[tokio::test]
async fn select_one_comes_back_as_arrow() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let reply = client.query("select 1").await.succeeded();
    assert_eq!(reply.data()["queryResultFormat"], "arrow");
    assert_eq!(reply.data()["total"], 1);
    assert_eq!(inline_batches(&reply)[0].num_rows(), 1);
}
