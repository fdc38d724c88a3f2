# Parses brackets in brackets, in C.
# outcome: raised RecursionError

import json


def main():
    json.loads("[" * 1_000_000)
