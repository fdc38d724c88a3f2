"""Rows are handed over when there are many, so that memory stays bounded."""
# outcome: completed
# row-count: 100000

import wadup


def main():
    wadup.define_table("numbers", [("n", "Int64"), ("text", "String")])
    for number in range(100_000):
        wadup.insert_row("numbers", [number, "x" * 50])
