"""An exception in a function of on_start is main()'s."""
# outcome: raised ZeroDivisionError
# traceback: in start

import wadup


@wadup.on_start
def start():
    1 / 0


def main():
    raise AssertionError("not reached")
