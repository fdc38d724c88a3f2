"""A program that seeds the module's generator at import wants the same numbers every time."""
# outcome: completed
# stdout: 0.45326 0.21795

import random

random.seed("wadup")
FIRST = random.random()


def main():
    assert random.Random("wadup").random() == FIRST
    print(f"{FIRST:.5f} {random.random():.5f}")
