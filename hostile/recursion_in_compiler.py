# Compiles a deep tree of operators.
# outcome: raised

def main():
    compile("-" * 100_000 + "1", "nested", "eval")
