"""BaseModel: data validation and coercion."""

import datetime as dt
from dataclasses import dataclass as plain_dataclass
from decimal import Decimal
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StrictInt,
    TypeAdapter,
    ValidationInfo,
    WrapValidator,
    field_serializer,
    field_validator,
    model_validator,
    validate_call,
)
from pydantic.dataclasses import dataclass

from functionality.recorder import record

COERCIONS = {
    int: ["1", " 2 ", "1_000", 3.0, 3.5, True, "0x10", "1e3", b"4", None, "", "٣", 2**80, "1" * 30],
    float: ["1.5", "inf", "nan", "1e400", 2, True, "1_0.5", b"2.5", None, "abc"],
    bool: [1, 0, 2, "true", "off", "Y", "maybe", 1.0, None],
    str: ["text", 1, b"bytes", b"\xff", None, "\x00", "\ud800"],
    bytes: ["text", b"\xff", 1, bytearray(b"x")],
    Decimal: ["1.10", 1.1, 3, "NaN", "abc", True],
    dt.date: ["2026-02-29", "2024-02-29", 0, "1767441600", dt.datetime(2026, 1, 3), "today"],
    dt.datetime: ["2026-01-03T00:00Z", 1767441600, 1767441600000, "2026-01-03", "25:00", -1e20],
    dt.timedelta: ["1 day, 00:00:01", "P1Y", 90, "-PT1M", "abc"],
    list[int]: [(1, "2"), {3}, "12", {1: 2}, (n for n in range(3)), None],
    dict[str, int]: [{"a": "1"}, [("a", 1)], {1: 2}],
    tuple[int, str]: [[1, "a"], [1], [1, "a", 2]],
}


class Account(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True, validate_assignment=True)
    owner: str
    iban: str
    balance: Decimal = Decimal(0)

    @field_validator("iban", mode="before")
    @classmethod
    def without_spaces(cls, value: object) -> object:
        return value.replace(" ", "") if isinstance(value, str) else value

    @field_validator("owner")
    @classmethod
    def is_a_name(cls, value: str, info: ValidationInfo) -> str:
        if not value.istitle():
            raise ValueError(f"{info.field_name} must be a name")
        assert len(value) < 20, "too long"
        return value

    @model_validator(mode="after")
    def may_overdraw(self) -> Self:
        if self.balance < -100:
            raise ValueError("overdrawn")
        return self

    @field_serializer("balance")
    def with_cents(self, value: Decimal) -> str:
        return f"{value:.2f}"


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    number: int
    text: str


@dataclass
class Item:
    name: str
    price: float = 0.0


@plain_dataclass
class Plain:
    value: int


Doubled = Annotated[int, AfterValidator(lambda n: n * 2)]
Listed = Annotated[list[int], BeforeValidator(lambda v: v if isinstance(v, list) else [v])]
Hexed = Annotated[int, PlainSerializer(hex, return_type=str)]
Lenient = Annotated[int, WrapValidator(lambda value, handler: lenient(value, handler))]


def lenient(value, handler) -> int:
    try:
        return handler(value)
    except ValueError:
        return -1


@validate_call(validate_return=True)
def repeat(text: str, times: StrictInt = 2, /, *, joiner: str = "") -> str:
    return joiner.join([text] * times)


class Person:
    def __init__(self) -> None:
        self.owner, self.iban = "Ada Lovelace", "DE02"


def checks() -> None:
    for type_, values in COERCIONS.items():
        adapter = TypeAdapter(type_)
        for value in values:
            shown = repr(value) if not hasattr(value, "__next__") else "a generator"
            record(f"{type_} from {shown}", lambda: adapter.validate_python(value))
    record("strict", lambda: Strict(number="1", text=b"x"))
    record("strict from JSON", lambda: Strict.model_validate_json('{"number": 1, "text": "x"}'))
    record("not JSON", lambda: Strict.model_validate_json('{"number": 1,'))
    record("validators", lambda: Account(owner=" Ada Lovelace ", iban="DE02 1234"))
    record("validator raises ValueError", lambda: Account(owner="nobody", iban=""))
    record("validator raises AssertionError", lambda: Account(owner="A" + "a" * 30, iban=""))
    record("model validator", lambda: Account(owner="Ada", iban="", balance="-100.01"))
    record("assignment", lambda: setattr(Account(owner="Ada", iban=""), "balance", "much"))
    record("serializer", lambda: Account(owner="Ada", iban="", balance="1").model_dump_json())
    record("from attributes", lambda: Account.model_validate(Person(), from_attributes=True))
    record("construct without validation", lambda: Account.model_construct(owner=3))
    record("annotated after", lambda: TypeAdapter(Doubled).validate_python("21"))
    record("annotated before", lambda: TypeAdapter(Listed).validate_python("7"))
    record("annotated wrap", lambda: TypeAdapter(Lenient).validate_python("seven"))
    record("annotated serializer", lambda: TypeAdapter(Hexed).dump_json(255))
    record("dataclass", lambda: Item(name="pen", price="1.5"))
    record("dataclass, wrong", lambda: Item(name=None, price="free"))
    record("plain dataclass", lambda: TypeAdapter(Plain).validate_python({"value": "3"}))
    record("call", lambda: repeat("ab", 3, joiner="-"))
    record("call, wrong", lambda: repeat("ab", "3", sep="-"))
