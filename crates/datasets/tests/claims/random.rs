//! Properties that hold for any input.

use std::collections::BTreeMap;

use datasets::properties::{domain, email, snake_case};
use datasets::{Dataset, DatasetChoice, Stamps};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::stream::{Col, batch, boolean, col, compile, document, float, int, map, moment, shown, text};

fn written() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9.@/:?#\\-_ +<>\"'ü]{0,40}",
        "(https?://)?(www\\.){0,2}[a-zA-ZäÖü0-9-]{1,10}\\.(com|co\\.uk|de|COM\\.)(:[0-9]{1,4})?(/[a-z]*)?",
        "[a-zA-Z.+\"' <]{1,10}@(www\\.)?[a-zA-Zäß0-9-]{1,10}\\.(com|de|co\\.uk)[.> ]{0,2}",
    ]
}

/// A column of any type with some rows.
fn column(name: &'static str, row_count: usize) -> impl Strategy<Value = Col> {
    let rows = row_count..=row_count;
    prop_oneof![
        prop::collection::vec(prop::option::of(written()), rows.clone())
            .prop_map(move |values| { text(name, &values.iter().map(Option::as_deref).collect::<Vec<_>>()) }),
        prop::collection::vec(prop::option::of(any::<i64>()), rows.clone())
            .prop_map(move |values| int(name, &values)),
        prop::collection::vec(prop::option::of(any::<f64>()), rows.clone())
            .prop_map(move |values| float(name, &values)),
        prop::collection::vec(prop::option::of(any::<bool>()), rows.clone())
            .prop_map(move |values| boolean(name, &values)),
        prop::collection::vec(prop::option::of(any::<i64>()), rows.clone())
            .prop_map(move |values| moment(name, &values)),
        prop::collection::vec(prop::option::of(any::<i32>()), rows.clone()).prop_map(move |values| {
            let days: arrow_array::Date32Array = values.into_iter().collect();
            col(name, model::LogicalType::Date, std::sync::Arc::new(days))
        }),
        prop::collection::vec(prop::option::of(-10_i128.pow(37)..10_i128.pow(37)), rows).prop_map(
            move |values| {
                let logical_type = model::LogicalType::Decimal { precision: 38, scale: 7 };
                let values =
                    arrow_array::Decimal128Array::from(values).with_data_type(logical_type.arrow_type());
                col(name, logical_type, std::sync::Arc::new(values))
            }
        ),
    ]
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(written in written()) {
        if let Some(once) = domain(&written) {
            prop_assert_eq!(domain(&once), Some(once));
        }
        if let Some(once) = email(&written) {
            prop_assert_eq!(email(&once), Some(once));
        }
        let once = snake_case(&written);
        prop_assert_eq!(snake_case(&once), once);
    }

    #[test]
    fn packing_keeps_every_value_in_its_type(
        words in prop::collection::vec(prop::option::of(any::<String>()), 5),
        numbers in prop::collection::vec(prop::option::of(any::<i64>()), 5),
        truths in prop::collection::vec(prop::option::of(any::<bool>()), 5),
        floats in prop::collection::vec(prop::option::of(prop::num::f64::NORMAL), 5),
    ) {
        let words_given: Vec<Option<&str>> = words.iter().map(Option::as_deref).collect();
        let columns = [
            text("email", &[Some("jo@acme.com"); 5]),
            moment("date", &[Some(0); 5]),
            text("WORD", &words_given),
            int("NUMBER", &numbers),
            boolean("TRUTH", &truths),
            float("FLOAT", &floats),
        ];
        let mapped = map("custom_actions", &columns);
        for row in 0..5 {
            let packed = document(&mapped, "action_properties", row);
            prop_assert_eq!(packed.get("word").and_then(Value::as_str), words_given[row]);
            prop_assert_eq!(packed.get("number").and_then(Value::as_i64), numbers[row]);
            prop_assert_eq!(packed.get("truth").and_then(Value::as_bool), truths[row]);
            let packed = shown(&mapped, "action_properties", row).unwrap();
            let raw: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&packed).unwrap();
            prop_assert_eq!(raw.get("float").map(|float| float.get().parse::<f64>().unwrap()), floats[row]);
        }
    }

    #[test]
    fn rows_of_any_kind_are_taken_or_rejected_and_never_lost(
        columns in (0_usize..6).prop_flat_map(|rows| {
            (column("identity", rows), column("date", rows), column("COMPANY_DOMAIN", rows), column("REVENUE", rows),
             column("page_url", rows), column("referrer", rows), column("campaign_name", rows), column("clicks", rows))
        }),
        dataset in prop::sample::select(Dataset::ALL.to_vec()),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns"]),
    ) {
        let columns = [columns.0, columns.1, columns.2, columns.3, columns.4, columns.5, columns.6, columns.7];
        let options = if dataset == Dataset::Objects { "type: deal, id: clicks, " } else { "" };
        let config = format!("{{ {dataset}: {{ {options}zone: {zone} }} }}");
        // A mapping may be refused for its types; then no row was read.
        if let Ok(mapping) = compile(&config, &columns) {
            let rows = batch(&columns);
            let mapped = mapping.map(&rows, &Stamps::default()).unwrap();
            prop_assert_eq!(mapped.rows.num_rows(), rows.num_rows());
        }
    }

    #[test]
    fn no_text_under_dataset_makes_the_reader_panic(config in any::<String>()) {
        let _: Result<DatasetChoice, _> = serde_saphyr::from_str(&config);
    }
}
