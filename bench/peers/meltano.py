"""Reads one table of the emulated account with Meltano's tap, record by record, into nothing."""

import json
import os
import re
import sys

import snowflake.connector

connect = snowflake.connector.connect
ADDRESS = {"host": "127.0.0.1", "port": int(os.environ["BENCH_PORT"]), "protocol": "http"}
# The tap has no option for an address. It imports the connector's function by name, so it comes after this.
snowflake.connector.connect = lambda *arguments, **options: connect(*arguments, **(options | ADDRESS))

from tap_snowflake.tap import TapSnowflake  # noqa: E402

CONFIG = {
    "account": "bench",
    "user": os.environ["BENCH_USER"],
    "password": os.environ["BENCH_PASSWORD"],
    "database": "BENCH",
    "schema": "PUBLIC",
    "warehouse": "BENCH_WH",
    "tables": [f"PUBLIC.{os.environ['BENCH_TABLE']}"],
}


class Counted:
    """Takes the messages that the tap writes, counts the records and adds up their ids."""

    ID = re.compile(r'"id":(\d+)')

    def __init__(self):
        self.rows = self.sum = 0

    def write(self, line):
        if line.startswith('{"type":"RECORD"'):
            self.rows += 1
            self.sum += int(self.ID.search(line)[1])

    def flush(self):
        pass


def main():
    catalog = TapSnowflake(config=CONFIG).catalog_dict
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True
    output, sys.stdout = sys.stdout, Counted()
    TapSnowflake(config=CONFIG, catalog=catalog).sync_all()
    print(json.dumps({"rows": sys.stdout.rows, "sum": sys.stdout.sum}), file=output)


if __name__ == "__main__":
    main()
