//! The drivers' own loaders: the Python connector's `write_pandas` and ADBC's `adbc_ingest`.

use super::driver::Driver;

#[tokio::test(flavor = "multi_thread")]
async fn write_pandas_4_8_1_reads_back_what_it_wrote() {
    Driver { environment: "classic", program: "bin/python", script: "python/loading.py" }
        .judge("loading")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn adbc_ingest_1_11_reads_back_what_it_wrote() {
    Driver { environment: "classic", program: "bin/python", script: "python/adbc.py" }.judge("loading").await;
}
