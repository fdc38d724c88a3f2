"""A row for each valid record of a file of JSON Lines."""

import wadup
from reading import Reading

readings = wadup.table(Reading)


def main():
    readings.insert_many(wadup.input.jsonl(Reading))
