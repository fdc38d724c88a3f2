"""pydantic_core without models: one adapter for each kind of type, on lists of values."""

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Callable, Iterable, Literal, Optional, TypedDict, Union
from uuid import UUID

from annotated_types import Ge, Len, Lt, MultipleOf
from pydantic import StringConstraints, TypeAdapter
from pydantic_core import PydanticSerializationError, from_json, to_json, to_jsonable_python

from ._times import times


class Color(Enum):
    RED = "red"
    GREEN = 2


class Movie(TypedDict):
    title: str
    year: int
    score: Optional[float]


@dataclass
class Pair:
    left: int
    right: str


SAMPLES: list[tuple[Any, list[Any]]] = [
    (int, [*range(-400, 400), "17", 3.0, True, 2**70]),
    (float, [i / 7 for i in range(800)] + ["1.5", 3, "nan"]),
    (bool, [True, False, 1, 0, "yes", "off"] * 100),
    (str, [f"text {i}" for i in range(600)] + ["ü" * 40, "x" * 300]),
    (bytes, [b"bytes", "text", b"x" * 100] * 200),
    (Decimal, ["1.25", 3, "1e5", Decimal(7)] * 60),
    (date, ["2024-02-29", date(2020, 1, 1), 1_700_006_400] * 100),
    (datetime, ["2024-02-29T12:13:14.5Z", datetime(2020, 1, 1), 1_700_000_000.25] * 100),
    (time, ["12:13:14", time(1, 2), 3600] * 100),
    (timedelta, ["P1DT2H", timedelta(3), 12.5, "01:02:03"] * 80),
    (UUID, ["12345678-1234-4234-9234-123456789012", UUID(int=5)] * 100),
    (Color, ["red", 2, Color.RED] * 150),
    (Literal["a", "b", "c", 1, 2], ["a", "b", 1, 2, "c"] * 120),
    (Optional[int], [None, 1, "2"] * 200),
    (Union[int, str, float], [1, "a", 2.5, "7"] * 150),
    (Union[list[int], dict[str, int]], [[1, 2, 3], {"a": 1}] * 120),
    (list[str], [["a", "b", "c", "d"]] * 200),
    (list[list[int]], [[[1, 2], [3, 4, 5], []]] * 150),
    (tuple[int, str, float], [(1, "a", 2.5), [2, "b", 3]] * 150),
    (tuple[int, ...], [(1, 2, 3, 4)] * 200),
    (set[int], [{1, 2, 3}, [4, 4, 5]] * 150),
    (frozenset[str], [["a", "b"], {"c"}] * 150),
    (dict[str, int], [{"a": 1, "b": 2, "c": "3"}] * 200),
    (dict[int, list[str]], [{1: ["a"], 2: ["b", "c"]}] * 150),
    (Movie, [{"title": "Metropolis", "year": 1927, "score": 8.3}] * 200),
    (Pair, [{"left": 1, "right": "r"}, Pair(2, "s")] * 120),
    (Annotated[int, Ge(0), Lt(1000), MultipleOf(2)], list(range(0, 800, 2))),
    (Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=20)], [" Mixed Case "] * 300),
    (Annotated[str, StringConstraints(pattern=r"^\d{3}-[a-z]+$")], ["123-abc", "999-zzz"] * 200),
    (Annotated[list[int], Len(1, 10)], [[1, 2, 3]] * 250),
    (Any, [1, "a", None, [1, 2]] * 150),
    (Callable, [len, str] * 200),
    (Iterable[int], [[1, 2], (3, 4)] * 100),
]
ADAPTERS = [(TypeAdapter(list[type_]), values) for type_, values in SAMPLES]
SINGLES = [(TypeAdapter(type_), values[:40]) for type_, values in SAMPLES]


@times(3)
def work_lists() -> None:
    for adapter, values in ADAPTERS:
        for _ in range(6):
            parsed = adapter.validate_python(values)
        for _ in range(4):
            adapter.dump_python(parsed)


@times(3)
def work_singles() -> None:
    for adapter, values in SINGLES:
        validate = adapter.validate_python
        for _ in range(20):
            for value in values:
                validate(value)


@times(2)
def work_json() -> None:
    for adapter, values in ADAPTERS:
        parsed = adapter.validate_python(values)
        try:
            text = adapter.dump_json(parsed)
        except (PydanticSerializationError, UnicodeDecodeError):
            continue
        try:
            for _ in range(5):
                adapter.dump_json(parsed)
                adapter.validate_json(text)
        except ValueError:
            continue


@times(20)
def work_strings() -> None:
    cases = ((int, "22"), (float, "1.5"), (bool, "true"), (date, "2024-01-01"), (dict[str, int], {"a": "1"}))
    adapters = [(TypeAdapter(type_), value) for type_, value in cases]
    for _ in range(300):
        for adapter, value in adapters:
            adapter.validate_strings(value)


@times(20)
def work_wrong_types() -> None:
    for adapter, values in SINGLES:
        for value in (object(), b"\xff", "?", -1.5, [object()], {"?": None}):
            try:
                adapter.validate_python(value)
            except ValueError as error:
                str(error)


@times(10)
def work_free_functions() -> None:
    value = {"a": [1, 2.5, None, True, "text ü"], "b": {"c": [{"d": i} for i in range(50)]}}
    text = to_json(value)
    other = json.dumps(value).encode()
    for _ in range(150):
        to_json(value)
        from_json(text)
        from_json(other)
        to_jsonable_python(value)
