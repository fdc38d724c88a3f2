# Crashes CPython's compiler with comprehensions in comprehensions.
# outcome: trapped


def main():
    depth = 60
    compile("[" * depth + "0" + " for x in y]" * depth, "nested", "eval")
