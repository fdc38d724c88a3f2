# Runs a query without end, in SQLite.
# options: --timeout 500ms
# outcome: limit-exceeded time

import sqlite3


def main():
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    sqlite3.connect(":memory:").execute(query).fetchall()
