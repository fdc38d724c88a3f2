"""wadup's own works, with the fixture ``benchmark`` as upstream's."""

import pydantic
import pytest
from pydantic import BaseModel, TypeAdapter

from . import works


@pytest.mark.parametrize("work", works.PURE, ids=lambda work: work.__name__)
def test_pure(benchmark, work):
    benchmark(work)


class Address(BaseModel):
    street: str
    city: str
    zip: str


class User(BaseModel):
    id: int
    name: str
    email: str
    active: bool
    score: float
    tags: list[str]
    address: Address


USERS = TypeAdapter(list[User])


def test_validate_json(benchmark):
    assert len(benchmark(USERS.validate_json, works.DOCUMENT)) == 500


def test_validate_python(benchmark):
    assert len(benchmark(USERS.validate_python, works.VALUE)) == 500


def test_dump_json(benchmark):
    users = USERS.validate_python(works.VALUE)
    assert benchmark(USERS.dump_json, users).startswith(b"[{")


def test_dump_python(benchmark):
    users = USERS.validate_python(works.VALUE)
    assert len(benchmark(USERS.dump_python, users)) == 500


def test_build_model(benchmark):
    fields = {f"field{number}": (int | str, number) for number in range(30)}

    @benchmark
    def build():
        return pydantic.create_model("Model", **fields)
