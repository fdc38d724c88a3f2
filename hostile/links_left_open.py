# Leaves a metadata file with 20,000 names open, as often as it can.
# options: --timeout 1s
# outcome: limit-exceeded time

import os


def main():
    with open("/metadata/0.json", "wb") as file:
        file.write(b"{}" + b" " * 1_000_000)
        for number in range(1, 20_000):
            os.link("/metadata/0.json", f"/metadata/{number}.json")
        for _ in range(500):
            os.open("/metadata/0.json", os.O_WRONLY)
