"""sys.exit() completes."""
# outcome: completed

import sys


def main():
    sys.exit()
