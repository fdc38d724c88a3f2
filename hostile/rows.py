# Hands over rows without end.
# outcome: limit-exceeded rows
# says: --max-rows

import wadup


def main():
    wadup.define_table("t", [("n", "Int64")])
    while True:
        wadup.insert_row("t", [1])
