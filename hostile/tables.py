# Defines tables without end.
# outcome: limit-exceeded tables
# says: --max-tables

import itertools

import wadup


def main():
    for number in itertools.count():
        wadup.define_table(f"t{number}", [("n", "Int64")])
        wadup.flush()
