"""sys.exit(0) completes: rows count."""
# outcome: completed
# rows: [["a", [1]]]
# stdout: partial line

import sys

import wadup


def main():
    wadup.define_table("a", [("n", "Int64")])
    wadup.insert_row("a", [1])
    sys.stdout.write("partial line")
    sys.exit(0)
