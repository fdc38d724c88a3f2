# Keeps all that it makes.
# options: --max-memory 128MiB
# outcome: limit-exceeded memory
# says: MemoryError

def main():
    kept = []
    while True:
        kept.append(bytes(1 << 20))
