"""`DATABASE FILE`: what the artifact `rows` does, without a sandbox, in this process."""

import sqlite3
import sys

from reading import Reading


def rows():
    with open(sys.argv[2], "rb") as file:
        for line in file:
            reading = Reading.model_validate_json(line)
            yield (
                reading.id,
                reading.sensor,
                reading.celsius,
                reading.indoors,
                reading.at.isoformat(),
                reading.note,
            )


database = sqlite3.connect(sys.argv[1])
database.execute(
    "CREATE TABLE reading (id INTEGER, sensor TEXT, celsius REAL, indoors INTEGER, at TEXT, note TEXT)"
)
database.executemany("INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?)", rows())
database.commit()
