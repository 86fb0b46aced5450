//! Lists of stage files as typed rows, and removal.

use serde_json::{Value, json};
use snowflake::{ErrorKind, StageLocation};

use super::service::sql;
use crate::server::{QUERY, Server, success};

/// A result in the form of `LIST` and `REMOVE`: JSON rows of texts, and one number.
fn reply(columns: &[(&str, &str)], rows: &[&[Option<&str>]]) -> Value {
    let rowtype: Vec<Value> = columns
        .iter()
        .map(|(name, kind)| {
            json!({ "name": name, "type": kind, "nullable": true, "length": 1024, "byteLength": 4096,
                    "precision": 20, "scale": 0 })
        })
        .collect();
    success(json!({ "rowtype": rowtype, "rowset": rows, "total": rows.len(), "returned": rows.len(),
                    "queryId": "01a1", "queryResultFormat": "json", "statementTypeId": 24576 }))
}

const LISTED: [(&str, &str); 4] =
    [("name", "text"), ("size", "fixed"), ("md5", "text"), ("last_modified", "text")];

#[tokio::test]
async fn a_list_is_read_as_typed_rows() {
    let server = Server::start().await;
    let session = server.session().await;
    server.then_json(
        QUERY,
        reply(
            &LISTED,
            &[
                &[
                    Some("run/a b"),
                    Some("5368709120"),
                    Some("9e107d9d"),
                    Some("Mon, 11 Sep 2023 16:53:36 GMT"),
                ],
                &[Some("run/b"), Some("0"), None, None],
            ],
        ),
    );
    let files = session.list_stage(&StageLocation::user("run/").unwrap()).await.unwrap();
    assert_eq!(sql(&server.asked(QUERY)[0]), "LIST '@~/run/'");
    assert_eq!((files[0].name.as_str(), files[0].size), ("run/a b", 5_368_709_120));
    assert_eq!(files[0].md5.as_deref(), Some("9e107d9d"));
    assert_eq!(files[0].last_modified, Some("2023-09-11T16:53:36Z".parse().unwrap()));
    assert_eq!((files[1].size, &files[1].md5, files[1].last_modified), (0, &None, None));
    server.then_json(QUERY, reply(&LISTED, &[]));
    assert!(session.list_stage(&StageLocation::user("").unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_removal_says_what_it_removed() {
    let server = Server::start().await;
    let session = server.session().await;
    let columns = [("name", "text"), ("result", "text")];
    server.then_json(
        QUERY,
        reply(&columns, &[&[Some("run/a"), Some("removed")], &[Some("run/b"), Some("removed")]]),
    );
    let table = StageLocation::table(&"db.s.t".parse().unwrap(), "run/").unwrap();
    let removed = session.remove_from_stage(&table, Some(r".*\.parquet")).await.unwrap();
    assert_eq!(removed, ["run/a", "run/b"]);
    assert_eq!(sql(&server.asked(QUERY)[0]), r#"REMOVE '@"DB"."S".%"T"/run/' PATTERN='.*\\.parquet'"#);
}

#[tokio::test]
async fn a_list_without_its_columns_is_an_error() {
    let server = Server::start().await;
    let session = server.session().await;
    server.then_json(QUERY, reply(&[("name", "text")], &[&[Some("x")]]));
    let error = session.list_stage(&StageLocation::user("").unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}
