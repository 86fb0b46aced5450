//! Tables of random columns and values: read, written into another table, and compared there by DuckDB itself.

use connectors::duckdb::DuckDbDestination;
use futures_util::StreamExt;
use model::{Checkpoint, Destination, LogicalType, ReadEvent, Source, StreamPlan};
use proptest::prelude::*;

use super::world::{World, table};

/// Types, each with literals of which a random one, or NULL, is taken for each row.
const TYPES: &[(&str, &[&str])] = &[
    ("BOOLEAN", &["TRUE", "FALSE"]),
    ("TINYINT", &["-128", "0", "127"]),
    ("SMALLINT", &["-32768", "7"]),
    ("INTEGER", &["-2147483648", "2147483647"]),
    ("BIGINT", &["'-9223372036854775808'", "9223372036854775807", "0"]),
    ("UTINYINT", &["0", "255"]),
    ("USMALLINT", &["65535"]),
    ("UINTEGER", &["4294967295"]),
    ("UBIGINT", &["0", "18446744073709551615"]),
    ("HUGEINT", &["-99999999999999999999999999999999999999", "99999999999999999999999999999999999999", "0"]),
    ("UHUGEINT", &["99999999999999999999999999999999999999", "1"]),
    ("FLOAT", &["'nan'", "'inf'", "-0.0", "3.4e38", "1e-45"]),
    ("DOUBLE", &["'nan'", "'-inf'", "1.7976931348623157e308", "5e-324", "0.1"]),
    ("DECIMAL(1,1)", &["0.9", "-0.9"]),
    ("DECIMAL(9,4)", &["99999.9999", "-0.0001"]),
    ("DECIMAL(18,0)", &["999999999999999999"]),
    ("DECIMAL(38,10)", &["9999999999999999999999999999.9999999999", "-1"]),
    ("VARCHAR", &["''", "'\u{1F980}'", "'a' || chr(0) || 'b'", "repeat('long ', 100)", "'it''s'"]),
    ("BLOB", &["''", "'\\x00\\xFF'"]),
    ("DATE", &["'0001-01-01'", "'9999-12-31'", "'4713-01-01 (BC)'"]),
    ("TIME", &["'00:00:00'", "'23:59:59.999999'"]),
    ("TIME_NS", &["'00:00:00.000000001'", "'23:59:59.999999999'"]),
    ("TIMESTAMP_S", &["'9999-12-31 23:59:59'", "'1969-12-31 23:59:59'"]),
    ("TIMESTAMP_MS", &["'1969-12-31 23:59:59.999'"]),
    ("TIMESTAMP", &["'0001-01-01'", "'9999-12-31 23:59:59.999999'"]),
    ("TIMESTAMP_NS", &["'1677-09-22'", "'2262-04-11 23:47:16.854775806'"]),
    ("TIMESTAMPTZ", &["'0001-01-01 00:00:00+00'", "'2026-10-25 02:30:00.000001+02'"]),
    ("UUID", &["'0cb51f36-4a52-4d30-b0c5-6d1b1f2d1f77'"]),
    ("ENUM('one', 'it''s two')", &["'one'", "'it''s two'"]),
    ("BIT", &["'0'", "'0101010111'"]),
    ("JSON", &["'null'", "'{\"a\" : [1, {}]}'", "'1e400'"]),
    ("INTEGER[]", &["[]", "[1, NULL]"]),
    ("STRUCT(a VARCHAR, b INTEGER[])", &["{'a': 'x\"\\', 'b': NULL}", "{'a': NULL, 'b': [1]}"]),
    ("MAP(VARCHAR, DOUBLE)", &["MAP {}", "MAP {'k': 0.5}"]),
    ("UNION(n INTEGER, s VARCHAR)", &["union_value(n := 1)", "union_value(s := 'x')"]),
    ("FLOAT[3]", &["[1.5, -2.5, 3.4e38]", "[0, 0, 0]"]),
    ("INTEGER[2]", &["[-2147483648, 2147483647]"]),
    ("DOUBLE[2]", &["[0.1, 5e-324]"]),
];

#[derive(Clone, Debug)]
struct Sample {
    types: Vec<usize>,
    /// For each row and column the literal to take; NULL where there are not so many.
    rows: Vec<Vec<usize>>,
}

fn samples() -> impl Strategy<Value = Sample> {
    (prop::collection::vec(0..TYPES.len(), 1..8), 0..30_usize).prop_flat_map(|(types, row_count)| {
        let row = prop::collection::vec(0..6_usize, types.len());
        prop::collection::vec(row, row_count).prop_map(move |rows| Sample { types: types.clone(), rows })
    })
}

impl Sample {
    fn create_sql(&self) -> String {
        let columns: Vec<String> =
            self.types.iter().enumerate().map(|(place, of)| format!("c{place} {}", TYPES[*of].0)).collect();
        let mut sql = format!("CREATE OR REPLACE TABLE t (id BIGINT, {});", columns.join(", "));
        for (id, row) in self.rows.iter().enumerate() {
            let values = self.types.iter().zip(row);
            let values: Vec<&str> =
                values.map(|(of, literal)| TYPES[*of].1.get(*literal).copied().unwrap_or("NULL")).collect();
            sql.push_str(&format!("INSERT INTO t VALUES ({id}, {});", values.join(", ")));
        }
        sql
    }

    /// Counts the rows of both tables that are not the same in the other, in the types that were landed.
    fn differences(&self, world: &World, plan: &StreamPlan) -> u64 {
        let differing = plan.columns.iter().map(|column| {
            let name = &column.target;
            let is_nested = column.logical_type == LogicalType::Json
                && name
                    .strip_prefix('c')
                    .is_some_and(|place| TYPES[self.types[place.parse::<usize>().unwrap()]].0 != "JSON");
            let read = if is_nested { format!("to_json(t.{name})::VARCHAR") } else { format!("t.{name}") };
            let landed = world.text(&format!(
                "SELECT data_type FROM duckdb_columns()
                 WHERE schema_name = 'crm' AND table_name = 'landed' AND column_name = '{name}'"
            ));
            format!("CAST({read} AS {landed}) IS DISTINCT FROM landed.{name}")
        });
        let condition: Vec<String> = differing.collect();
        world.count(&format!(
            "SELECT count(*)::UBIGINT FROM t FULL JOIN crm.landed ON t.id = landed.id
             WHERE t.id IS NULL OR landed.id IS NULL OR {}",
            condition.join(" OR ")
        ))
    }
}

/// Reads a table and writes it into another one, as a run would.
async fn carry(world: &World) -> StreamPlan {
    let mut plan = world.plan(&table("t")).await.unwrap();
    let destination = DuckDbDestination::on(world.database.clone()).unwrap();
    plan.epoch = destination
        .progress(&plan.stream, &plan.target)
        .await
        .unwrap()
        .epoch
        .map_or(plan.epoch, model::Epoch::next);
    destination.prepare(&plan).await.unwrap();
    destination.discard_staged(&plan).await.unwrap();
    let mut read = world.source.read(&plan).await.unwrap();
    let mut row_count = 0;
    while let Some(event) = read.events.next().await {
        match event.unwrap() {
            ReadEvent::Batch(batch) => {
                row_count += batch.rows.num_rows() as u64;
                destination.stage(&plan, batch).await.unwrap();
            }
            ReadEvent::End(end) => {
                let checkpoint = Checkpoint { cursor: end.cursor, row_count };
                destination.commit(&plan, checkpoint).await.unwrap();
                return plan;
            }
        }
    }
    panic!("the read stopped without its end");
}

#[test]
fn whatever_a_table_holds_arrives_unchanged() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = World::new();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&samples(), |sample| {
        world.execute(&sample.create_sql());
        let plan = runtime.block_on(carry(&world));
        prop_assert_eq!(sample.differences(&world, &plan), 0);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}\n{runner}"));
}

/// Every type at once, with every literal, so that none depends on chance.
#[test]
fn every_literal_of_every_type_arrives_unchanged() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = World::new();
    for (of, (data_type, _)) in TYPES.iter().enumerate() {
        let sample = Sample { types: vec![of], rows: (0..6).map(|literal| vec![literal]).collect() };
        world.execute(&sample.create_sql());
        let plan = runtime.block_on(carry(&world));
        assert_eq!(plan.columns.len(), 2);
        assert_eq!(sample.differences(&world, &plan), 0, "{data_type}");
    }
}
