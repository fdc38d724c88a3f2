"""A hook that fails is replaced by the ordinary traceback."""
# outcome: raised ValueError
# stderr: ValueError: boom

import sys


def main():
    sys.excepthook = None
    raise ValueError("boom")
