//! The claims themselves: each takes a session and reads only.

use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{Array, RecordBatch};
use futures_util::TryStreamExt;
use serde::Deserialize;
use snowflake::{DecodeOptions, ErrorKind, Session, Statement, WideTimestamps};

use super::values::{canonical, cut_to_microseconds, text_of};

/// The list that the official drivers are compared with too.
const TYPES: &str = include_str!("../../../emulator/tests/judges/types.json");
const MILLION: usize = 1_000_000;

#[derive(Deserialize)]
struct Case {
    #[serde(rename = "type")]
    ty: String,
    /// SQL expression and canonical text; NULL has no text.
    values: Vec<(String, Option<String>)>,
}

async fn read(session: &Session, statement: Statement, options: DecodeOptions) -> Vec<RecordBatch> {
    let result = session.query(statement).await.unwrap();
    let batches = result.batches(options).unwrap();
    batches.map_ok(snowflake::ResultBatch::into_batch).try_collect().await.unwrap()
}

pub(super) async fn every_value_of_every_type_arrives_exactly(session: &Session) {
    let cases: Vec<Case> = serde_json::from_str(TYPES).unwrap();
    for Case { ty, values } in cases {
        // Nanoseconds in 64 bits reach from 1677 to 2262; the client refuses others unless told to read microseconds.
        let (near, far): (Vec<_>, Vec<_>) =
            values.into_iter().partition(|(_, text)| fits_nanoseconds(&ty, text.as_deref()));
        let exact: Vec<_> =
            near.iter().map(|(_, text)| text.clone().map(|text| canonical(&ty, &text))).collect();
        assert_eq!(read_values(session, &ty, &near, WideTimestamps::Refuse).await, exact, "{ty}");
        if !far.is_empty() {
            let cut: Vec<_> = far.iter().map(|(_, text)| text.as_deref().map(cut_to_microseconds)).collect();
            assert_eq!(read_values(session, &ty, &far, WideTimestamps::Microseconds).await, cut, "{ty}");
        }
    }
}

fn fits_nanoseconds(ty: &str, text: Option<&str>) -> bool {
    let Some(text) = text.filter(|_| ty.starts_with("TIMESTAMP") && ty.ends_with("(9)")) else { return true };
    ("1678".."2262").contains(&&text[..4])
}

async fn read_values(
    session: &Session,
    ty: &str,
    values: &[(String, Option<String>)],
    wide_timestamps: WideTimestamps,
) -> Vec<Option<String>> {
    let selects: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(id, (sql, _))| format!("SELECT {id} AS ID, ({sql})::{ty} AS V"))
        .collect();
    let sql = format!("SELECT V FROM ({}) ORDER BY ID", selects.join(" UNION ALL "));
    let batches = read(session, sql.into(), DecodeOptions { wide_timestamps }).await;
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| text_of(ty, batch, row))).collect()
}

pub(super) async fn a_million_rows_arrive_in_order(session: &Session) {
    let sql = format!(
        "SELECT N, 'row ' || N AS LABEL FROM \
         (SELECT ROW_NUMBER() OVER (ORDER BY SEQ8()) - 1 AS N FROM TABLE(GENERATOR(ROWCOUNT => {MILLION}))) ORDER BY N"
    );
    let result = session.query(sql).await.unwrap();
    assert_eq!(result.total_rows(), MILLION as u64);
    assert!(result.chunk_count() > 1, "{} chunks", result.chunk_count());
    let mut next = 0;
    for batch in result.collect().await.unwrap() {
        let labels = batch.column(1).as_string::<i32>();
        for row in 0..batch.num_rows() {
            assert_eq!(labels.value(row), format!("row {next}"));
            next += 1;
        }
    }
    assert_eq!(next, MILLION);
}

pub(super) async fn a_result_is_read_again_by_its_query_id(session: &Session) {
    let handle = session.submit("SELECT SYSTEM$WAIT(1), 7::NUMBER(38,0) AS SEVEN").await.unwrap();
    let first = handle.wait().await.unwrap().collect().await.unwrap();
    let again = session.result(handle.query_id()).await.unwrap().collect().await.unwrap();
    assert_eq!(first, again);
    assert_eq!(again[0].column(1).as_primitive::<Decimal128Type>().value(0), 7);
}

pub(super) async fn bound_values_come_back(session: &Session) {
    let statement = Statement::new("SELECT ?::VARCHAR AS T, ?::FLOAT AS F, ?::BOOLEAN AS L")
        .bind("it's ❄")
        .bind(0.1)
        .bind(true);
    let batches = read(session, statement, DecodeOptions::default()).await;
    let column = |index: usize| batches[0].column(index);
    assert_eq!(column(0).as_string::<i32>().value(0), "it's ❄");
    assert_eq!(
        column(1).as_primitive::<arrow_array::types::Float64Type>().value(0).to_bits(),
        0.1_f64.to_bits()
    );
    assert!(column(2).as_boolean().value(0) && column(2).null_count() == 0);
}

pub(super) async fn errors_have_code_state_and_kind(session: &Session) {
    let expectations = [
        ("SELECT * FROM SNOWFERRY_NOWHERE.PUBLIC.NOTHING", ErrorKind::NotFound, "002003", ["02000", "42S02"]),
        ("SELEC 1", ErrorKind::Statement, "001003", ["42000"; 2]),
        ("SELECT 1 / 0", ErrorKind::Data, "100051", ["22012"; 2]),
    ];
    for (sql, kind, code, states) in expectations {
        let error = session.query(sql).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, Some(code)), "{sql}: {error:#}");
        assert!(states.contains(&error.sql_state().unwrap_or_default()), "{sql}: {error:#}");
        assert!(error.query_id().is_some(), "{sql}");
    }
}

pub(super) async fn a_running_statement_is_cancelled(session: &Session) {
    let handle = session.submit("SELECT SYSTEM$WAIT(60)").await.unwrap();
    assert!(handle.cancel().await.unwrap(), "it was running");
    assert_eq!(handle.wait().await.unwrap_err().kind(), ErrorKind::Cancelled);
}
