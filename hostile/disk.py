# Fills its file system.
# options: --max-files 64MiB
# outcome: limit-exceeded files
# says: No space left

def main():
    with open("/tmp/large", "wb") as file:
        while True:
            file.write(bytes(1 << 20))
