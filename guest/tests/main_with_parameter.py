"""main() is called without arguments."""
# outcome: raised TypeError
# message: main() missing 1 required positional argument: 'path'


def main(path):
    pass
