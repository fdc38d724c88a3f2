"""Anything else is printed, and the exit code is 1."""
# outcome: exited 1
# stderr: no such customer: \udc80

import sys


def main():
    sys.exit("no such customer: \udc80")
