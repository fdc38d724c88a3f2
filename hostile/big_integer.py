# Computes a number with a hundred million digits, in C.
# options: --timeout 500ms
# outcome: limit-exceeded time

def main():
    print(str(7 ** (10**8)))
