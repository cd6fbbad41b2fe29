"""Answers queries with DuckDB, over the same events as the test. Reads JSON texts from standard input, one per line:
first the path of a file with the events, then queries. Prints the rows of each query, or its error, as one line."""

import datetime
import decimal
import json
import sys

import duckdb

COLUMNS = {
    "seq": "BIGINT",
    "event_timestamp": "TIMESTAMP",
    "player": "VARCHAR",
    "game": "VARCHAR",
    "amount": "DECIMAL(18,2)",
    "n": "BIGINT",
    "x": "DOUBLE",
    "ok": "BOOLEAN",
    "since": "TIMESTAMP",
    "tags": "VARCHAR[]",
}


def text(value):
    """Returns a value as the text that the test expects."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return str(value)


def rows(connection, query):
    try:
        found = connection.execute(query).fetchall()
    except duckdb.Error as error:
        return {"error": str(error)}
    return [[text(value) for value in row] for row in found]


def main():
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("CREATE MACRO finite(v) AS CASE WHEN isfinite(v) THEN v END")
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    path = json.loads(sys.stdin.readline())
    connection.execute(f"CREATE TABLE events AS FROM read_json('{path}', columns = {{{columns}}})")
    for line in sys.stdin:
        print(json.dumps(rows(connection, json.loads(line))), flush=True)


main()
