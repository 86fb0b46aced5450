"""fakesnow's own client: `witness.py PORT rows|digest SQL` reads a query row by row and writes each row as a JSON array."""

import hashlib
import json
import math
import struct
import sys
from datetime import date, datetime, time
from decimal import Decimal

import snowflake.connector


def text(value):
    """Doubles as their bits, times and timestamps as microseconds, dates as days, bytes as hexadecimal."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack(">d", value).hex()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, datetime):
        since = value - datetime(1970, 1, 1)
        return str((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)
    if isinstance(value, date):
        return str((value - date(1970, 1, 1)).days)
    if isinstance(value, time):
        return str(((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond)
    raise TypeError(type(value))


def lines(port, sql):
    connection = snowflake.connector.connect(
        user="fake", password="snow", account="fake", host="127.0.0.1", port=port, protocol="http", database="WITNESS",
        schema="PUBLIC", login_timeout=30, network_timeout=60,
    )
    for row in connection.cursor().execute(sql):
        yield json.dumps([text(value) for value in row], ensure_ascii=False, separators=(",", ":"))


def main():
    port, form, sql = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    if form == "rows":
        for line in lines(port, sql):
            print(line)
        return
    digest, count = hashlib.sha256(), 0
    for line in lines(port, sql):
        digest.update((line + "\n").encode())
        count += 1
    print(count, digest.hexdigest())


main()
