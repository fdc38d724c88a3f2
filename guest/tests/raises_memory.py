"""More memory than there is."""
# outcome: raised MemoryError
# traceback: in main


def main():
    blocks = []
    blocks.append(bytearray(1_500_000_000))
