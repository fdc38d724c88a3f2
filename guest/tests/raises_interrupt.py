"""KeyboardInterrupt is an exception like any other."""
# outcome: raised KeyboardInterrupt


def main():
    raise KeyboardInterrupt
