# Makes a string of 4 GiB.
# outcome: raised

def main():
    "x" * 2**32
