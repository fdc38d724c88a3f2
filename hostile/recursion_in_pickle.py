# Unpickles what is nested deeply, and pickles it.
# outcome: raised RecursionError

import pickle


def main():
    nested = pickle.loads(b"]" * 100_000 + b"a" * 99_999 + b".")
    pickle.dumps(nested)
