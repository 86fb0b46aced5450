"""Reads one table of the emulated account with the tool that is named, into a DuckDB file or into nothing."""

import json
import os
import sys
import time

PORT = os.environ["BENCH_PORT"]
TABLE = os.environ["BENCH_TABLE"]
FILE = os.environ["BENCH_FILE"]
FOLDER = os.environ["BENCH_FOLDER"]
USER = os.environ["BENCH_USER"]
PASSWORD = os.environ["BENCH_PASSWORD"]
SELECT = f"SELECT * FROM BENCH.PUBLIC.{TABLE}"


def adbc_cursor():
    import adbc_driver_snowflake.dbapi as driver
    from adbc_driver_snowflake import DatabaseOptions

    settings = {
        "username": USER,
        "password": PASSWORD,
        DatabaseOptions.ACCOUNT.value: "bench",
        DatabaseOptions.PROTOCOL.value: "http",
        DatabaseOptions.HOST.value: "127.0.0.1",
        DatabaseOptions.PORT.value: PORT,
        DatabaseOptions.DATABASE.value: "BENCH",
        DatabaseOptions.SCHEMA.value: "PUBLIC",
        DatabaseOptions.WAREHOUSE.value: "BENCH_WH",
        DatabaseOptions.DISABLE_TELEMETRY.value: "true",
    }
    return driver.connect(db_kwargs=settings, autocommit=True).cursor()


def connector():
    import snowflake.connector

    return snowflake.connector.connect(
        host="127.0.0.1",
        port=int(PORT),
        protocol="http",
        account="bench",
        user=USER,
        password=PASSWORD,
        database="BENCH",
        schema="PUBLIC",
        warehouse="BENCH_WH",
    )


def told(read):
    """Counts the rows and adds up their ID, so that nothing can be left out without being noticed. What that takes is
    told too, from the connection on: neither Python's start nor its imports."""
    import pyarrow.compute as compute

    wall, processor = time.perf_counter(), time.process_time()
    rows = total = 0
    for table in read():
        rows += table.num_rows
        total += int(compute.sum(table.column("ID")).as_py() or 0)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(json.dumps({"rows": rows, "sum": total, "wall_s": wall, "processor_s": processor}))


def adbc_arrow():
    import adbc_driver_snowflake.dbapi  # noqa: F401

    def read():
        cursor = adbc_cursor()
        cursor.execute(SELECT)
        yield from cursor.fetch_record_batch()

    told(read)


def adbc_duckdb(file=FILE):
    import duckdb

    cursor = adbc_cursor()
    cursor.execute(SELECT)
    reader = cursor.fetch_record_batch()
    with duckdb.connect(file) as database:
        database.execute("SET preserve_insertion_order = false")
        database.execute("CREATE TABLE landed AS SELECT * FROM reader")


def with_long_integers(batch):
    """Integers are as wide as each batch's own values need, and the next batch may hold larger ones."""
    import pyarrow

    long = [
        field.with_type(pyarrow.int64()) if pyarrow.types.is_integer(field.type) else field
        for field in batch.schema
    ]
    return batch.cast(pyarrow.schema(long))


def connector_arrow():
    import snowflake.connector  # noqa: F401

    def read():
        cursor = connector().cursor()
        cursor.execute(SELECT)
        yield from cursor.fetch_arrow_batches()

    told(read)


def connector_duckdb(file=FILE):
    import duckdb

    cursor = connector().cursor()
    cursor.execute(SELECT)
    with duckdb.connect(file) as database:
        for number, batch in enumerate(cursor.fetch_arrow_batches()):
            batch = with_long_integers(batch)
            verb = "INSERT INTO landed" if number else "CREATE TABLE landed AS"
            database.execute(f"{verb} SELECT * FROM batch")


def for_every_tenant(pull):
    """One after the other on each of some threads, into a file for each tenant."""
    from concurrent.futures import ThreadPoolExecutor

    files = [os.path.join(FOLDER, "data", f"t{n}.duckdb") for n in range(int(os.environ["BENCH_TENANTS"]))]
    with ThreadPoolExecutor(int(os.environ["BENCH_THREADS"])) as threads:
        list(threads.map(pull, files))


def adbc_tenants():
    for_every_tenant(adbc_duckdb)


def connector_tenants():
    for_every_tenant(connector_duckdb)


def dlt_duckdb():
    import dlt
    import sqlalchemy
    from dlt.sources.sql_database import sql_table

    address = f"snowflake://{USER}:{PASSWORD}@bench/BENCH/PUBLIC?warehouse=BENCH_WH"
    arguments = {"protocol": "http", "host": "127.0.0.1", "port": int(PORT)}
    engine = sqlalchemy.create_engine(address, connect_args=arguments)
    table = sql_table(engine, table=TABLE.lower(), schema="public", backend="pyarrow", chunk_size=100_000)
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=FOLDER,
        destination=dlt.destinations.duckdb(FILE),
        dataset_name="pulled",
    )
    pipeline.run(table, table_name="landed")


TOOLS = {
    function.__name__: function
    for function in (
        adbc_arrow,
        adbc_duckdb,
        adbc_tenants,
        connector_arrow,
        connector_duckdb,
        connector_tenants,
        dlt_duckdb,
    )
}

if __name__ == "__main__":
    TOOLS[sys.argv[1]]()
