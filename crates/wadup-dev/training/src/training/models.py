"""pydantic as applications use it: models of orders, events, settings; valid and invalid."""

import json
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypedDict, TypeVar, Union
from uuid import UUID

from pydantic import (
    AfterValidator,
    AliasChoices,
    AnyUrl,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    HttpUrl,
    PlainSerializer,
    RootModel,
    SecretStr,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.dataclasses import dataclass as checked_dataclass

from ._times import times


class Status(str, Enum):
    OPEN = "open"
    PAID = "paid"
    SENT = "sent"


class Priority(IntEnum):
    LOW = 1
    HIGH = 2


class Geo(BaseModel):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class Customer(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    key: int = Field(alias="customerKey")
    full_name: str = Field(min_length=1, max_length=80, alias="fullName")
    mail: Annotated[str, Field(pattern=r"^[\w.]+@[\w.]+$")]
    born: Optional[date] = None
    place: Optional[Geo] = None
    flags: set[str] = set()
    notes: dict[str, str] = {}


class Line(BaseModel):
    sku: str
    count: int = Field(gt=0)
    price: Decimal
    weight: float | None = None
    labels: tuple[str, ...] = ()

    @computed_field
    @property
    def total(self) -> Decimal:
        return self.price * self.count


class Order(BaseModel):
    number: UUID
    made: datetime
    status: Status
    priority: Priority = Priority.LOW
    customer: Customer
    lines: list[Line]
    paid: bool = False
    site: Optional[HttpUrl] = None
    extra: Any = None

    @field_validator("lines")
    @classmethod
    def not_empty(cls, lines: list[Line]) -> list[Line]:
        if not lines:
            raise ValueError("an order has lines")
        return lines

    @model_validator(mode="after")
    def paid_when_sent(self):
        if self.status is Status.SENT and not self.paid:
            raise ValueError("sent before it was paid")
        return self


class Created(BaseModel):
    kind: Literal["created"]
    name: str
    at: datetime


class Moved(BaseModel):
    kind: Literal["moved"]
    source: str
    target: str
    distance: float


class Deleted(BaseModel):
    kind: Literal["deleted"]
    reason: Optional[str] = None


Event = Annotated[Union[Created, Moved, Deleted], Field(discriminator="kind")]
events = TypeAdapter(list[Event])

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: Optional[int] = None


class Point(NamedTuple):
    x: int
    y: int


class Row(TypedDict, total=False):
    name: str
    size: int
    tags: list[str]


@dataclass
class Span:
    start: int
    stop: int
    text: str = ""


@checked_dataclass
class Measured:
    name: str
    values: list[float]
    span: Span
    unit: str = "m"


class Numbers(RootModel[dict[str, list[int]]]):
    pass


class Mixed(BaseModel):
    model_config = ConfigDict(extra="allow", validate_assignment=True)
    number: int | str | float | None
    when: datetime | date | time | None = None
    length: timedelta = timedelta(0)
    data: bytes = b""
    secret: SecretStr = SecretStr("x")
    bytes_: ByteSize = Field(0, validation_alias=AliasChoices("bytes", "size"))
    point: Point = Point(0, 0)
    row: Row = {}
    choice: Literal["a", "b", 3] = "a"
    queue: deque[int] = deque()
    ordered: OrderedDict[str, int] = OrderedDict()
    frozen: frozenset[int] = frozenset()


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    a: int
    b: str
    c: bool
    d: float
    e: list[int]


def _upper(value: str) -> str:
    return value.upper()


def _wrap(value: Any, handler) -> int:
    try:
        return handler(value)
    except ValidationError:
        return -1


class Functions(BaseModel):
    before: Annotated[str, BeforeValidator(str)]
    after: Annotated[str, AfterValidator(_upper)]
    wrapped: Annotated[int, WrapValidator(_wrap)]
    shown: Annotated[int, PlainSerializer(lambda value: f"{value:x}", return_type=str)]
    both: float

    @field_serializer("both", when_used="json")
    def both_text(self, value: float) -> str:
        return f"{value:.3f}"


class Tree(BaseModel):
    name: str
    size: int = 0
    children: list["Tree"] = []


class Flat(BaseModel):
    inner: Geo

    @model_serializer
    def flat(self) -> dict[str, float]:
        return {"at": self.inner.latitude + self.inner.longitude}


class Record:
    """What an ORM gives."""

    def __init__(self, latitude: float, longitude: float) -> None:
        self.latitude = latitude
        self.longitude = longitude


class FromRecord(Geo):
    model_config = ConfigDict(from_attributes=True)


def order(index: int) -> dict[str, Any]:
    return {
        "number": f"12345678-1234-4234-9234-{index:012d}",
        "made": f"2024-0{index % 9 + 1}-1{index % 9}T10:{index % 60:02d}:00+02:00",
        "status": ("open", "paid", "sent")[index % 3],
        "paid": index % 3 > 0,
        "priority": index % 2 + 1,
        "site": f"https://shop.example.org/order/{index}?a=b#c",
        "customer": {
            "customerKey": index,
            "fullName": f"Grace Hopper {index}",
            "mail": f"grace{index}@example.org",
            "born": "1906-12-09",
            "place": {"latitude": 40.7 + index / 1000, "longitude": -74},
            "flags": ["new", "vip"],
            "notes": {"first": "hello", "second": "wörld"},
        },
        "lines": [
            {"sku": f"S-{line}", "count": line + 1, "price": f"{line}.99", "labels": ["x", "y"]}
            for line in range(index % 4 + 1)
        ],
        "extra": {"a": [1, 2.5, None, True], "b": "text"},
    }


ORDERS = [order(index) for index in range(120)]
ORDERS_JSON = json.dumps(ORDERS)
orders = TypeAdapter(list[Order])
PARSED = orders.validate_python(ORDERS)

EVENTS = [
    (
        {"kind": "created", "name": f"e{i}", "at": "2024-05-06T07:08:09Z"},
        {"kind": "moved", "source": "a", "target": "b", "distance": i / 7},
        {"kind": "deleted"},
    )[i % 3]
    for i in range(600)
]
EVENTS_JSON = json.dumps(EVENTS).encode()


@times(2)
def work_orders_from_python() -> None:
    for _ in range(8):
        orders.validate_python(ORDERS)


@times(2)
def work_orders_from_json() -> None:
    for _ in range(8):
        orders.validate_json(ORDERS_JSON)


@times(2)
def work_orders_to_python() -> None:
    for _ in range(12):
        orders.dump_python(PARSED)
    for parsed in PARSED:
        parsed.model_dump(mode="json", by_alias=True, exclude_none=True)
        parsed.model_dump(include={"number", "lines"}, exclude_defaults=True)
        parsed.model_dump(exclude={"customer": {"mail"}}, exclude_unset=True)


@times(2)
def work_orders_to_json() -> None:
    for _ in range(12):
        orders.dump_json(PARSED)
    for parsed in PARSED:
        parsed.model_dump_json(indent=2)


def work_events() -> None:
    for _ in range(15):
        events.validate_python(EVENTS)
        parsed = events.validate_json(EVENTS_JSON)
        events.dump_json(parsed)


@times(7)
def work_generics() -> None:
    page = Page[Geo]
    data = {"items": [{"latitude": i / 9, "longitude": i} for i in range(90)], "next": 3}
    for _ in range(50):
        page.model_validate(data).model_dump_json()


@times(3)
def work_dataclasses() -> None:
    adapter = TypeAdapter(list[Measured])
    data = [
        {"name": str(i), "values": [i, i / 3, "2.5"], "span": {"start": i, "stop": i + 1}}
        for i in range(200)
    ]
    for _ in range(12):
        parsed = adapter.validate_python(data)
        adapter.dump_json(parsed)
        adapter.dump_python(parsed)
    for i in range(2000):
        Measured(str(i), [1.0, 2.0], Span(i, i))


def work_mixed() -> None:
    stamp = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    for i in range(700):
        mixed = Mixed(
            number=(i, str(i), i / 3, None)[i % 4],
            when=(stamp, "2024-01-02", "12:13:14", 1_700_000_000)[i % 4],
            length="PT3H4M" if i % 2 else 17.5,
            data="bytes",
            size="3 MiB",
            point=(i, "2"),
            row={"name": "n", "size": i, "tags": ["t"]},
            queue=[1, 2, 3],
            ordered={"a": 1},
            frozen=[1, 1, 2],
            choice=("a", 3)[i % 2],
            other=i,
        )
        mixed.number = i + 1
        mixed.model_dump()
        mixed.model_dump_json()
        mixed == mixed.model_copy(update={"number": 5})
        repr(mixed)


@times(2)
def work_strict_and_construct() -> None:
    data = {"a": 1, "b": "b", "c": True, "d": 1.5, "e": [1, 2, 3]}
    for _ in range(4000):
        strict = Strict.model_validate(data)
        hash((strict.a, strict.b))
        Strict.model_construct(**data)
        Strict(**data)


@times(2)
def work_functions() -> None:
    for i in range(3000):
        functions = Functions(before=i, after="abc", wrapped="x" if i % 3 else 4, shown=i, both=i / 3)
        functions.model_dump_json()
        functions.model_dump()


@times(3)
def work_trees() -> None:
    def grow(depth: int) -> dict[str, Any]:
        children = [grow(depth - 1) for _ in range(3)] if depth else []
        return {"name": f"n{depth}", "size": depth, "children": children}

    data = grow(5)
    for _ in range(12):
        tree = Tree.model_validate(data)
        tree.model_dump_json()
        tree.model_dump()
        Tree.model_validate_json(json.dumps(data))


@times(2)
def work_attributes() -> None:
    records = [Record(i / 11, i) for i in range(150)]
    adapter = TypeAdapter(list[FromRecord])
    for _ in range(30):
        for parsed in adapter.validate_python(records):
            Flat(inner=parsed).model_dump()


def work_errors() -> None:
    broken = order(3)
    broken["customer"]["mail"] = "nobody"
    broken["lines"][0]["count"] = 0
    broken["made"] = "yesterday"
    broken["status"] = "lost"
    del broken["number"]
    text = json.dumps(broken)
    for _ in range(120):
        try:
            Order.model_validate(broken)
        except ValidationError as error:
            error.errors()
            str(error)
        try:
            Order.model_validate_json(text)
        except ValidationError as error:
            error.json()
        try:
            Strict(a="1", b=2, c="no", d="x", e=None, f=1)
        except ValidationError as error:
            error.error_count()
        try:
            events.validate_json(b'[{"kind": "created", "name": 3')
        except ValidationError:
            pass


@times(3)
def work_schemas_of_models() -> None:
    for model in (Order, Mixed, Functions, Tree):
        for _ in range(3):
            model.model_json_schema()


@times(4)
def work_building_models() -> None:
    for i in range(12):
        namespace = {
            "__annotations__": {f"field_{n}": (int, str, Optional[float], list[int])[n % 4] for n in range(12)},
            "field_3": Field(default_factory=list),
            "__module__": __name__,
        }
        made = type(f"Made{i}", (BaseModel,), namespace)
        made.model_validate({f"field_{n}": (1, "s", None, [1])[n % 4] for n in range(12)})


@times(10)
def work_urls() -> None:
    adapter = TypeAdapter(list[AnyUrl])
    urls = [f"https://user:pw@example{i}.org:8080/a/b/{i}?q={i}&r=s#frag" for i in range(100)]
    for _ in range(15):
        adapter.dump_json(adapter.validate_python(urls))


@times(10)
def work_numbers_root() -> None:
    data = {f"k{i}": list(range(40)) for i in range(40)}
    text = json.dumps(data)
    for _ in range(25):
        numbers = Numbers.model_validate(data)
        Numbers.model_validate_json(text)
        numbers.model_dump_json()
