"""Dataclasses and typed dictionaries are tables, without pydantic."""
# outcome: completed
# rows: [["at_import", [1]], ["line_item", [1, "a", 2.0, "[\"x\"]", "2026-11-23", "x", "1", null, null]], ["line_item", [2, "b", 2.5, "[]", "2026-01-02T00:00:00", null, null, 1, null]], ["seen", [1, null]], ["seen", [null, "now"]], ["slotted", [1]], ["box_int", [5]], ["pairs", ["{\"a\":[1,2],\"b\":{\"n\":1}}", "[1,\"x\"]"]], ["item", [3, null, null]], ["item", [4, null, "now"]], ["times", ["0001-01-01"]], ["times", ["9999-12-31"]], ["times", ["0001-01-01T00:00:00"]], ["times", ["9999-12-31T23:59:59.999999"]], ["times", ["2026-02-03T04:05:06"]], ["times", ["2026-02-03T04:05:06.000007"]], ["times", ["01:02:03"]], ["times", ["01:02:03.000004"]], ["times", ["2026-02-03T04:05:06+00:00"]], ["times", ["2026-02-03T04:05:06"]], ["times", ["special"]], ["times", ["2026-02-03T04:05:06+01:00"]], ["times", ["2026-02-03T04:05:06-03:30"]], ["times", ["2026-02-03T04:05:06-00:00:01"]], ["times", ["2026-02-03T04:05:06+23:59:59.000001"]], ["times", ["2026-02-03T04:05:06-00:00:00.000001"]]]

import sys
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Generic, Literal, NotRequired, TypedDict, TypeVar

import wadup

assert "pydantic" not in sys.modules


class Seen(TypedDict):
    count: NotRequired[int]
    when: str | None


@dataclass
class Amount:
    currency: Literal["x"] | None
    value: Decimal | None


@dataclass
class Item:
    known: ClassVar[int] = 0
    id: int
    scale: InitVar[int] = 1
    home: Seen | None = None


@dataclass(slots=True)
class Slotted:
    n: bool


T = TypeVar("T")


@dataclass
class Box(Generic[T]):
    content: T


class Half:
    pass


class Undecided(tzinfo):
    def utcoffset(self, at):
        return None


class Failing(tzinfo):
    def utcoffset(self, at):
        raise KeyError("mine")


class Special(datetime):
    def isoformat(self):
        return "special"


@dataclass
class Wrong:
    half: Half


@dataclass
class Missing:
    other: "NowhereDefined"


@dataclass
class At:
    n: int


@dataclass
class Times:
    at: datetime | date | time | None


@dataclass
class Pairs:
    values: Mapping[str, Any]
    pair: tuple[int, str]


class LineItem(TypedDict, total=False):
    id: int
    name: str
    price: float
    tags: list[str]
    day: date | None
    amount: Amount | None
    on: NotRequired[Seen]


wadup.table(At, name="at_import").insert(At(1))
items = wadup.table(LineItem)
seen = wadup.table(Seen)


def refused(kind, part, function, *arguments):
    try:
        function(*arguments)
    except kind as error:
        assert type(error) is kind, type(error)
        assert part in str(error), str(error)
    else:
        raise AssertionError(f"{arguments} was accepted")


def main():
    refused(wadup.TableError, "table `wrong`: Wrong.half is annotated Half", wadup.table, Wrong)
    refused(wadup.TableError, "NowhereDefined", wadup.table, Missing)
    refused(wadup.TableError, "nothing says what ~T is", wadup.table, Box)
    refused(TypeError, "table `seen`: expected dict, got list", seen.insert, [])
    refused(TypeError, "column `when`: expected String", seen.insert, {"when": 5})
    refused(TypeError, "is not iterable", seen.insert_many, 5)
    refused(wadup.TableError, "column `tags`: Fraction is no type that can be stored",
            items.insert, {"tags": [Fraction(1, 2)]})
    refused(wadup.TableError, "column `tags`: Out of range float", items.insert,
            {"tags": [float("nan")]})
    refused(TypeError, "expected Amount, got int", items.insert, {"amount": 5})
    refused(TypeError, "column `day`: expected String", items.insert, {"day": 5})
    items.insert({
        "id": 1, "name": "a", "price": 2, "tags": ["x"], "day": date(2026, 11, 23),
        "amount": Amount("x", Decimal(1)), "ignored": 1,
    })
    items.insert({"id": 2, "name": "b", "price": 2.5, "tags": [], "day": datetime(2026, 1, 2), "on": {"count": 1}})
    seen.insert_many([{"count": 1}, {"when": "now"}])
    wadup.table(Slotted).insert(Slotted(True))
    wadup.table(Box[int], name="box_int").insert(Box(5))
    wadup.table(Pairs).insert(Pairs({"a": {2, 1}, "b": At(1)}, (1, "x")))
    objects = wadup.table(Item)
    assert [name for name, _ in objects.columns] == ["id", "home_count", "home_when"]
    objects.insert_many([Item(3), Item(4, home={"when": "now"})])
    isoformat()


def isoformat():
    """The same as CPython's own."""
    times = wadup.table(Times)
    at = datetime(2026, 2, 3, 4, 5, 6)
    offsets = [timedelta(hours=1), -timedelta(hours=3, minutes=30), timedelta(seconds=-1),
               timedelta(hours=23, minutes=59, seconds=59, microseconds=1), timedelta(microseconds=-1)]
    every = [
        date.min, date.max, datetime.min, datetime.max, at, at.replace(microsecond=7), time(1, 2, 3),
        time(1, 2, 3, 4), at.replace(tzinfo=UTC), at.replace(tzinfo=Undecided()),
        Special(2026, 1, 1), *(at.replace(tzinfo=timezone(offset)) for offset in offsets),
    ]
    for value in every:
        times.insert(Times(value))
    refused(KeyError, "mine", times.insert, Times(at.replace(tzinfo=Failing())))
