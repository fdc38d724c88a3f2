"""Does what its input says: all of them go deeper than there is stack."""

import functools
import json
import sys

import wadup


def python():
    python()


def unlimited():
    sys.setrecursionlimit(10**9)
    python()


def through_c():
    class Text:
        def __str__(self):
            return str(self)

    sys.setrecursionlimit(10**9)
    return str(Text())


def attributes():
    class Attributes:
        def __getattr__(self, name):
            return getattr(self, name + "a")

    return Attributes().x


def sorting():
    class Sorting:
        def __lt__(self, other):
            return sorted([self, other])

    sys.setrecursionlimit(10**9)
    return sorted([Sorting(), Sorting()])


def nested(depth):
    return functools.reduce(lambda value, _: [value], range(depth), [])


def pydantic_model():
    from pydantic import BaseModel

    class Node(BaseModel):
        child: "Node | None" = None

    value = None
    for _ in range(100_000):
        value = {"child": value}
    Node.model_validate(value)


SCENARIOS = {
    "fine": lambda: None,
    "python": python,
    "unlimited": unlimited,
    "through C": through_c,
    "attributes": attributes,
    "sorting": sorting,
    "repr": lambda: repr(nested(1_000_000)),
    "json": lambda: json.loads("[" * 1_000_000),
    "compile": lambda: compile("(" * 100_000 + ")" * 100_000, "x", "eval"),
    "compile signs": lambda: compile("-" * 1_000_000 + "1", "x", "eval"),
    "compile sum": lambda: compile("+".join(["x"] * 100_000), "x", "eval"),
    "pydantic": pydantic_model,
}


def main():
    wadup.define_table("done", [("scenario", "String")])
    scenario = wadup.input.read_text()
    SCENARIOS[scenario]()
    wadup.insert_row("done", [scenario])
