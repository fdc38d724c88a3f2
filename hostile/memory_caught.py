# Is refused memory, lets go of what it has, and goes on.
# options: --max-memory 128MiB
# outcome: completed

def main():
    kept = []
    try:
        while True:
            kept.append(bytes(1 << 20))
    except MemoryError:
        kept.clear()
    assert len(bytes(1 << 20)) == 1 << 20
