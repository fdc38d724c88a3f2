# Matches a regular expression that takes for ever, in C.
# options: --timeout 500ms
# outcome: limit-exceeded time

import re


def main():
    re.match(r"(a+)+$", "a" * 64 + "b")
