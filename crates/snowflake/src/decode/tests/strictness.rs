//! What must be refused, and what must be tolerated.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int8Array, Int16Array, Int32Array, Int64Array, StructArray};
use arrow_buffer::NullBuffer;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field, Fields, TimeUnit};

use super::sample::{Physical, Value, decode, ipc, json, read_back, through_arrow, through_json};
use crate::column::{Column, ColumnType};
use crate::decode::{BATCH_ROWS_MAX, DecodeOptions, Decoder, Encoding, WideTimestamps};
use crate::error::ErrorKind;

const NTZ9: ColumnType = ColumnType::TimestampNtz { scale: 9 };

fn number(precision: u8, scale: u8) -> ColumnType {
    ColumnType::Fixed { precision, scale }
}

#[test]
fn integer_widths_may_change_from_one_part_to_the_next() {
    let columns = [Column::new("N", number(10, 2))];
    let decoder = Decoder::new(&columns, Encoding::Arrow, 1, &DecodeOptions::default()).unwrap();
    let widths: [ArrayRef; 3] = [
        Arc::new(Int8Array::from(vec![127])),
        Arc::new(Int16Array::from(vec![-5])),
        Arc::new(Int32Array::from(vec![1_000_000])),
    ];
    let read: Vec<_> = widths
        .into_iter()
        .map(|array| {
            let decoded =
                decoder.decode(bytes::Bytes::from(ipc(&columns, &[vec![array]])).into(), 1 << 20).unwrap();
            assert_eq!(decoded.batches[0].schema().field(0).data_type(), &DataType::Decimal128(10, 2));
            read_back(&decoded)[0].clone().unwrap()
        })
        .collect();
    assert_eq!(read, [Value::Int(127), Value::Int(-5), Value::Int(1_000_000)]);
}

#[test]
fn a_value_beyond_its_precision_is_a_data_error_that_hides_the_value() {
    let values = [Some(Value::Int(12_345))];
    for physical in [Physical::Int16, Physical::Int32, Physical::Int64, Physical::Decimal128] {
        for ty in [number(4, 0), number(4, 2)] {
            let error = through_arrow(ty, &values, physical, &DecodeOptions::default()).unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data);
            assert!(error.message().contains("\"C\"") && !error.to_string().contains("345"));
        }
    }
    let error = through_json(number(4, 0), &values, &DecodeOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
}

#[test]
fn years_that_nanoseconds_do_not_reach_are_refused_unless_microseconds_are_asked_for() {
    let year_9999 = 253_402_300_799_i128 * 1_000_000_000 + 123_456_789;
    let year_1 = -62_135_596_800_i128 * 1_000_000_000;
    let values = [Some(Value::Nanos(year_9999)), Some(Value::Nanos(year_1)), None];
    let refuse = DecodeOptions::default();
    let wide = DecodeOptions { wide_timestamps: WideTimestamps::MicrosecondsFor(vec!["C".to_owned()]) };
    let expected = [Some(Value::Nanos(year_9999 - 789)), Some(Value::Nanos(year_1)), None];
    for error in [
        through_arrow(NTZ9, &values, Physical::Struct, &refuse).unwrap().unwrap_err(),
        through_json(NTZ9, &values, &refuse).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().contains("column \"C\"") && !error.message().contains("9999"));
    }
    for decoded in [
        through_arrow(NTZ9, &values, Physical::Struct, &wide).unwrap().unwrap(),
        through_json(NTZ9, &values, &wide).unwrap(),
    ] {
        assert_eq!(read_back(&decoded), expected);
        assert_eq!(decoded.lost, [1]);
        let data_type = decoded.batches[0].schema().field(0).data_type().clone();
        assert_eq!(data_type, DataType::Timestamp(TimeUnit::Microsecond, None));
    }
}

#[test]
fn dropped_digits_round_towards_the_past_and_are_counted() {
    let wide = DecodeOptions { wide_timestamps: WideTimestamps::Microseconds };
    let values = [Some(Value::Nanos(-1)), Some(Value::Nanos(1_999)), Some(Value::Nanos(3_000)), None];
    let expected = [Some(Value::Nanos(-1000)), Some(Value::Nanos(1000)), Some(Value::Nanos(3000)), None];
    for physical in [Physical::Int64, Physical::Struct] {
        let decoded = through_arrow(NTZ9, &values, physical, &wide).unwrap().unwrap();
        assert_eq!((read_back(&decoded), decoded.lost), (expected.to_vec(), vec![2]));
    }
    let decoded = through_json(NTZ9, &values, &wide).unwrap();
    assert_eq!((read_back(&decoded), decoded.lost), (expected.to_vec(), vec![2]));
}

#[test]
fn the_very_ends_of_nanoseconds_are_reached() {
    let ends = [Some(Value::Nanos(i64::MIN.into())), Some(Value::Nanos(i64::MAX.into()))];
    for physical in Physical::all(NTZ9) {
        let decoded = through_arrow(NTZ9, &ends, *physical, &DecodeOptions::default()).unwrap().unwrap();
        assert_eq!(read_back(&decoded), ends);
    }
    let beyond = [Some(Value::Nanos(i128::from(i64::MAX) + 1))];
    let refused = through_arrow(NTZ9, &beyond, Physical::Struct, &DecodeOptions::default()).unwrap();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Data);
}

#[test]
fn a_timestamp_is_null_when_a_part_of_it_is_null() {
    let epoch: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4), Some(5)]));
    let fraction: ArrayRef = Arc::new(Int32Array::from(vec![Some(0), Some(0), None, Some(0), Some(0)]));
    let zone: ArrayRef =
        Arc::new(Int32Array::from(vec![Some(1500), Some(1440), Some(1440), None, Some(1440)]));
    let fields: Fields = [("epoch", &epoch), ("fraction", &fraction), ("timezone", &zone)]
        .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
        .into_iter()
        .collect();
    let nulls = NullBuffer::from(vec![true, true, true, true, false]);
    let array: ArrayRef = Arc::new(StructArray::new(fields, vec![epoch, fraction, zone], Some(nulls)));
    let columns = [Column::new("C", ColumnType::TimestampTz { scale: 9 })];
    let body = ipc(&columns, &[vec![array]]);
    let decoded = decode(&columns, Encoding::Arrow, body, &DecodeOptions::default()).unwrap();
    assert_eq!(read_back(&decoded), [Some(Value::Zoned(1_000_000_000, 60)), None, None, None, None]);
    assert_eq!(decoded.batches[0].column(1).null_count(), 4);
}

#[test]
fn the_old_text_form_of_zoned_timestamps_is_refused() {
    let columns = [Column::new("C", ColumnType::TimestampTz { scale: 9 })];
    let error = Decoder::new(&columns, Encoding::Json, 0, &DecodeOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    Decoder::new(&columns, Encoding::Arrow, 0, &DecodeOptions::default()).unwrap();
}

#[test]
fn a_physical_type_that_does_not_belong_to_the_column_is_refused() {
    for ty in [number(10, 0), ColumnType::Boolean, ColumnType::Date, NTZ9, ColumnType::Decfloat] {
        let columns = [Column::new("C", ty)];
        let array: ArrayRef = Arc::new(arrow_array::Float32Array::from(vec![1.0]));
        let error =
            decode(&columns, Encoding::Arrow, ipc(&columns, &[vec![array]]), &DecodeOptions::default());
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Protocol, "{ty}");
    }
}

#[test]
fn a_chunk_with_another_scale_or_another_number_of_columns_is_refused() {
    let sent = [Column::new("C", number(10, 3))];
    let body = ipc(&sent, &[vec![Arc::new(Int8Array::from(vec![1]))]]);
    for described in [vec![Column::new("C", number(10, 2))], vec![sent[0].clone(), sent[0].clone()], vec![]] {
        let error = decode(&described, Encoding::Arrow, body.clone(), &DecodeOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}

#[test]
fn names_may_repeat_be_empty_and_look_like_an_offset() {
    let text = ColumnType::Text { length: None };
    let zoned = ColumnType::TimestampTz { scale: 3 };
    let columns =
        [("A", text), ("A", text), ("", text), ("A", zoned), ("A__offset_minutes", text), ("\"é\n", text)]
            .map(|(name, ty)| Column::new(name, ty));
    let row = r#"["1","2","3","4.000 1500","5","6"]"#;
    let decoded = decode(&columns, Encoding::Json, row.into(), &DecodeOptions::default()).unwrap();
    let names: Vec<_> =
        decoded.batches[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["A", "A", "", "A", "A__offset_minutes", "A__offset_minutes", "\"é\n"]);
}

#[test]
fn compressed_ipc_bodies_are_read() {
    let columns = [Column::new("C", ColumnType::Text { length: None })];
    for compression in [arrow_ipc::CompressionType::LZ4_FRAME, arrow_ipc::CompressionType::ZSTD] {
        let options = IpcWriteOptions::default().try_with_compression(Some(compression)).unwrap();
        let array: ArrayRef = Arc::new(arrow_array::StringArray::from(vec!["same"; 1000]));
        let batch = arrow_array::RecordBatch::try_from_iter([("C", array)]).unwrap();
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        let body = writer.into_inner().unwrap();
        let decoded = decode(&columns, Encoding::Arrow, body, &DecodeOptions::default()).unwrap();
        assert_eq!(read_back(&decoded)[999], Some(Value::Text("same".to_owned())));
    }
}

#[test]
fn null_and_the_json_null_stay_distinct() {
    let values = [None, Some(Value::Text("null".to_owned())), Some(Value::Text(String::new()))];
    let from_arrow = through_arrow(ColumnType::Variant, &values, Physical::Plain, &DecodeOptions::default());
    assert_eq!(read_back(&from_arrow.unwrap().unwrap()), values);
    assert_eq!(
        read_back(&through_json(ColumnType::Variant, &values, &DecodeOptions::default()).unwrap()),
        values
    );
}

#[test]
fn a_text_of_16_mib_and_an_empty_one_survive_both_encodings() {
    let values = [Some(Value::Text("é".repeat(8 << 20))), Some(Value::Text(String::new())), None];
    let ty = ColumnType::Text { length: Some(16 << 20) };
    let from_arrow = through_arrow(ty, &values, Physical::Plain, &DecodeOptions::default()).unwrap().unwrap();
    assert!(read_back(&from_arrow) == values);
    assert!(read_back(&through_json(ty, &values, &DecodeOptions::default()).unwrap()) == values);
}

#[test]
fn batches_are_bounded_in_rows() {
    let rows = BATCH_ROWS_MAX * 2 + 1;
    let values: Vec<_> = (0..rows as i128).map(|value| Some(Value::Int(value))).collect();
    let ty = number(9, 0);
    for decoded in [
        through_arrow(ty, &values, Physical::Int32, &DecodeOptions::default()).unwrap().unwrap(),
        through_json(ty, &values, &DecodeOptions::default()).unwrap(),
    ] {
        assert_eq!(decoded.batches.len(), 3);
        assert!(decoded.batches.iter().all(|batch| batch.num_rows() <= BATCH_ROWS_MAX));
        assert_eq!(read_back(&decoded), values);
    }
}

#[test]
fn malformed_cells_are_refused_without_being_quoted() {
    for (ty, cell) in [
        (ColumnType::Boolean, "yes"),
        (ColumnType::Date, "2024-01-01"),
        (ColumnType::Time { scale: 3 }, "86400.000"),
        (ColumnType::TimestampTz { scale: 9 }, "1.0"),
        (ColumnType::TimestampTz { scale: 9 }, "1.0 99999"),
        (ColumnType::Binary { length: None }, "ABC"),
        (ColumnType::Binary { length: None }, "+A"),
        (ColumnType::Float, "secret"),
        (ColumnType::Decfloat, "secret"),
        (ColumnType::Vector { element: crate::VectorElement::Int, dimension: 2 }, "[1]"),
        (number(5, 2), "1.234"),
        (ColumnType::IntervalYearMonth, "9223372036854775808"),
    ] {
        let columns = [Column::new("C", ty)];
        let body = serde_json::to_vec(&[cell]).unwrap();
        let error = decode(&columns, Encoding::Json, body, &DecodeOptions::default()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Protocol | ErrorKind::Data), "{ty}");
        assert!(!error.to_string().contains(cell), "{error}");
    }
}

#[test]
fn a_result_without_rows_has_its_schema() {
    let columns = [Column::new("C", ColumnType::TimestampTz { scale: 9 })];
    let decoder = Decoder::new(&columns, Encoding::Arrow, 1, &DecodeOptions::default()).unwrap();
    let decoded = decoder.decode(crate::decode::Frames::default(), 0).unwrap();
    assert_eq!((decoded.rows, decoded.batches.len(), decoder.schema().fields().len()), (0, 0, 2));
    assert!(json(NTZ9, &[]).is_empty());
}
