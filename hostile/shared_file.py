# Hands over a file that has another name, so that there are two of it.
# options: --max-files 32MiB
# outcome: limit-exceeded files
# says: no room for a second one

import os


def main():
    with open("/metadata/a.json", "wb") as file:
        file.write(b"{}" + b" " * (20 << 20))
        os.link("/metadata/a.json", "/tmp/another")
