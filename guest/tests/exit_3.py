"""A number is the exit code; streams are written out, exit functions run."""
# outcome: exited 3
# stdout: partial line
# stdout: at exit

import atexit
import sys


def main():
    atexit.register(print, "\nat exit")
    sys.stdout.write("partial line")
    sys.exit(3)
