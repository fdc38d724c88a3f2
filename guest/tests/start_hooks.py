"""Functions registered with on_start run before main(), in order; so does one of their own."""
# outcome: completed
# stdout: first second third main

import wadup

calls = []


@wadup.on_start
def first():
    calls.append("first")
    wadup.on_start(lambda: calls.append("third"))
    assert wadup.input.size


@wadup.on_start
def second():
    calls.append("second")


try:
    wadup.on_start(5)
except TypeError as error:
    assert "needs a function, got int" in str(error)

assert calls == [] and callable(first)


def main():
    print(*calls, "main")
