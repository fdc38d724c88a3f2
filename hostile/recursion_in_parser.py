# Compiles brackets in brackets.
# outcome: raised

def main():
    compile("(" * 100_000 + ")" * 100_000, "nested", "eval")
