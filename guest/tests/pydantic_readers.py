"""Records of the input as valid models, and what is wrong with the others as rows."""
# outcome: completed
# rows: [["user", ["Ada", 36, null]], ["validation_errors", ["User", 3, "age", "greater_than_equal", "Input should be greater than or equal to 0", "-1"]], ["validation_errors", ["User", 3, "home.city", "missing", "Field required", "{\"zip\":1}"]], ["validation_errors", ["User", 4, null, "json_invalid", "Invalid JSON: EOF while parsing an object at line 2 column 0", "{\n"]], ["user", ["Bo", 1, "Rom"]], ["validation_errors", ["User", null, "name", "string_type", "Input should be a valid string", "5"]], ["validation_errors", ["User", null, "age", "missing", "Field required", "{\"name\":5}"]], ["validation_errors", ["Row", 3, "count", "int_parsing", "Input should be a valid integer, unable to parse string as an integer", "\"x\""]]]

import tempfile
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypedDict

import wadup
from pydantic import AliasChoices, AliasPath, BaseModel, Field, TypeAdapter, ValidationError
from wadup import _input


class Home(BaseModel):
    city: str


class User(BaseModel):
    name: str
    age: int = Field(ge=0)
    home: Home | None = None


class Row(BaseModel):
    count: int
    day: date | None
    note: str = "none"
    text: str
    ratio: float | None = Field(default=0.5, alias="the ratio")


class Sparse(BaseModel):
    """Fields that an input has, and a table may not."""

    hidden: int | None = Field(default=1, exclude=True)
    price: float | None = Field(validation_alias=AliasChoices("Price", AliasPath("cost")))
    letter: Literal["a", None]


@dataclass
class Point:
    x: int
    y: int = 7
    z: int | None = None


class Pair(TypedDict):
    a: int


users = wadup.table(User)


def given(content):
    """Has the content as the input."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(content)
    _input._DATA = file.name
    return wadup.input


def refused(kind, part, note, function):
    try:
        function()
    except kind as error:
        assert part in str(error), str(error)
        assert getattr(error, "__notes__", []) == note, error.__notes__
    else:
        raise AssertionError("it was accepted")


def main():
    before = _input._DATA
    assert given(b'{"name": "Ada", "age": 36}').json(User) == User(name="Ada", age=36)
    refused(ValidationError, "Field required", [], lambda: given(b"{}").json(User))
    assert given(b"[1, 2]").json(list[int]) == [1, 2]
    assert list(given(b'{"x": 1}\n{"x": 2, "y": 3}').jsonl(Point)) == [Point(1), Point(2, 3)]
    assert list(given(b'{"a": "1"}').jsonl(Pair)) == [{"a": 1}]
    refused(ValidationError, "Field required", ["in line 2 of the input"],
            lambda: list(given(b'{"a": 1}\n{}\n').jsonl(Pair)))

    lines = (
        b'{"name": "Ada", "age": 36}\n\n'
        b'{"name": "X", "age": -1, "home": {"zip": 1}}\n{\n'
        b'{"name": "Bo", "age": 1, "home": {"city": "Rom"}}\n'
    )
    assert users.insert_many(given(lines).jsonl(User, on_error=wadup.errors)) == 2
    with wadup.errors:
        users.insert(User.model_validate({"name": 5}))

    table = (
        b"count,day,note,text,the ratio,more\n1,2026-11-23,a,b,2,x\n"
        b"x,,,,,\n2,,,,,\n"
    )
    found = list(given(table).csv(Row, on_error=wadup.errors))
    assert found == [
        Row(**{"count": 1, "day": date(2026, 11, 23), "note": "a", "text": "b", "the ratio": 2}),
        Row(**{"count": 2, "day": None, "note": "none", "text": "", "the ratio": None}),
    ], found
    for header in (b"hidden,Price,letter\n", b"hidden,cost,letter\n"):
        found = list(given(header + b",,\n3,4,a\n").csv(Sparse))
        assert found == [
            Sparse(hidden=None, Price=None, letter=None), Sparse(hidden=3, Price=4, letter="a"),
        ], found
    assert list(given(b"x,y,z\n1,,\n").csv(Point)) == [Point(1, 7, None)]
    _input._DATA = before
