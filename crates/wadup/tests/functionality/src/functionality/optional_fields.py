"""BaseModel: optional fields with `| None`, and default values."""

import itertools
from typing import Annotated, Optional

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from functionality.recorder import record


class User(BaseModel):
    name: str
    age: int = Field(ge=0, le=150)
    email: str | None = None


class Optionals(BaseModel):
    required: int | None
    optional: int | None = None
    older: Optional[str] = None
    nested: User | None = None
    items: list[int | None] = []


class Defaults(BaseModel):
    plain: int = 1
    shared: list[int] = []
    made: list[int] = Field(default_factory=lambda: [1, 2])
    from_data: int = Field(default_factory=lambda data: data["plain"] + 1)
    annotated: Annotated[str, Field(default="x")]
    unchecked: int = "not an int"
    _private: int = PrivateAttr(default=7)


class Checked(BaseModel):
    model_config = ConfigDict(validate_default=True)
    wrong: int = "not an int"


counter = itertools.count()


class Counted(BaseModel):
    number: int = Field(default_factory=lambda: next(counter))


def checks() -> None:
    record("without the optional", lambda: User(name="Alice", age=30))
    record("with the optional", lambda: User(name="Alice", age=30, email="alice@example.com"))
    record("None for the optional", lambda: User(name="Alice", age=30, email=None))
    record("None for what is not optional", lambda: User(name=None, age=30))
    record("required but None", lambda: Optionals(required=None))
    record("required and missing", lambda: Optionals())
    record("None inside a list", lambda: Optionals(required=1, items=[1, None, "2"]))
    record("nested optional", lambda: Optionals(required=1, nested={"name": "B", "age": "4"}))
    record("wrong type for an optional", lambda: Optionals(required="one", nested=3))
    record("defaults", lambda: Defaults())
    record("defaults are not shared", lambda: (append_to_default(), Defaults().shared))
    record("default not validated", lambda: Defaults().unchecked)
    record("default validated", lambda: Checked())
    record("private attribute", lambda: Defaults()._private)
    record("default factory each time", lambda: [Counted().number for _ in range(3)])
    record("fields that were set", lambda: sorted(User(name="A", age=1, email=None).model_fields_set))
    record("dump without defaults", lambda: User(name="A", age=1).model_dump(exclude_defaults=True))
    record("dump without unset", lambda: User(name="A", age=1, email=None).model_dump(exclude_unset=True))
    record("dump without None", lambda: User(name="A", age=1).model_dump(exclude_none=True))


def append_to_default() -> list[int]:
    one = Defaults()
    one.shared.append(9)
    return one.shared
