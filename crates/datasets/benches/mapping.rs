//! How many rows a second one core maps to custom actions with eight extras. `cargo bench -p datasets --bench mapping`.

use std::sync::Arc;
use std::time::Instant;

use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, PrimitiveArray, RecordBatch,
    StringArray,
};
use arrow_schema::Schema;
use datasets::{Context, Dataset, DatasetConfig, Mapping, Stamps};
use model::{LogicalType, PlannedColumn};

/// Rows of a batch: about what a chunk of Snowflake's holds.
const BATCH_ROWS: usize = 20_000;
const BATCHES: usize = 100;
const ROUNDS: usize = 5;

fn columns() -> Vec<(&'static str, LogicalType, ArrayRef)> {
    let rows = 0..BATCH_ROWS;
    let texts = |text: fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.clone().map(text)))
    };
    let whole = |number: fn(i64) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values((0_i64..).take(BATCH_ROWS).map(number)))
    };
    let moments = |start: i64| -> ArrayRef {
        let values = (0_i64..).take(BATCH_ROWS).map(|row| start + row * 1_234_567);
        Arc::new(PrimitiveArray::<TimestampMicrosecondType>::from_iter_values(values))
    };
    let money = LogicalType::Decimal { precision: 12, scale: 2 };
    let amounts = Decimal128Array::from_iter_values((0_i128..).take(BATCH_ROWS).map(|row| row * 137));
    let scores = Float64Array::from_iter((0_u32..).take(BATCH_ROWS).map(|row| Some(f64::from(row) / 7.0)));
    let flags: BooleanArray = rows.clone().map(|row| Some(row % 3 == 0)).collect();
    let timestamp = LogicalType::Timestamp { scale: 6, is_wide: false };
    vec![
        ("ID", LogicalType::Int64, whole(|row| row)),
        ("EMAIL", LogicalType::Text, texts(|row| format!("Person.{row}@Company-{}.com", row % 997))),
        ("DATE", timestamp.clone(), moments(1_772_361_000_000_000)),
        ("ACTION_NAME", LogicalType::Text, texts(|row| ["meeting", "call", "demo"][row % 3].to_owned())),
        ("SUBJECT", LogicalType::Text, texts(|row| format!("Follow-up number {row} on the offer"))),
        ("OWNER", LogicalType::Text, texts(|row| format!("owner-{}", row % 40))),
        ("DURATION", LogicalType::Int64, whole(|row| row % 90)),
        ("AMOUNT", money.clone(), Arc::new(amounts.with_data_type(money.arrow_type()))),
        ("IS_WON", LogicalType::Bool, Arc::new(flags)),
        ("SCORE", LogicalType::Float64, Arc::new(scores)),
        ("CREATED_AT", timestamp, moments(1_700_000_000_000_000)),
    ]
}

fn main() {
    let columns = columns();
    let planned: Vec<PlannedColumn> = columns
        .iter()
        .map(|(name, logical_type, _)| PlannedColumn {
            source: (*name).to_owned(),
            target: (*name).to_owned(),
            logical_type: logical_type.clone(),
            is_nullable: true,
            is_lossy: false,
        })
        .collect();
    let context = Context { key: vec!["ID".to_owned()], ..Context::default() };
    let config = DatasetConfig::new(Dataset::CustomActions);
    let mapping =
        Mapping::compile(&config, &planned, &context).expect("the columns are those of the contract");
    let fields: Vec<_> = columns.iter().flat_map(|(name, kind, _)| kind.arrow_fields(name, true)).collect();
    let arrays = columns.into_iter().map(|(_, _, values)| values).collect();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("as many values as rows");
    assert_eq!(mapping.report().properties.len(), 8, "eight extras");
    for round in 1..=ROUNDS {
        let started = Instant::now();
        let mut bytes = 0;
        for _ in 0..BATCHES {
            let mapped = mapping.map(&rows, &Stamps::default()).expect("the rows are fine");
            assert!(mapped.rejects.is_empty());
            bytes += mapped.rows.get_array_memory_size();
        }
        let row_count = u32::try_from(BATCH_ROWS * BATCHES).expect("a few million");
        println!(
            "round {round}: {:.2} million rows/s, {:.0} bytes a row",
            f64::from(row_count) / started.elapsed().as_secs_f64() / 1e6,
            bytes as f64 / f64::from(row_count)
        );
    }
}
