# Aborts.
# outcome: trapped

import os


def main():
    os.abort()
