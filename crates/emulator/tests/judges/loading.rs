//! `write_pandas`, the Python connector's own loader. ADBC's `adbc_ingest` cannot be judged: without a store of AWS its
//! Go driver writes whole buffers whatever it has read, so that what it copies into a folder is no Parquet file.

use super::driver::Driver;

#[tokio::test(flavor = "multi_thread")]
async fn write_pandas_4_8_1_reads_back_what_it_wrote() {
    Driver { environment: "classic", program: "bin/python", script: "python/loading.py" }
        .judge("loading")
        .await;
}
