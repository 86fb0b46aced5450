//! The DuckDB text that queries become.

use std::collections::BTreeMap;

use super::Binder;
use crate::sql::catalog::{Catalog, ColumnEntry, DatabaseEntry, TableEntry, TableKind};
use crate::sql::history::History;
use crate::sql::parameters::Parameters;
use crate::sql::physical::parse_type;
use crate::sql::state::SessionState;
use crate::sql::{parse, statement};

/// A session in `D.PUBLIC`, where `T (ID NUMBER(10,2), "id" VARCHAR(5), L TIMESTAMP_LTZ(9), V VARIANT)` is table 1.
fn state() -> SessionState {
    let mut catalog = Catalog::fresh(0);
    let mut database = DatabaseEntry::new("ACCOUNTADMIN", 0);
    let columns = [("ID", "NUMBER(10,2)"), ("id", "VARCHAR(5)"), ("L", "TIMESTAMP_LTZ(9)"), ("V", "VARIANT")];
    let columns = columns.iter().enumerate().map(|(place, (name, ty))| ColumnEntry {
        name: (*name).to_owned(),
        physical: format!("c{}", place + 1),
        ty: parse_type(ty).unwrap(),
        nullable: true,
        default: None,
        identity: None,
        comment: String::new(),
    });
    let table = TableEntry {
        id: 1,
        kind: TableKind::Permanent,
        form: crate::sql::catalog::TableForm::Standard,
        columns: columns.collect(),
        constraints: Vec::new(),
        cluster_by: String::new(),
        comment: String::new(),
        owner: "ACCOUNTADMIN".to_owned(),
        tracked_since: None,
        retention_days: None,
        history_from: 0,
        created_on: 0,
        last_altered: 0,
        last_ddl: 0,
    };
    database.schemas.get_mut("PUBLIC").unwrap().tables.insert("T".to_owned(), table);
    catalog.databases.insert("D".to_owned(), database);
    SessionState {
        catalog: std::sync::Arc::new(catalog),
        session_id: 1,
        user: "U".to_owned(),
        role: "ACCOUNTADMIN".to_owned(),
        uses_secondary_roles: false,
        warehouse: None,
        database: Some("D".to_owned()),
        schema: Some("PUBLIC".to_owned()),
        parameters: Parameters::default(),
        temporary: BTreeMap::new(),
        temporary_stages: BTreeMap::new(),
        temporary_formats: BTreeMap::new(),
        variables: BTreeMap::new(),
        now: 0,
        own_transaction: None,
        query_ids: Vec::new(),
        in_transaction: false,
        kept_results: BTreeMap::new(),
        history: History::default(),
        account: crate::sql::Database::open(None).unwrap(),
    }
}

fn bound(text: &str) -> String {
    let (state, bindings) = (state(), BTreeMap::new());
    let mut parser = parse::parser(text).unwrap();
    let query = statement::parse_query(&mut parser).unwrap();
    Binder::new(&state, &bindings).top_query(&query).unwrap().sql
}

#[test]
fn columns_are_resolved_to_their_numbers() {
    insta::assert_snapshot!(
        bound("select id, \"id\" from t as x where x.ID > 1"),
        @"SELECT r1.c1 AS c1, r1.c2 AS c2 FROM t1 AS r1 WHERE (r1.c1 > CAST(1 AS DECIMAL(1,0)))"
    );
}

#[test]
fn a_local_timestamp_is_compared_as_an_instant() {
    insta::assert_snapshot!(
        bound("select 1 from t where l >= '2024-01-01'"),
        @"SELECT CAST(1 AS DECIMAL(1,0)) AS c1 FROM t1 AS r1 WHERE (r1.c3 >= sf_parse_ns('2024-01-01', 'AUTO', 'America/Los_Angeles', 'utc'))"
    );
}

#[test]
fn paths_become_json_paths() {
    insta::assert_snapshot!(
        bound("select v:a.b[0]::int from t"),
        @r#"SELECT CAST(trim(json_extract_string(json_extract(r1.c4, '$."a"."b"[0]'), '$')) AS DECIMAL(38,0)) AS c1 FROM t1 AS r1"#
    );
}

#[test]
fn order_by_says_where_nulls_go() {
    insta::assert_snapshot!(
        bound("select id as k from t order by k desc, 1 limit 3"),
        @"SELECT r1.c1 AS c1 FROM t1 AS r1 ORDER BY (r1.c1) DESC NULLS FIRST, r1.c1 ASC NULLS LAST LIMIT 3"
    );
}

#[test]
fn a_sum_has_38_digits_and_an_average_is_exact() {
    insta::assert_snapshot!(
        bound("select sum(id), avg(id) from t"),
        @"SELECT CAST(sum(r1.c1) AS DECIMAL(38,2)) AS c1, CAST((sf_divide(sum(r1.c1), NULLIF(count(r1.c1), 0), 8) * CAST(0.00000001 AS DECIMAL(8,8))) AS DECIMAL(38,8)) AS c2 FROM t1 AS r1"
    );
}
