"""Nothing random or of the clock is the same in two instances. Run it twice: no row of the one
may be in the other. The names of the rows that do stay the same start with `same`."""
# outcome: completed
# differs: values_

import logging
import os
import random
import secrets
import tempfile
import time
import uuid

import wadup

random.random(), secrets.token_hex(), uuid.uuid4(), uuid.uuid1(), logging.getLogger()
next(tempfile._get_candidate_names())
IMPORTED = time.time()
HASH = hash("text")


def main():
    wadup.define_table("values_", [("name", "String"), ("value", "String")])
    values = {
        "random": random.random(),
        "shuffle": random.sample(range(10**9), 3),
        "system random": random.SystemRandom().random(),
        "secrets": secrets.token_hex(),
        "urandom": os.urandom(16).hex(),
        "uuid4": uuid.uuid4(),
        "uuid1 node": uuid.uuid1().node,
        "uuid1 time": uuid.uuid1().time,
        "temporary": tempfile.mktemp(),
        "time": time.time_ns(),
        "same hash": hash("text"),
        "same pid": os.getpid(),
    }
    for name, value in values.items():
        wadup.insert_row("values_", [name, str(value)])
    assert HASH == hash("text")
    assert time.time() >= IMPORTED
    record = logging.makeLogRecord({})
    assert 0 <= record.relativeCreated < 10_000, record.relativeCreated
    with tempfile.TemporaryDirectory() as directory:
        assert directory.startswith("/tmp/") and os.path.isdir(directory)
