//! An emulated account with tables of any columns, into which rows go as files through a `COPY`.

use arrow_array::RecordBatch;
use connectors::snowflake::fit::{Mapping, ParquetFile, TargetColumn};
use emulator::{Emulator, EmulatorConfig, RunningEmulator, User};
use model::{
    Column, LogicalType, Progress, StreamKind, StreamName, StreamPlan, StreamSchema, StreamSpec, TableName,
    WriteSpec,
};
use snowflake::{ColumnType, ConnectionConfig, Credentials, Endpoint, Session, StageLocation, UploadOptions};

/// As a push reads its files.
const FILE_FORMAT: &str =
    "TYPE=PARQUET USE_LOGICAL_TYPE=TRUE BINARY_AS_TEXT=FALSE USE_VECTORIZED_SCANNER=TRUE NULL_IF=()";

pub(super) struct Account {
    pub session: Session,
    _emulator: RunningEmulator,
}

impl Account {
    pub(super) async fn start() -> Self {
        let user = User::new("SYNC").with_password("secret").with_default_role("ACCOUNTADMIN");
        let config = EmulatorConfig { users: vec![user], ..EmulatorConfig::default() };
        let emulator = Emulator::start(config).await.unwrap();
        let statements = ["CREATE WAREHOUSE WH", "CREATE DATABASE CRM", "USE SCHEMA CRM.PUBLIC"];
        tokio::task::block_in_place(|| {
            emulator::sample::run(&emulator, statements.map(|sql| sql.to_owned().into()))
        })
        .unwrap();
        let config = ConnectionConfig::new("acme".parse().unwrap(), "SYNC", Credentials::password("secret"))
            .virtual_warehouse("WH")
            .database("CRM")
            .schema("PUBLIC")
            .endpoint(Endpoint::parse(emulator.url()).unwrap())
            .allow_http_loopback(true);
        Self { session: Session::connect(config).await.unwrap(), _emulator: emulator }
    }

    /// Makes a table anew, loads rows into it and reads it in the order of its first column.
    pub(super) async fn round_trip(
        &self,
        columns: &[TargetColumn],
        mapping: &Mapping,
        rows: &RecordBatch,
    ) -> snowflake::Result<RecordBatch> {
        let typed: Vec<String> =
            columns.iter().map(|column| format!("\"{}\" {}", column.name, column.column_type)).collect();
        self.session.query(format!("CREATE OR REPLACE TABLE T ({})", typed.join(", "))).await?;
        let mut file = ParquetFile::new(mapping.file_schema());
        file.write(&mapping.file_rows(rows).unwrap()).unwrap();
        let bytes = file.finish().unwrap().bytes;
        let folder = StageLocation::user("fit/")?;
        let uploads = self.session.begin_uploads(&folder, UploadOptions::default()).await?;
        uploads.upload("rows.parquet", bytes).await?;
        let names: Vec<String> = mapping.target_names().iter().map(|name| format!("\"{name}\"")).collect();
        let names = names.join(", ");
        let copy = format!(
            "COPY INTO T ({names}) FROM (SELECT {} FROM {folder}) FILES=('rows.parquet') \
             FILE_FORMAT=({FILE_FORMAT}) ON_ERROR=ABORT_STATEMENT FORCE=TRUE",
            mapping.copy_expressions().join(", ")
        );
        self.session.query(copy).await?;
        let result = self.session.query(format!("SELECT {names} FROM T ORDER BY 1")).await?;
        let batches = result.collect().await?;
        Ok(arrow_select::concat::concat_batches(&result.schema(), &batches).unwrap())
    }
}

/// A plan that pushes these columns; all of them lossy, or none.
pub(super) fn plan(columns: &[(String, LogicalType)], is_lossy: bool) -> StreamPlan {
    let stream = StreamName::Query { name: "rows".to_owned(), sql: "SELECT 1".to_owned() };
    let lossy_columns = columns.iter().filter(|_| is_lossy).map(|(name, _)| name.clone()).collect();
    let columns = columns.iter().map(|(name, logical_type)| Column {
        name: name.clone(),
        source_type: logical_type.to_string(),
        logical_type: logical_type.clone(),
        is_nullable: true,
    });
    let schema = StreamSchema {
        stream: stream.clone(),
        kind: StreamKind::Query,
        columns: columns.collect(),
        key: vec![],
        row_count: None,
        bytes: None,
    };
    let spec = StreamSpec {
        lossy_columns,
        write: WriteSpec::Rewrite,
        max_shrink_percent: 100,
        ..StreamSpec::new(stream, TableName::in_snowflake("CRM", "PUBLIC", "T"))
    };
    StreamPlan::build(&spec, &schema, &Progress::default()).unwrap()
}

pub(super) fn target(name: &str, column_type: ColumnType) -> TargetColumn {
    TargetColumn {
        name: name.to_owned(),
        column_type,
        is_nullable: true,
        has_default: false,
        is_identity: false,
    }
}
