"""A long message is cut in the middle."""
# outcome: raised ValueError
# message: bytes left out
# traceback: in main


def main():
    raise ValueError("ü" * 10_000_000)
