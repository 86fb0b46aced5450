//! fakesnow, a server that no one here wrote, as witness: our client must read what its own Python client reads.
//!
//! It serves inline Arrow results only and has faults of its own; those are left out by name in [`EXCLUDED`] and
//! listed in docs/testing.md.

mod rendering;
mod server;

use aws_lc_rs::digest::{Context, SHA256};
use snowflake::Session;

use self::rendering::rows_of;
use self::server::Fakesnow;

/// What fakesnow 0.12.1 gets wrong, so that it cannot witness it.
const EXCLUDED: [(&str, &str); 7] = [
    ("NULL timestamps", "arrive as 1970-01-01 in every client"),
    ("NUMBER beyond 64 bits", "is stored as BIGINT and refused"),
    ("TIMESTAMP_TZ offsets", "are lost: everything becomes UTC"),
    ("TIMESTAMP_LTZ", "is announced as TIMESTAMP_TZ"),
    ("nanoseconds", "are cut to microseconds"),
    ("ARRAY of mixed types", "is refused"),
    ("GEOGRAPHY and VECTOR", "do not exist"),
];

/// Types with the values of which its own client and ours must agree.
const TYPES: [(&str, &[&str]); 16] = [
    ("NUMBER(38,0)", &["0", "-1", "127", "32768", "-2147483649", "9223372036854775807", "NULL"]),
    ("NUMBER(18,0)", &["0", "999999999999999999", "-999999999999999999", "NULL"]),
    ("NUMBER(3,0)", &["0", "-128", "999", "NULL"]),
    ("NUMBER(18,4)", &["0", "12345678901234.5678", "-0.0001", "NULL"]),
    ("NUMBER(38,37)", &["0", "'9.9999999999999999999999999999999999999'", "NULL"]),
    ("FLOAT", &["0", "0.1", "-1.5e300", "'NaN'", "'inf'", "'-inf'", "NULL"]),
    ("VARCHAR", &["''", "' '", "'it''s'", "'NULL'", "'Zürich 雪 ❄ 🦀'", "NULL"]),
    ("BINARY", &["TO_BINARY('', 'HEX')", "TO_BINARY('DEADBEEF00FF', 'HEX')", "NULL"]),
    ("BOOLEAN", &["TRUE", "FALSE", "NULL"]),
    ("DATE", &["'0001-01-01'", "'1969-12-31'", "'1970-01-01'", "'2024-02-29'", "'9999-12-31'", "NULL"]),
    ("TIME", &["'00:00:00'", "'12:34:56.123456'", "'23:59:59.999999'", "NULL"]),
    (
        "TIMESTAMP_NTZ",
        &[
            "'1970-01-01 00:00:00'",
            "'2024-02-29 12:34:56.123456'",
            "'1969-12-31 23:59:59.5'",
            "'1900-01-01 00:00:00.000001'",
        ],
    ),
    ("VARIANT", &[r#"PARSE_JSON('{"a": [1, null, "x"], "b": {"c": true}}')"#, "PARSE_JSON('null')", "NULL"]),
    ("OBJECT", &["OBJECT_CONSTRUCT('key', 'value', 'number', 1)", "NULL"]),
    ("ARRAY", &["ARRAY_CONSTRUCT(1, 2, 3)", "NULL"]),
    ("VARCHAR(3)", &["'abc'", "NULL"]),
];

const MANY_ROWS: usize = 100_000;

async fn run(session: &Session, sql: &str) {
    session.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:#}"));
}

async fn read(session: &Session, sql: &str) -> Vec<String> {
    let batches = session.query(sql).await.unwrap().collect().await.unwrap();
    batches.iter().flat_map(rows_of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_reads_as_in_fakesnows_own_client() {
    let Some(fakesnow) = Fakesnow::start() else { return };
    let session = fakesnow.session().await;
    for (number, (ty, values)) in TYPES.iter().enumerate() {
        let selects: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(id, value)| format!("SELECT {id} AS ID, ({value})::{ty} AS V"))
            .collect();
        run(&session, &format!("CREATE OR REPLACE TABLE TYPE_{number} (ID INTEGER, V {ty})")).await;
        run(&session, &format!("INSERT INTO TYPE_{number} {}", selects.join(" UNION ALL "))).await;
        let sql = format!("SELECT ID, V FROM TYPE_{number} ORDER BY ID");
        let ours = read(&session, &sql).await;
        assert_eq!(ours.len(), values.len(), "{ty}");
        assert_eq!(ours, fakesnow.rows(&sql), "{ty}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_rows_read_as_in_fakesnows_own_client() {
    let Some(fakesnow) = Fakesnow::start() else { return };
    let session = fakesnow.session().await;
    let create = format!(
        "CREATE TABLE BIG AS SELECT N AS ID, (N / 100)::NUMBER(18,2) AS AMOUNT, 'row ' || N AS LABEL, MOD(N, 7) = 0 AS FLAG, \
         DATEADD(SECOND, N, '2020-01-01'::TIMESTAMP_NTZ) AS SEEN_AT, IFF(MOD(N, 10) = 0, NULL, N::FLOAT / 3) AS SCORE \
         FROM (SELECT ROW_NUMBER() OVER (ORDER BY SEQ8()) - 1 AS N FROM TABLE(GENERATOR(ROWCOUNT => {MANY_ROWS})))"
    );
    run(&session, &create).await;
    let sql = "SELECT ID, AMOUNT, LABEL, FLAG, SEEN_AT, SCORE FROM BIG ORDER BY ID";
    let ours = read(&session, sql).await;
    assert_eq!(ours.len(), MANY_ROWS);
    let mut digest = Context::new(&SHA256);
    ours.iter().for_each(|row| digest.update(format!("{row}\n").as_bytes()));
    let digest: String = digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((MANY_ROWS, digest), fakesnow.digest(sql));
}

#[tokio::test(flavor = "multi_thread")]
async fn its_errors_keep_their_code_and_state() {
    let Some(fakesnow) = Fakesnow::start() else { return };
    let error = fakesnow.session().await.query("SELECT * FROM NOWHERE").await.unwrap_err();
    assert_eq!((error.code(), error.sql_state()), (Some("002003"), Some("42S02")));
}

#[test]
fn what_it_cannot_witness_is_listed_in_the_documentation() {
    let documentation = include_str!("../../../../docs/testing.md");
    for (what, why) in EXCLUDED {
        assert!(
            documentation.contains(&format!("{what}: {why}")),
            "docs/testing.md does not say: {what}: {why}"
        );
    }
}
