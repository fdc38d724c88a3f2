# Gives a metadata file 20,000 names before it is complete, so that it is complete 20,000 times.
# options: --timeout 1s
# outcome: limit-exceeded time

import os


def main():
    with open("/metadata/0.json", "wb") as file:
        file.write(b"{}" + b" " * 1_000_000)
        for number in range(1, 20_000):
            os.link("/metadata/0.json", f"/metadata/{number}.json")
