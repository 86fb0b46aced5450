"""`write_pandas` of the official Python connector as judge: what it writes reads back equal."""

import sys
import warnings
from datetime import date, datetime, timezone
from decimal import Decimal

import pandas
from claims import claim, raises, run_areas, same
from session import in_database, rows, run, value
from snowflake.connector.pandas_tools import write_pandas

warnings.simplefilter("ignore")

ROWS = 25_000


def loading():
    connection = in_database()
    with claim("rows go into a table that is there, in several files"):
        run(connection, "CREATE TABLE PEOPLE (NAME VARCHAR, BALANCE INT, RATIO FLOAT)")
        people = pandas.DataFrame({"NAME": [f"n{i}" for i in range(ROWS)], "BALANCE": range(ROWS), "RATIO": [i / 4 for i in range(ROWS)]})
        ok, files, written, answers = write_pandas(connection, people, "PEOPLE", chunk_size=10_000)
        same((ok, files, written), (True, 3, ROWS))
        same({answer[1] for answer in answers}, {"LOADED"}, "status")
        same(value(connection, "SELECT SUM(BALANCE) FROM PEOPLE"), sum(range(ROWS)))
        same(rows(connection, "SELECT * FROM PEOPLE WHERE BALANCE = 3"), [("n3", 3, 0.75)])
    with claim("missing values are NULL and an empty text is a text"):
        run(connection, "CREATE TABLE GAPS (I INT, S VARCHAR, D NUMBER(12,2), B BOOLEAN, DAY DATE)")
        gaps = pandas.DataFrame(
            {
                "I": pandas.array([1, None], dtype="Int64"),
                "S": ["", None],
                "D": [Decimal("12345678.90"), None],
                "B": pandas.array([True, None], dtype="boolean"),
                "DAY": [date(2024, 2, 29), None],
            }
        )
        same(write_pandas(connection, gaps, "GAPS")[0], True)
        expected = [(1, "", Decimal("12345678.90"), True, date(2024, 2, 29)), (None, None, None, None, None)]
        same(rows(connection, "SELECT * FROM GAPS ORDER BY I NULLS LAST"), expected)
    with claim("names with small letters, spaces and quotes are kept"):
        odd = pandas.DataFrame({"lower": [1], "two words": ["x"], 'a "quote"': [2]})
        ok, *_ = write_pandas(connection, odd, "odd table", auto_create_table=True)
        same(ok, True)
        cursor = run(connection, 'SELECT * FROM "odd table"')
        same([column.name for column in cursor.description], ["lower", "two words", 'a "quote"'])
        same(cursor.fetchall(), [(1, "x", 2)])
    with claim("a table is made from the data, and replaced"):
        made = pandas.DataFrame({"ID": [1, 2], "PRICE": [Decimal("1.50"), Decimal("2.25")], "RAW": [b"\x00\xff", b""], "F": [0.5, float("inf")]})
        for _ in range(2):
            ok, _, written, _ = write_pandas(connection, made, "MADE", auto_create_table=True, overwrite=True)
            same((ok, written), (True, 2))
        expected = [(1, Decimal("1.50"), b"\x00\xff", 0.5), (2, Decimal("2.25"), b"", float("inf"))]
        same(rows(connection, "SELECT * FROM MADE ORDER BY ID"), expected)
    with claim("timestamps with and without a zone are kept with logical types"):
        run(connection, "CREATE TABLE MOMENTS (N TIMESTAMP_NTZ(6), L TIMESTAMP_LTZ(6), Z TIMESTAMP_TZ(6))")
        moment = datetime(2024, 3, 31, 1, 30, 0, 123456)
        moments = pandas.DataFrame(
            {
                "N": pandas.Series([moment]).astype("datetime64[us]"),
                "L": pandas.Series([moment.replace(tzinfo=timezone.utc)]).astype("datetime64[us, UTC]"),
                "Z": pandas.Series([moment.replace(tzinfo=timezone.utc)]).astype("datetime64[us, UTC]"),
            }
        )
        same(write_pandas(connection, moments, "MOMENTS", use_logical_type=True)[0], True)
        [(local, instant, zoned)] = rows(connection, "SELECT * FROM MOMENTS")
        same(local, moment)
        same(instant.astimezone(timezone.utc), moment.replace(tzinfo=timezone.utc))
        same(zoned.astimezone(timezone.utc), moment.replace(tzinfo=timezone.utc))
    with claim("nanoseconds are kept with logical types"):
        run(connection, "CREATE TABLE FINE (N TIMESTAMP_NTZ(9))")
        fine = pandas.DataFrame({"N": pandas.Series([pandas.Timestamp("2024-01-02 03:04:05.123456789")])})
        same(write_pandas(connection, fine, "FINE", use_logical_type=True)[0], True)
        same(value(connection, "SELECT TO_VARCHAR(N, 'YYYY-MM-DD HH24:MI:SS.FF9') FROM FINE"), "2024-01-02 03:04:05.123456789")
    with claim("a value that does not fit fails, and nothing is written"):
        run(connection, "CREATE TABLE NARROW (S VARCHAR(2))")
        wide = pandas.DataFrame({"S": ["ok", "too long"]})
        raises(lambda: write_pandas(connection, wide, "NARROW"), lambda error: same(error.errno, 100078, "code"))
        same(value(connection, "SELECT COUNT(*) FROM NARROW"), 0)
    with claim("the vectorized scanner loads the same"):
        run(connection, "CREATE TABLE AGAIN LIKE GAPS")
        same(write_pandas(connection, gaps, "AGAIN", use_vectorized_scanner=True)[0], True)
        same(rows(connection, "SELECT * FROM AGAIN MINUS SELECT * FROM GAPS"), [])
    connection.close()


run_areas({"loading": loading}, sys.argv[1])
