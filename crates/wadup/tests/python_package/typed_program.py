"""What a type checker is to make of a program; it is never run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypedDict, assert_type

import wadup
from pydantic import BaseModel
from wadup import local


class User(BaseModel):
    name: str


@dataclass
class Point:
    x: int


class Pair(TypedDict):
    a: int


users = wadup.table(User, name="users")
assert_type(users, wadup.Table[User])
assert_type(wadup.table(Point), wadup.Table[Point])
assert_type(wadup.table(Pair), wadup.Table[Pair])
wadup.table(User, nam="users")  # type: ignore[call-arg]


def main() -> None:
    users.insert(User(name="x"))
    users.insert(Point(1))  # type: ignore[arg-type]
    assert_type(users.insert_many(wadup.input.jsonl(User)), int)
    users.insert_many(wadup.input.jsonl(Point))  # type: ignore[arg-type]
    assert_type(wadup.input.jsonl(User, on_error=wadup.errors), Iterator[User])
    assert_type(wadup.input.csv(Point), Iterator[Point])
    assert_type(wadup.input.csv(), Iterator[dict[str, str]])
    assert_type(wadup.input.json(User), User)
    assert_type(wadup.input.json(), Any)
    assert_type(wadup.input.lines(), Iterator[str])
    with wadup.errors:
        wadup.insert_row("users", ["a", 1, 1.5, None])
    wadup.define_table("users", [("name", "Text")])  # type: ignore[list-item]
    assert_type(local.run(main, "x"), list[tuple[str, dict[str, Any]]])
    wadup.nothing  # type: ignore[attr-defined]
