# Gives each piece of sub-content a name as long as a name may be.
# options: --max-subcontent 1000
# outcome: limit-exceeded sub-content
# says: longer names

import wadup


def main():
    for number in range(1000):
        wadup.emit_bytes(b"", f"{number:04096}")
