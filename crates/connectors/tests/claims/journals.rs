//! The journals, each against every claim.

mod duckdb {
    use std::sync::Arc;

    use connectors::conformance::journal::Fixture;
    use connectors::duckdb::{DuckDbJournal, TenantDatabase, TenantFile};
    use model::{QuarantinedRow, TableName};

    fn fixture() -> Fixture {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let file = TenantFile::new(folder.path(), "crm").unwrap();
        let opened = file.clone();
        Fixture {
            reopen: Box::new(move || {
                Arc::new(DuckDbJournal::new(TenantDatabase::open(opened.clone()).unwrap()))
            }),
            rejects: Box::new(move |target| {
                let _kept_until_the_end = &folder;
                rejects(&file, target)
            }),
        }
    }

    fn rejects(file: &TenantFile, target: &TableName) -> Vec<QuarantinedRow> {
        let connection = file.open_read_only().unwrap();
        let sql = "SELECT attempt, column_name, rule, key_json, row_json FROM vendor._snowferry.rejects
                   WHERE target_database IS NOT DISTINCT FROM ? AND target_schema = ? AND target_table = ?
                     AND abs(epoch(now()) - epoch(rejected_at)) < 3600
                   ORDER BY rowid";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map(
            [target.database.as_deref(), Some(&target.schema), Some(&target.table)],
            |row| {
                Ok(QuarantinedRow {
                    attempt: row.get(0)?,
                    column: row.get(1)?,
                    rule: row.get(2)?,
                    key: row.get(3)?,
                    row: row.get(4)?,
                })
            },
        );
        rows.unwrap().map(|row| row.unwrap()).collect()
    }

    connectors::journal_claims!(fixture);
}

mod memory {
    use std::sync::Arc;

    use connectors::conformance::journal::Fixture;
    use connectors::memory::MemoryJournal;

    fn fixture() -> Fixture {
        let journal = MemoryJournal::default();
        let read = journal.clone();
        Fixture {
            reopen: Box::new(move || Arc::new(journal.clone())),
            rejects: Box::new(move |target| read.rejects(target)),
        }
    }

    connectors::journal_claims!(fixture);
}
