"""Pure Python: what an interpreter alone can do. No imports beyond the standard library, so that
interpreters without packages can run it."""

import json

DOCUMENT = json.dumps(
    [
        {
            "id": number,
            "name": f"user {number}",
            "email": f"user{number}@example.org",
            "active": number % 2 == 0,
            "score": number * 1.5,
            "tags": ["a", "b", "c"],
            "address": {"street": f"street {number}", "city": "Zürich", "zip": "8000"},
        }
        for number in range(500)
    ]
)
VALUE = json.loads(DOCUMENT)


def loop():
    total = 0
    for number in range(20_000):
        total += number * number % 7
    return total


def fib(n=16):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


class Vector:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)


def objects():
    total = Vector(0, 0)
    for number in range(1_000):
        total = total + Vector(number, 1)
    return total.x


def strings():
    words = [f"word{number}" for number in range(1_000)]
    text = " ".join(words).upper()
    return len([part for part in text.split() if part.endswith("7")])


def dicts():
    counts = {}
    for number in range(5_000):
        key = number % 997
        counts[key] = counts.get(key, 0) + 1
    return max(counts.values())


def sort():
    values = [number * 7919 % 10_007 for number in range(1_000)]
    return sorted(values, key=lambda value: -value)[0]


def json_loads():
    return len(json.loads(DOCUMENT))


def json_dumps():
    return len(json.dumps(VALUE))


PURE = [loop, fib, objects, strings, dicts, sort, json_loads, json_dumps]
