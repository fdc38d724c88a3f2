# Prints a list in a list in a list.
# outcome: raised RecursionError

def main():
    nested = []
    for _ in range(1_000_000):
        nested = [nested]
    repr(nested)
