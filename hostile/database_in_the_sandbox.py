# Fills its file system through SQLite.
# options: --max-files 64MiB
# outcome: limit-exceeded files

import sqlite3


def main():
    connection = sqlite3.connect("/tmp/large.db")
    connection.execute("CREATE TABLE t (b)")
    while True:
        connection.execute("INSERT INTO t VALUES (zeroblob(1000000))")
        connection.commit()
