//! The destinations, each against every claim.

mod duckdb {
    use std::sync::Arc;

    use arrow_array::RecordBatch;
    use arrow_select::concat::concat_batches;
    use connectors::conformance::destination::Fixture;
    use connectors::duckdb::{DuckDbDestination, TenantFile};
    use model::TableName;

    fn fixture() -> Fixture {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let file = TenantFile::new(folder.path(), "crm").unwrap();
        let opened = file.clone();
        Fixture {
            reopen: Box::new(move || Arc::new(DuckDbDestination::open(opened.clone()).unwrap())),
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

mod memory {
    use std::sync::Arc;

    use connectors::conformance::destination::Fixture;
    use connectors::memory::MemoryDestination;

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
}
