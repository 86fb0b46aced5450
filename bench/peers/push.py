"""Writes the table of a DuckDB file into one of the emulated account with the tool that is named."""

import os
import sys

from pull import FOLDER, FILE, PASSWORD, PORT, TABLE, USER, adbc_cursor, connector

SELECT = "SELECT * FROM bench.bench.events"


def source():
    import duckdb

    return duckdb.connect(FILE, read_only=True)


def adbc():
    reader = source().execute(SELECT).fetch_record_batch(100_000)
    adbc_cursor().adbc_ingest(TABLE, reader, mode="append")


def put_and_copy():
    file = os.path.join(FOLDER, "rows.parquet")
    source().execute(f"COPY ({SELECT}) TO '{file}' (FORMAT parquet)")
    cursor = connector().cursor()
    cursor.execute(f"PUT file://{file} @~/bench OVERWRITE = TRUE AUTO_COMPRESS = FALSE")
    cursor.execute(
        f"COPY INTO BENCH.PUBLIC.{TABLE} FROM @~/bench FILE_FORMAT = (TYPE = PARQUET) "
        "MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE PURGE = TRUE"
    )


def write_pandas():
    from snowflake.connector.pandas_tools import write_pandas as write

    frame = source().execute(SELECT).df()
    frame.columns = [name.upper() for name in frame.columns]
    write(connector(), frame, TABLE, database="BENCH", schema="PUBLIC")


def dlt_push():
    import dlt

    @dlt.resource(name=TABLE.lower(), write_disposition="append")
    def rows():
        yield from source().execute(SELECT).fetch_record_batch(100_000)

    address = f"snowflake://{USER}:{PASSWORD}@bench/BENCH?warehouse=BENCH_WH&protocol=http&port={PORT}&host=127.0.0.1"
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=FOLDER,
        destination=dlt.destinations.snowflake(address),
        dataset_name="public",
    )
    pipeline.run(rows(), loader_file_format="parquet")


TOOLS = {function.__name__: function for function in (adbc, put_and_copy, write_pandas, dlt_push)}

if __name__ == "__main__":
    TOOLS[sys.argv[1]]()
