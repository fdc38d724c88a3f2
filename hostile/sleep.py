# Sleeps for years.
# options: --timeout 500ms
# outcome: limit-exceeded time

import time


def main():
    time.sleep(1e8)
