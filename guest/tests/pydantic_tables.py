"""Pydantic models are tables."""
# outcome: completed
# rows: [["user", [1, "Ada", 1, 36.6, null, "2026-11-23T01:02:03+00:00", "2026-11-23", "01:02:03", "1.10", "12345678-1234-5678-1234-567812345678", "red", 3, "/a/b", "00ff", 90.5, "https://example.org/x", "a", 7, "[1,2]", "{\"2026-01-01\":{\"city\":\"Rom\",\"zip\":null}}", "\"x\"", "{\"kind\":\"cat\",\"lives\":9}", "Rom", null, null, null, "[\"u\",\"v\"]", "1 Ada"]], ["user", [2, "Bo", 0, 1.0, "b@c.de", "2026-11-23T01:02:03", "2026-11-23", "01:02:03", "1E+2", "12345678-1234-5678-1234-567812345678", "blue", 4, ".", "", 0.0, "https://example.org/", "b", -1, "[]", "{}", "1", "{\"kind\":\"dog\",\"name\":\"Rex\"}", "Paris", 75001, "Bonn", 53111, "[]", "2 Bo"]], ["page_item", [1, 2.5]], ["page_item", [2, 3.0]], ["named", [1, "{\"children\":[{\"children\":[],\"name\":\"leaf\"}],\"name\":\"top\"}"]], ["converted", ["[\"red\"]", "{\"red\":\"blue\"}", "\"two\"", 86400.0, 1.0, 1, "\"red\""]], ["converted", ["[]", "{}", "1", 5.0, 0.5, 0, "{\"1\":\"blue\"}"]], ["animals", ["Rex", null]], ["animals", ["Tom", 9]]]

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Callable, ClassVar, Generic, Literal, NewType, TypeVar
from uuid import UUID

import wadup
from pydantic import (
    AnyUrl,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    RootModel,
    SecretStr,
    computed_field,
)


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    HIGH = 3
    LOW = 4


class Height(Enum):
    LOW = 1


class Mixed(Enum):
    ONE = 1
    TWO = "two"


class Address(BaseModel):
    city: str
    zip: int | None = None


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    name: str


class Tags(RootModel[list[str]]):
    pass


class Base(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    count: ClassVar[int] = 0
    id: Annotated[int, Field(gt=0)]
    name: str = Field(alias="full name")


Number = NewType("Number", int)


class User(Base):
    active: bool
    temperature: float
    email: str | None = None
    at: datetime
    day: date
    hour: time
    price: Decimal
    key: UUID
    color: Color
    level: Level
    path: Path
    data: bytes
    took: timedelta
    url: AnyUrl
    letter: Literal["a", "b"]
    number: Number
    numbers: list[int]
    by_day: dict[date, Address]
    either: int | str
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    home: Address
    work: Address | None = None
    tags: Tags
    password: SecretStr = Field(default=SecretStr("hidden"), exclude=True)

    @computed_field
    @property
    def label(self) -> str:
        return f"{self.id} {self.name}"


T = TypeVar("T")


class Item(BaseModel):
    price: float


class Page(BaseModel, Generic[T]):
    number: PositiveInt
    of: T


class Node(BaseModel):
    children: list["Node"] = []
    name: str


class Named(BaseModel):
    n: int
    tree: tuple[Node, ...] | Node


class Converted(BaseModel):
    """Values that are converted, where that depends on the value."""

    colors: list[Color]
    by_color: dict[Color, Color]
    mixed: Mixed
    took: timedelta | int
    height: Height | float
    is_odd: Height | bool
    anything: Any


class Chain(BaseModel):
    next: "Chain | None" = None


users = wadup.table(User)
pages = wadup.table(Page[Item], name="page_item")
named = wadup.table(Named)
converted = wadup.table(Converted)


def refused(kind, part, function, *arguments, **options):
    try:
        function(*arguments, **options)
    except kind as error:
        assert type(error) is kind, type(error)
        assert part in str(error), str(error)
    else:
        raise AssertionError(f"{arguments} was accepted")


class Strange(BaseModel):
    fine: int
    pattern: re.Pattern[str]


class StrangeInside(BaseModel):
    members: list[Strange]


class Called(BaseModel):
    call: Callable[[], int]


class Password(BaseModel):
    password: SecretStr


class Twice(BaseModel):
    home: Address
    home_city: str


class Animal(BaseModel):
    name: str
    lives: int | None = None


def mistakes():
    refused(wadup.TableError, "table `strange`: Strange.pattern is annotated re.Pattern[str], which has "
            "no column type", wadup.table, Strange)
    refused(wadup.TableError, "Field(exclude=True)", wadup.table, Strange)
    refused(wadup.TableError, "StrangeInside.members is annotated", wadup.table, StrangeInside)
    refused(wadup.TableError, "Strange.pattern has none", wadup.table, StrangeInside)
    refused(wadup.TableError, "Called.call", wadup.table, Called)
    refused(wadup.TableError, "Password.password is annotated SecretStr", wadup.table, Password)
    refused(wadup.TableError, "Chain.next is annotated", wadup.table, Chain)
    refused(wadup.TableError, "it contains itself", wadup.table, Chain)
    refused(wadup.TableError, "two columns `home_city`", wadup.table, Twice)
    refused(wadup.TableError, "Page.of is annotated ~T", wadup.table, Page)
    refused(TypeError, "got int", wadup.table, int)
    refused(TypeError, "got 5", wadup.table, 5)
    refused(wadup.TableError, "defined already", wadup.table, Item, name="user")
    refused(TypeError, "table `user`: expected User, got Item", users.insert, Item(price=1))
    refused(TypeError, "expected User, got dict", users.insert, {"id": 1})
    refused(TypeError, "expected User, got tuple", users.insert_many, Item(price=1))
    wrong = Page[Item](number=1, of=Item(price=float("nan")))
    refused(wadup.TableError, "table `page_item`, column `of_price`: the value is NaN", pages.insert, wrong)
    wrong = Named.model_construct(n="1", tree=())
    refused(TypeError, "table `named`, column `n`: expected Int64", named.insert, wrong)


def main():
    mistakes()
    assert users.name == "user" and users.columns[0] == ("id", "Int64")
    assert dict(users.columns)["work_zip"] == "Int64" and repr(users) == "<wadup.Table `user`>"
    key = UUID("12345678-1234-5678-1234-567812345678")
    common = {"day": "2026-11-23", "hour": "01:02:03", "key": key}
    first = User(
        id=1, name="Ada", active=True, temperature=36.6, at=datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC),
        price=Decimal("1.10"), color="red", level=3, path="/a/b", data=b"\0\xff", took=timedelta(seconds=90.5),
        url="https://example.org/x", letter="a", number=7, numbers=[1, 2],
        by_day={"2026-01-01": {"city": "Rom"}}, either="x", pet=Cat(), home={"city": "Rom"},
        tags=["u", "v"], **common,
    )
    second = User.model_validate({
        "id": 2, "full name": "Bo", "active": False, "temperature": 1, "email": "b@c.de",
        "at": "2026-11-23T01:02:03", "price": "1E+2", "color": Color.BLUE, "level": Level.LOW,
        "path": ".", "data": b"", "took": 0, "url": "https://example.org", "letter": "b", "number": -1,
        "numbers": [], "by_day": {}, "either": 1, "pet": {"kind": "dog", "name": "Rex"},
        "home": {"city": "Paris", "zip": 75001}, "work": {"city": "Bonn", "zip": 53111}, "tags": [],
        **common,
    })
    users.insert(first)
    assert users.insert_many(iter([second])) == 1
    assert pages.insert_many(Page[Item](number=n, of=Item(price=n + 0.5 * (n == 1) + (n == 2))) for n in ()) == 0
    pages.insert(Page[Item](number=1, of=Item(price=2.5)))
    pages.insert(Page[Item](number=2, of=Item(price=3)))
    named.insert(Named(n=1, tree=Node(name="top", children=[Node(name="leaf")])))

    converted.insert(Converted(
        colors=["red"], by_color={"red": "blue"}, mixed="two", took=timedelta(days=1),
        height=Height.LOW, is_odd=Height.LOW, anything=Color.RED,
    ))
    converted.insert(Converted(
        colors=[], by_color={}, mixed=1, took=5, height=0.5, is_odd=False, anything={1: Color.BLUE},
    ))

    class Special(Animal):
        pass

    animals = wadup.table(Animal, name="animals")
    assert animals.insert_many([Animal(name="Rex"), Special(name="Tom", lives=9)]) == 2
    assert wadup.table(Animal, name="animals").name == "animals"
