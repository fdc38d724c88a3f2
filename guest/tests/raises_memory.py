"""More memory than there is."""
# outcome: limit-exceeded memory
# message: MemoryError
# traceback: in main


def main():
    blocks = []
    blocks.append(bytearray(1_500_000_000))
