"""BaseModel: field definitions with type annotations."""

import datetime as dt
import enum
import ipaddress
import pathlib
import re
import uuid
from collections import OrderedDict, deque
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, Literal, NamedTuple, TypedDict, TypeVar

from pydantic import (
    UUID4,
    AnyUrl,
    BaseModel,
    Base64Bytes,
    ByteSize,
    EmailStr,
    Field,
    HttpUrl,
    IPvAnyAddress,
    Json,
    SecretStr,
    TypeAdapter,
)

from functionality.recorder import record


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Point(NamedTuple):
    x: int
    y: int = 0


class Movie(TypedDict, total=False):
    title: str
    year: int


class Everything(BaseModel):
    text: str
    count: int
    ratio: float
    flag: bool
    raw: bytes
    amount: Decimal
    part: Fraction
    day: dt.date
    at: dt.datetime
    clock: dt.time
    span: dt.timedelta
    id: uuid.UUID
    path: pathlib.Path
    pattern: re.Pattern[str]
    address: ipaddress.IPv4Address
    network: ipaddress.IPv6Network
    colour: Colour
    level: Level
    point: Point
    movie: Movie
    choice: Literal["a", 1]
    names: list[str]
    unique: set[int]
    frozen: frozenset[str]
    pair: tuple[int, str]
    many: tuple[int, ...]
    table: dict[str, list[int]]
    ordered: OrderedDict[str, int]
    queue: deque[int]
    either: int | str
    anything: Any


class Web(BaseModel):
    any: AnyUrl
    http: HttpUrl
    host: IPvAnyAddress
    secret: SecretStr
    payload: Json[list[int]]
    encoded: Base64Bytes
    size: ByteSize
    unique: UUID4


T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: int


class Node(BaseModel):
    value: int
    children: list["Node"] = []


EVERYTHING = {
    "text": "Grüße 🦀",
    "count": "42",
    "ratio": "2.5",
    "flag": "yes",
    "raw": "bytes",
    "amount": "12.340",
    "part": "2/6",
    "day": "2026-01-03",
    "at": "2026-01-03T12:34:56.789+02:00",
    "clock": "12:34:56",
    "span": "P1DT2H3M4.5S",
    "id": "12345678-1234-5678-1234-567812345678",
    "path": "/data.bin",
    "pattern": r"^a+\d*$",
    "address": "192.0.2.1",
    "network": "2001:db8::/32",
    "colour": "blue",
    "level": 2,
    "point": ["3"],
    "movie": {"title": "M", "year": "1931"},
    "choice": 1,
    "names": ("a", "b"),
    "unique": [3, 3],
    "frozen": ["z"],
    "pair": ["1", "one"],
    "many": [1, "2", 3.0],
    "table": {"a": ["1"]},
    "ordered": {"b": 1, "a": 2},
    "queue": [1, 2],
    "either": "7",
    "anything": {"nested": [None]},
}

WEB = {
    "any": "ftp://example.com/file",
    "http": "https://münchen.example:8443/a b?q=1#top",
    "host": "::1",
    "secret": "hush",
    "payload": "[1, 2, 3]",
    "encoded": "d2FkdXA=",
    "size": "1.5 KiB",
    "unique": "0b9c3b5e-8f3a-4d5e-9c1a-2f6d7e8a9b0c",
}


def checks() -> None:
    record("every annotation", lambda: Everything.model_validate(EVERYTHING))
    record("every annotation, wrong", lambda: Everything.model_validate(dict.fromkeys(EVERYTHING, "?")))
    record("dump", lambda: Everything.model_validate(EVERYTHING).model_dump())
    record("dump for JSON", lambda: Everything.model_validate(EVERYTHING).model_dump_json())
    record("fields", lambda: Everything.model_fields)
    record("JSON schema", lambda: Web.model_json_schema())
    record("web types", lambda: Web.model_validate(WEB))
    record("web types, wrong", lambda: Web.model_validate(dict.fromkeys(WEB, "?")))
    record("generic", lambda: Page[int](items=["1", 2], total=2))
    record("generic, wrong", lambda: Page[int](items=["one"], total=1))
    record("recursive", lambda: Node.model_validate({"value": 1, "children": [{"value": "2"}]}))
    record("type adapter", lambda: TypeAdapter(dict[int, Point]).validate_json('{"1": [2, 3]}'))
    record("e-mail needs a package", lambda: TypeAdapter(EmailStr))
    record("alias", lambda: aliased().model_validate({"userName": "a"}).model_dump(by_alias=True))


def aliased() -> type[BaseModel]:
    class Aliased(BaseModel):
        user_name: str = Field(alias="userName")

    return Aliased
