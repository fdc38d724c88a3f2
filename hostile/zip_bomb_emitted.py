# Hands over gigabytes that were a few bytes.
# outcome: limit-exceeded sub-content
# says: --max-subcontent-ratio

import wadup


def main():
    chunk = bytes(1 << 20)
    for number in range(4096):
        wadup.emit_bytes(chunk, f"{number}")
