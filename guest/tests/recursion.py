"""Whatever is nested too deeply ends in an exception, never in a crash."""
# outcome: completed

import ast
import copy
import functools
import json
import marshal
import pickle
import re
import sys
import tomllib
import xml.etree.ElementTree

DEEP = 100_000


def nested():
    value = []
    for _ in range(DEEP):
        value = [value]
    return value


def python():
    python()


def unlimited():
    sys.setrecursionlimit(10**6)
    try:
        python()
    finally:
        sys.setrecursionlimit(1000)


def attributes():
    class Attributes:
        def __getattr__(self, name):
            return getattr(self, name + "a")

    return Attributes().x


def text():
    class Text:
        def __str__(self):
            return str(self)

    return str(Text())


def sorting():
    class Sorting:
        def __lt__(self, other):
            return sorted([self, other])

    return sorted([Sorting(), Sorting()])


def generic():
    alias = int
    for _ in range(20_000):
        alias = list[alias]
    return repr(alias)


def freeing():
    value = None
    for _ in range(300_000):
        holder = type("Holder", (), {})() if value is None else type(value)()
        holder.next = value or holder.__class__
        value = holder


RAISE = {
    "python": python,
    "unlimited": unlimited,
    "attributes": attributes,
    "str": text,
    "sorted": sorting,
    "generic alias": generic,
    "json.loads": lambda: json.loads("[" * DEEP),
    "json.dumps": lambda: json.dumps(nested()),
    "repr": lambda: repr(nested()),
    "compare": lambda: nested() == nested(),
    "pickle": lambda: pickle.dumps(nested()),
    "deepcopy": lambda: copy.deepcopy(nested()),
    "marshal.dumps": lambda: marshal.dumps(nested()),
    "marshal.loads": lambda: marshal.loads(b"[\1\0\0\0" * DEEP),
    "tomllib": lambda: tomllib.loads("a=" + "[" * DEEP),
    "re": lambda: re.compile("(" * DEEP + ")" * DEEP),
    "parse brackets": lambda: ast.parse("(" * 5000 + ")" * 5000),
    "parse signs": lambda: ast.parse("-" * DEEP + "1"),
    "compile sum": lambda: compile("+".join(["1"] * DEEP), "x", "eval"),
    "compile attributes": lambda: compile("x" + ".a" * DEEP, "x", "eval"),
}

WORK = {
    "freeing": freeing,
    "partial": lambda: functools.reduce(lambda f, _: functools.partial(f), range(DEEP), int)(),
    "xml": lambda: xml.etree.ElementTree.fromstring("<a>" * DEEP + "</a>" * DEEP),
    "blocks": lambda: compile(
        "if 1:\n" + "".join(" " * n + "if 1:\n" for n in range(1, 99)) + " " * 99 + "pass",
        "x", "exec",
    ),
    "lambdas": lambda: compile("lambda:" * 200 + "1", "x", "eval"),
}


def main():
    for name, function in RAISE.items():
        try:
            function()
        except (RecursionError, MemoryError, ValueError, SyntaxError):
            pass
        else:
            raise AssertionError(f"{name} was expected to be too deep")
    for function in WORK.values():
        function()
