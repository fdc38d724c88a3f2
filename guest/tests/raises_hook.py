"""sys.excepthook prints; a hook that fails is replaced by the ordinary traceback."""
# outcome: raised ValueError
# stderr: hook: boom

import sys


def main():
    sys.excepthook = lambda kind, error, traceback: print("hook:", error, file=sys.stderr)
    raise ValueError("boom")
