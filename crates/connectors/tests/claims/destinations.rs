//! The destinations, each against every claim.

mod duckdb {
    use std::sync::Arc;

    use arrow_array::RecordBatch;
    use arrow_select::concat::concat_batches;
    use connectors::conformance::destination::Fixture;
    use connectors::duckdb::{DuckDbDestination, Footprint, TenantFile};
    use model::TableName;

    fn fixture() -> Fixture {
        fixture_within(Footprint::Usual)
    }

    pub(super) fn fixture_within(footprint: Footprint) -> Fixture {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let file = TenantFile::new(folder.path(), "crm").unwrap();
        let opened = file.clone();
        Fixture {
            reopen: Box::new(move || {
                Arc::new(DuckDbDestination::open_within(opened.clone(), footprint).unwrap())
            }),
            rows: Box::new(move |target| {
                let _kept_until_the_end = &folder;
                read(&file, target)
            }),
        }
    }

    fn read(file: &TenantFile, target: &TableName) -> Option<RecordBatch> {
        let connection = file.open_read_only().unwrap();
        let sql = format!("SELECT * FROM vendor.\"{}\".\"{}\" ORDER BY 1", target.schema, target.table);
        let mut statement = connection.prepare(&sql).ok()?;
        let batches: Vec<RecordBatch> = statement.query_arrow([]).unwrap().collect();
        Some(
            concat_batches(
                &batches.first().map_or_else(|| statement.schema(), RecordBatch::schema),
                &batches,
            )
            .unwrap(),
        )
    }

    connectors::destination_claims!(fixture);
}

mod duckdb_that_is_to_be_small {
    use connectors::conformance::destination::Fixture;
    use connectors::duckdb::Footprint;

    fn fixture() -> Fixture {
        super::duckdb::fixture_within(Footprint::Small)
    }

    connectors::destination_claims!(fixture);
}

mod memory {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch};
    use connectors::conformance::destination::Fixture;
    use connectors::conformance::{in_any_order, people, people_schema, people_spec};
    use connectors::memory::MemoryDestination;
    use model::{
        Batch, Checkpoint, Column, Committed, Cursor, Destination, LogicalType, NullCursor, ReadSpec,
        StreamPlan, StreamSchema, StreamSpec, WriteSpec,
    };

    fn fixture() -> Fixture {
        let destination = MemoryDestination::default();
        let read = destination.clone();
        Fixture {
            reopen: Box::new(move || {
                destination.crash();
                Arc::new(destination.clone())
            }),
            rows: Box::new(move |target| read.rows(target)),
        }
    }

    connectors::destination_claims!(fixture);

    async fn load(
        destination: &MemoryDestination,
        spec: &StreamSpec,
        schema: &StreamSchema,
        rows: RecordBatch,
    ) -> Committed {
        let progress = destination.progress(&spec.stream, &spec.target).await.unwrap();
        let plan = StreamPlan::build(spec, schema, &progress).unwrap();
        destination.prepare(&plan).await.unwrap();
        let checkpoint = Checkpoint { cursor: Cursor::from_stored("end"), row_count: rows.num_rows() as u64 };
        destination.stage(&plan, Batch::new(rows, None)).await.unwrap();
        destination.commit(&plan, checkpoint).await.unwrap()
    }

    #[tokio::test]
    async fn an_append_adds_rows_and_replaces_none() {
        let destination = MemoryDestination::default();
        let mut spec = people_spec(true);
        spec.write = WriteSpec::Append;
        let ReadSpec::Incremental { null_cursor, .. } = &mut spec.read else { panic!("it is incremental") };
        *null_cursor = NullCursor::Exclude;
        let ada = (Some(1), Some("Ada"), Some(1));
        let ann = (Some(1), Some("Ann"), Some(2));
        load(&destination, &spec, &people_schema(), people(&[ada])).await;
        let committed = load(&destination, &spec, &people_schema(), people(&[ann])).await;
        assert_eq!((committed.inserted, committed.updated, committed.total), (1, 0, Some(2)));
        let rows = destination.rows(&spec.target).unwrap();
        assert_eq!(in_any_order(&rows), in_any_order(&people(&[ada, ann])));
    }

    #[tokio::test]
    async fn a_row_that_is_flagged_removes_the_one_with_its_key() {
        let destination = MemoryDestination::default();
        let mut schema = people_schema();
        let flag = Column {
            name: "IS_GONE".into(),
            logical_type: LogicalType::Bool,
            source_type: "BOOLEAN".into(),
            is_nullable: true,
        };
        schema.columns = vec![schema.columns[0].clone(), flag];
        let mut spec = people_spec(false);
        spec.write = WriteSpec::Upsert { delete_flag: Some("IS_GONE".into()) };
        let rows = |rows: &[(i64, Option<bool>)]| {
            let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|(id, _)| *id)));
            let flags: ArrayRef = Arc::new(BooleanArray::from_iter(rows.iter().map(|(_, flag)| *flag)));
            RecordBatch::try_from_iter_with_nullable([("ID", ids, true), ("IS_GONE", flags, true)]).unwrap()
        };
        load(&destination, &spec, &schema, rows(&[(1, None), (2, Some(false)), (3, Some(true))])).await;
        let change = rows(&[(1, Some(true)), (4, None), (9, Some(true))]);
        let committed = load(&destination, &spec, &schema, change).await;
        assert_eq!((committed.inserted, committed.updated, committed.deleted), (1, 0, 1));
        let left = destination.rows(&spec.target).unwrap();
        assert_eq!(in_any_order(&left), in_any_order(&rows(&[(2, Some(false)), (4, None)])));
    }
}
