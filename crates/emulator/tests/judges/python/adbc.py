"""ADBC's Go driver as judge: `adbc.py AREA` prints one JSON line per claim. It reads Arrow, so nanoseconds are compared too."""

import os
import sys
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from threading import Timer

import adbc_driver_snowflake.dbapi as driver
import pyarrow
import pyarrow.compute as compute
import rendering
from adbc_driver_snowflake import DatabaseOptions
from claims import Wrong, claim, raises, run_areas, same

MILLION = 1_000_000

# Types that this driver reads wrong, and how: their values are not compared.
MISREAD = {"TIMESTAMP_TZ(3)": "takes the milliseconds of an instant without a fraction for seconds"}

URL = os.environ.get("JUDGE_URL", "http://127.0.0.1:18085")
USER = os.environ.get("JUDGE_USER", "SNOWFERRY")
PASSWORD = os.environ.get("JUDGE_PASSWORD", "snowferry")
KEY_FILE = os.environ.get("JUDGE_KEY_FILE", "")
ACCESS_TOKEN = os.environ.get("JUDGE_ACCESS_TOKEN", "")
OAUTH_TOKEN = os.environ.get("JUDGE_OAUTH_TOKEN", "")


def connect(**options):
    host, _, port = URL.removeprefix("http://").rstrip("/").partition(":")
    settings = {
        "username": USER,
        DatabaseOptions.ACCOUNT.value: "judge",
        DatabaseOptions.PROTOCOL.value: "http",
        DatabaseOptions.HOST.value: host,
        DatabaseOptions.PORT.value: port,
        DatabaseOptions.WAREHOUSE.value: "COMPUTE_WH",
        # Short, because the driver goes on retrying for as long as it may.
        DatabaseOptions.LOGIN_TIMEOUT.value: "10s",
        DatabaseOptions.REQUEST_TIMEOUT.value: "30s",
        DatabaseOptions.CLIENT_TIMEOUT.value: "60s",
        DatabaseOptions.DISABLE_TELEMETRY.value: "true",
    }
    if DatabaseOptions.AUTH_TYPE.value not in options:
        settings["password"] = PASSWORD
    return driver.connect(db_kwargs=settings | options, autocommit=True)


def in_database(**options):
    connection = connect(**options)
    run(connection, "CREATE DATABASE IF NOT EXISTS JUDGE")
    run(connection, "CREATE OR REPLACE SCHEMA JUDGE.WORK")
    run(connection, "USE SCHEMA JUDGE.WORK")
    return connection


def run(connection, sql, *arguments):
    with connection.cursor() as cursor:
        cursor.execute(sql, *arguments)
        return cursor.rowcount


def table(connection, sql, *arguments):
    with connection.cursor() as cursor:
        cursor.execute(sql, *arguments)
        return cursor.fetch_arrow_table()


def rows(connection, sql, *arguments):
    return [tuple(row.values()) for row in table(connection, sql, *arguments).to_pylist()]


def value(connection, sql, *arguments):
    return table(connection, sql, *arguments).column(0)[0].as_py()


# ---------------------------------------------------------------------------------------------------- log-in


def login():
    kind = DatabaseOptions.AUTH_TYPE.value
    token = DatabaseOptions.AUTH_TOKEN.value
    with claim("a password logs in"):
        same(value(connect(), "SELECT CURRENT_USER()"), USER)
    with claim("a key file logs in"):
        connection = connect(**{kind: "auth_jwt", DatabaseOptions.JWT_PRIVATE_KEY.value: KEY_FILE})
        same(value(connection, "SELECT CURRENT_USER()"), USER)
    with claim("a programmatic access token logs in"):
        same(value(connect(**{kind: "auth_pat", token: ACCESS_TOKEN}), "SELECT CURRENT_USER()"), USER)
    with claim("an OAuth token logs in"):
        same(value(connect(**{kind: "auth_oauth", token: OAUTH_TOKEN}), "SELECT CURRENT_USER()"), USER)
    with claim("a wrong password is refused as 390100"):
        raises(lambda: connect(password="wrong"), lambda error: mentions(error, "390100"))
    with claim("a wrong access token is refused as 394400"):
        raises(lambda: connect(**{kind: "auth_pat", token: "wrong"}), lambda error: mentions(error, "394400"))


def mentions(error, *texts):
    for text in texts:
        if text not in str(error):
            raise Wrong(f"not a word of {text} in: {error}")


# ------------------------------------------------------------------------------------------------ statements


def statements():
    connection = in_database()
    with claim("tables are created, filled, changed and dropped"):
        run(connection, "CREATE TABLE DDL (ID NUMBER(38,0), NAME VARCHAR(20))")
        same(rows(connection, "INSERT INTO DDL VALUES (1, 'a'), (2, 'b'), (3, 'c')"), [(3,)])
        run(connection, "UPDATE DDL SET NAME = 'z' WHERE ID >= 2")
        run(connection, "DELETE FROM DDL WHERE ID = 1")
        same(rows(connection, "SELECT * FROM DDL ORDER BY ID"), [(2, "z"), (3, "z")])
        run(connection, "DROP TABLE DDL")
    with claim("a result without rows has its columns"):
        found = table(connection, "SELECT 1 AS A, 'x' AS B WHERE FALSE")
        same((found.num_rows, found.column_names), (0, ["A", "B"]))
    with claim("a rolled back insert leaves no row"):
        run(connection, "CREATE TABLE BALANCE (ID INTEGER)")
        connection.adbc_connection.set_autocommit(False)
        run(connection, "INSERT INTO BALANCE VALUES (1)")
        connection.adbc_connection.rollback()
        run(connection, "INSERT INTO BALANCE VALUES (2)")
        connection.adbc_connection.commit()
        connection.adbc_connection.set_autocommit(True)
        same(rows(connection, "SELECT * FROM BALANCE"), [(2,)])
    with claim("SHOW answers with rows"):
        same("BALANCE" in table(connection, "SHOW TABLES IN SCHEMA JUDGE.WORK").column("name").to_pylist(), True, "listed")
    with claim("a table's schema is asked for"):
        run(connection, "CREATE TABLE LISTED (ID NUMBER(10,0) NOT NULL, AMOUNT NUMBER(18,2), SEEN_AT TIMESTAMP_TZ(9))")
        schema = connection.adbc_get_table_schema("LISTED", catalog_filter="JUDGE", db_schema_filter="WORK")
        same((schema.names, schema.field("ID").nullable), (["ID", "AMOUNT", "SEEN_AT"], False))
    with claim("a missing table is 002003"):
        raises(lambda: table(connection, "SELECT * FROM NOWHERE"), lambda error: coded(error, 2003, "42S02"))
    with claim("a syntax error is 001003"):
        raises(lambda: table(connection, "SELEC 1"), lambda error: coded(error, 1003, "42000"))


def coded(error, code, state):
    same((error.vendor_code, error.sqlstate), (code, state), str(error))


# ----------------------------------------------------------------------------------------------------- types


def types():
    connection = in_database()
    wide = in_database_again({"adbc.snowflake.sql.client_option.max_timestamp_precision": "microseconds"})
    for number, case in enumerate(rendering.cases()):
        sql_type, values = case["type"], case["values"]
        if sql_type in MISREAD:
            continue
        near = [position for position, (_, text) in enumerate(values) if fits_nanoseconds(sql_type, text)]
        with claim(f"every {sql_type} of a table arrives exactly"):
            run(connection, f"CREATE TABLE TYPE_{number} (ID INTEGER, V {sql_type})")
            run(connection, f"INSERT INTO TYPE_{number} {selects(sql_type, values)}")
            wanted = [expected(sql_type, values[position][1]) for position in near]
            keep = ", ".join(str(position) for position in near)
            found = table(connection, f"SELECT V FROM TYPE_{number} WHERE ID IN ({keep}) ORDER BY ID").column(0)
            same([render(sql_type, one) for one in found], wanted)
        if len(near) < len(values):
            with claim(f"every {sql_type} of a table arrives to the microsecond, whatever its year"):
                found = table(wide, f"SELECT V FROM TYPE_{number} ORDER BY ID").column(0)
                wanted = [cut(expected(sql_type, text)) for _, text in values]
                same([render(sql_type, one) for one in found], wanted)


    with claim("today's fault of this driver: an instant of three digits is read as a thousand times as much"):
        sql = "SELECT '1970-01-01 00:00:01.500 +00:00'::TIMESTAMP_TZ(3)"
        found = render("TIMESTAMP_TZ(3)", table(connection, sql).column(0)[0])
        same(found, "1970-01-01 00:25:00.000000000", "read right: compare TIMESTAMP_TZ(3) again")


def in_database_again(options):
    connection = connect(**options)
    run(connection, "USE SCHEMA JUDGE.WORK")
    return connection


def selects(sql_type, values):
    return " UNION ALL ".join(
        f"SELECT {number} AS ID, ({sql})::{sql_type} AS V" for number, (sql, _) in enumerate(values)
    )


def fits_nanoseconds(sql_type, text):
    """Arrow's nanoseconds in 64 bits reach from 1677 to 2262; this driver wraps around beyond."""
    return text is None or not sql_type.startswith("TIMESTAMP") or 1678 <= int(text[:4]) <= 2261


def cut(text):
    return None if text is None else rendering.to_microseconds(text)


def expected(sql_type, text):
    """The canonical text; a timestamp with offset comes as an instant, because Arrow has no offset per value."""
    if text is None or not sql_type.startswith("TIMESTAMP_TZ"):
        return rendering.canonical_json(text) if text is not None and is_json(sql_type) else text
    moment = datetime.fromisoformat(text[:19] + text[30:]).astimezone(timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}{text[19:29]}"


def is_json(sql_type):
    return sql_type in ("VARIANT", "OBJECT", "ARRAY")


def render(sql_type, scalar):
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pyarrow.types.is_timestamp(kind):
        return instant(scalar.value, {"ns": 9, "us": 6, "ms": 3, "s": 0}[kind.unit])
    if pyarrow.types.is_time(kind):
        value = scalar.value * 10 ** (9 - {"ns": 9, "us": 6, "ms": 3, "s": 0}[kind.unit])
        return f"{timedelta(seconds=value // 10**9)!s:0>8}.{value % 10**9:09d}"
    value = scalar.as_py()
    if pyarrow.types.is_decimal(kind):
        digits = rendering.scale(sql_type)
        return f"{value:.{digits}f}"
    if pyarrow.types.is_integer(kind):
        return str(value)
    return rendering.render(sql_type, value)


def instant(value, scale):
    seconds, fraction = divmod(value, 10**scale)
    moment = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    return f"{moment.year:04d}-{moment:%m-%d %H:%M:%S}.{fraction * 10 ** (9 - scale):09d}"


# ----------------------------------------------------------------------------------------------------- binds


def binds():
    connection = in_database()
    with claim("binds of a row are read back"):
        # Bytes and NULL are missing because this driver cannot bind them.
        row = (42, "it's ❄", 0.5, True)
        run(connection, "CREATE TABLE BOUND (I INTEGER, T VARCHAR, F FLOAT, L BOOLEAN)")
        run(connection, "INSERT INTO BOUND VALUES (?, ?, ?, ?)", row)
        same(rows(connection, "SELECT * FROM BOUND"), [row])
    with claim("binds select rows"):
        run(connection, "CREATE TABLE FILTERED AS SELECT COLUMN1 AS ID, COLUMN2 AS NAME FROM VALUES (1, 'a'), (2, 'b'), (3, 'b')")
        same(rows(connection, "SELECT ID FROM FILTERED WHERE NAME = ? AND ID > ?", ("b", 2)), [(3,)])


# ---------------------------------------------------------------------------------------------------- chunks


def chunks():
    connection = in_database()
    run(
        connection,
        f"""CREATE TABLE BIG AS
            SELECT N AS ID, (N / 100)::NUMBER(18,2) AS AMOUNT, 'row ' || N AS LABEL, MOD(N, 7) = 0 AS FLAG,
                   DATEADD(SECOND, N, '2020-01-01'::TIMESTAMP_NTZ(9)) AS SEEN_AT
            FROM (SELECT ROW_NUMBER() OVER (ORDER BY SEQ8()) - 1 AS N FROM TABLE(GENERATOR(ROWCOUNT => {MILLION})))""",
    )
    with claim("a million rows come in several chunks, all and in order"):
        found = table(connection, "SELECT ID, AMOUNT, LABEL, FLAG, SEEN_AT FROM BIG ORDER BY ID")
        same(found.num_rows, MILLION, "rows")
        same(found.column("ID").num_chunks > 2, True, "more than two parts")
        numbers = pyarrow.chunked_array([pyarrow.array(range(MILLION), pyarrow.int64())])
        same(found.column("ID").cast(pyarrow.int64()).equals(numbers), True, "ids in order")
        same(compute.sum(found.column("AMOUNT")).as_py(), Decimal(MILLION * (MILLION - 1) // 2) / 100)
        same(compute.sum(found.column("FLAG")).as_py(), (MILLION + 6) // 7)
        same(found.column("LABEL")[MILLION - 1].as_py(), f"row {MILLION - 1}")
        last = datetime(2020, 1, 1) + timedelta(seconds=MILLION - 1)
        same(instant(found.column("SEEN_AT")[MILLION - 1].value, 9), f"{last}.000000000")


# --------------------------------------------------------------------------------------------------- control


def control():
    connection = in_database()
    with claim("a running statement is cancelled"):
        started = time.monotonic()
        with connection.cursor() as cursor:
            Timer(0.5, cursor.adbc_cancel).start()
            raises(lambda: (cursor.execute("SELECT SYSTEM$WAIT(60)"), cursor.fetchall()), cancelled)
        same(time.monotonic() - started < 20, True, "in time")
    with claim("the session goes on after a cancel"):
        same(value(connection, "SELECT 1"), 1)


def loading():
    connection = in_database()
    amounts = pyarrow.array([Decimal("1.25"), None, Decimal("-0.01")], pyarrow.decimal128(12, 2))
    moments = pyarrow.array([0, 1_700_000_000_123_456_789, None], pyarrow.timestamp("ns"))
    with claim("rows go into a table that is there, by the names of its columns"):
        run(connection, "CREATE TABLE PEOPLE (MOMENT TIMESTAMP_NTZ(9), AMOUNT NUMBER(12,2), NAME VARCHAR, ID NUMBER(10,0))")
        people = pyarrow.table({"ID": [1, 2, 3], "NAME": ["a", "", None], "AMOUNT": amounts, "MOMENT": moments})
        same(ingested(connection, "PEOPLE", people, "append"), 3)
        found = table(connection, "SELECT ID, NAME, AMOUNT, MOMENT FROM PEOPLE ORDER BY ID")
        same([column.to_pylist() for column in found.columns[1:3]], [["a", "", None], amounts.to_pylist()])
        same(found.column("MOMENT").cast(pyarrow.timestamp("ns")).combine_chunks().equals(moments), True, "nanoseconds")
    with claim("many rows go through several encrypted files"):
        run(connection, "CREATE TABLE MANY (ID NUMBER(10,0), TEXT VARCHAR)")
        ids = range(MILLION)
        many = pyarrow.table({"ID": ids, "TEXT": [f"row {i:012} {i * 2654435761 % 4294967296:x}" for i in ids]})
        same(ingested(connection, "MANY", many, "append"), MILLION)
        counted = rows(connection, "SELECT COUNT(*), SUM(ID), COUNT(DISTINCT TEXT) FROM MANY")
        same([int(number) for number in counted[0]], [MILLION, sum(ids), MILLION])
    with claim("a table is emptied by a statement that tells no number of rows"):
        run(connection, "TRUNCATE TABLE MANY")
        same(value(connection, "SELECT COUNT(*) FROM MANY"), 0)
    with claim("a table is made from the data"):
        made = pyarrow.table({"ID": [1, 2], "RATIO": [0.5, None], "OK": [True, False]})
        same(ingested(connection, "MADE", made, "create"), 2)
        same(len(rows(connection, "SELECT * FROM MADE WHERE RATIO = 0.5 AND OK")), 1)


def ingested(connection, name, data, mode):
    with connection.cursor() as cursor:
        return cursor.adbc_ingest(name, data, mode=mode)


def cancelled(error):
    same("cancel" in str(error).lower() or "604" in str(error), True, str(error))


AREAS = {
    "login": login,
    "statements": statements,
    "types": types,
    "binds": binds,
    "chunks": chunks,
    "control": control,
    "loading": loading,
}

if __name__ == "__main__":
    run_areas(AREAS, sys.argv[1])
