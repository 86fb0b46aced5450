"""Connects the official Python connectors to the emulator that the test started."""

import os

os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"

import snowflake.connector  # noqa: E402: the variable above must be set before

# Short, because the drivers go on retrying for as long as they may.
LOGIN_TIMEOUT_S = 10
NETWORK_TIMEOUT_S = 30

VERSION = snowflake.connector.__version__
HAS_RUST_CORE = VERSION.startswith("5.")

URL = os.environ.get("JUDGE_URL", "http://127.0.0.1:18085")
USER = os.environ.get("JUDGE_USER", "SNOWFERRY")
PASSWORD = os.environ.get("JUDGE_PASSWORD", "snowferry")
KEY_FILE = os.environ.get("JUDGE_KEY_FILE", "")
ACCESS_TOKEN = os.environ.get("JUDGE_ACCESS_TOKEN", "")
OAUTH_TOKEN = os.environ.get("JUDGE_OAUTH_TOKEN", "")


def endpoint():
    host, _, port = URL.removeprefix("http://").rstrip("/").partition(":")
    return {"account": "judge", "protocol": "http", "host": host, "port": int(port)}


def connect(**options):
    """Logs in by password unless the options say otherwise."""
    settings = endpoint() | {"user": USER, "warehouse": "COMPUTE_WH", "login_timeout": LOGIN_TIMEOUT_S, "network_timeout": NETWORK_TIMEOUT_S}
    if "authenticator" not in options and "private_key" not in options and "private_key_file" not in options:
        settings["password"] = PASSWORD
    settings["session_parameters"] = {"TIMEZONE": "UTC"}
    return snowflake.connector.connect(**(settings | options))


def in_database(**options):
    """A connection whose current schema is a fresh one."""
    connection = connect(**options)
    run(connection, "CREATE DATABASE IF NOT EXISTS JUDGE")
    run(connection, "CREATE OR REPLACE SCHEMA JUDGE.WORK")
    run(connection, "USE SCHEMA JUDGE.WORK")
    return connection


def run(connection, sql, *arguments, **options):
    """Executes one statement and returns its cursor."""
    return connection.cursor().execute(sql, *arguments, **options)


def rows(connection, sql, *arguments):
    return run(connection, sql, *arguments).fetchall()


def value(connection, sql, *arguments):
    return rows(connection, sql, *arguments)[0][0]
