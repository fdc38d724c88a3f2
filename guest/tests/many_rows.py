"""Memory stays bounded: rows are handed over when there are many."""
# outcome: completed

import os

import wadup


def main():
    wadup.define_table("numbers", [("n", "Int64"), ("text", "String")])
    for number in range(100_000):
        wadup.insert_row("numbers", [number, "x" * 50])
    files = [name for name in os.listdir("/metadata") if name.endswith(".json")]
    assert len(files) >= 8, files
    assert all(os.stat(f"/metadata/{name}").st_size < 1_100_000 for name in files)
