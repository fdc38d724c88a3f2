# Ends the process without a word.
# outcome: exited exit
# says: 3

import os


def main():
    os._exit(3)
