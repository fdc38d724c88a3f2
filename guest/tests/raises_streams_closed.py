"""A program may close its streams."""
# outcome: raised ValueError
# stderr: ValueError: boom

import sys


def main():
    sys.stdout.close()
    sys.stderr = None
    raise ValueError("boom")
