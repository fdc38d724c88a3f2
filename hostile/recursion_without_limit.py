# Recurses in C and in Python, with a limit that says nothing.
# options: --max-memory 128MiB
# outcome: limit-exceeded memory

import sys


class Nested:
    def __getattr__(self, name):
        return getattr(Nested(), name)


def deeper():
    deeper()


def main():
    sys.setrecursionlimit(2**31 - 1)
    try:
        Nested().anything
    except RecursionError:
        deeper()
