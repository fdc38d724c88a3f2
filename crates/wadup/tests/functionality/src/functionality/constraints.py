"""BaseModel: field constraints (ge, le, gt, lt, min_length, max_length and the rest)."""

from decimal import Decimal
from typing import Annotated

from annotated_types import Len, MultipleOf, Predicate
from pydantic import BaseModel, Field, StringConstraints, conint, conlist, constr

from functionality.recorder import record


class Numbers(BaseModel):
    ge: int = Field(ge=0)
    le: int = Field(le=150)
    gt: float = Field(gt=0)
    lt: float = Field(lt=1)
    step: int = Field(multiple_of=5)
    price: Decimal = Field(max_digits=5, decimal_places=2)
    finite: float = Field(allow_inf_nan=False)


class Texts(BaseModel):
    short: str = Field(max_length=3)
    long: str = Field(min_length=3)
    code: str = Field(pattern=r"^[A-Z]{2}-\d+$")
    tidy: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True)]


class Collections(BaseModel):
    few: list[int] = Field(max_length=2)
    some: dict[str, int] = Field(min_length=1)
    exact: Annotated[list[int], Len(2, 2)]
    even: Annotated[int, MultipleOf(2)]
    upper: Annotated[str, Predicate(str.isupper)]
    old: conlist(constr(min_length=1), min_length=1)
    older: conint(strict=True, gt=1)


RIGHT_NUMBERS = {"ge": 0, "le": 150, "gt": 1e-9, "lt": 0.999, "step": 10, "price": "999.99", "finite": 1.0}
WRONG_NUMBERS = {"ge": -1, "le": 151, "gt": 0, "lt": 1, "step": 7, "price": "1000.001", "finite": "nan"}
RIGHT_TEXTS = {"short": "abc", "long": "abc", "code": "AB-12", "tidy": "  Mixed CASE "}
WRONG_TEXTS = {"short": "abcd", "long": "äö", "code": "ab-12", "tidy": 1}
RIGHT_COLLECTIONS = {
    "few": [1, 2],
    "some": {"a": 1},
    "exact": [1, 2],
    "even": 4,
    "upper": "YES",
    "old": ["a"],
    "older": 2,
}
WRONG_COLLECTIONS = {
    "few": [1, 2, 3],
    "some": {},
    "exact": [1],
    "even": 5,
    "upper": "No",
    "old": [""],
    "older": "2",
}


def checks() -> None:
    record("numbers at the limits", lambda: Numbers(**RIGHT_NUMBERS))
    record("numbers beyond the limits", lambda: Numbers(**WRONG_NUMBERS))
    for name, value in WRONG_NUMBERS.items():
        record(f"only {name} wrong", lambda: Numbers(**RIGHT_NUMBERS | {name: value}))
    record("texts at the limits", lambda: Texts(**RIGHT_TEXTS))
    record("texts beyond the limits", lambda: Texts(**WRONG_TEXTS))
    record("collections at the limits", lambda: Collections(**RIGHT_COLLECTIONS))
    record("collections beyond the limits", lambda: Collections(**WRONG_COLLECTIONS))
    record("constraint that does not fit", lambda: misfit())
    record("integers beyond 64 bits", lambda: Numbers(**RIGHT_NUMBERS | {"ge": "9" * 40}))
    record("integers of 5,000 digits", lambda: Numbers(**RIGHT_NUMBERS | {"ge": "9" * 5000}))


def misfit() -> type[BaseModel]:
    class Misfit(BaseModel):
        value: int = Field(max_length=3)

    return Misfit
