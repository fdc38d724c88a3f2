"""What jsonschema (rpds), pydantic and hypothesis say, alone and together, as rows."""

import json
import pickle
from collections.abc import Iterator
from importlib.metadata import entry_points, version

import rpds
import wadup
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.internal import floats
from hypothesis.provisional import domains
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, ValidationError

Row = tuple[str, object]


class Item(BaseModel):
    name: str = Field(min_length=1, max_length=8)
    price: float = Field(ge=0, lt=1e6)
    tags: list[str] = []


class Order(BaseModel):
    number: int
    items: list[Item]


SCHEMA = Order.model_json_schema()

DOCUMENTS = [
    {"number": 1, "items": [{"name": "tea", "price": 2.5}]},
    {"number": "1", "items": []},
    {"number": 2, "items": [{"name": "", "price": -1}, {"price": "free"}]},
    {"items": {}},
    [],
]


def main() -> None:
    wadup.define_table("checks", [("topic", "String"), ("value", "String")])
    for topic in (schemas, maps, properties, together, installation):
        for name, value in topic():
            wadup.insert_row("checks", [f"{topic.__name__}: {name}", repr(value)])


def schemas() -> Iterator[Row]:
    validator = Draft202012Validator(SCHEMA)
    for document in DOCUMENTS:
        yield "jsonschema", sorted((e.json_path, e.message) for e in validator.iter_errors(document))
        try:
            yield "pydantic", Order.model_validate(document, strict=True)
        except ValidationError as error:
            yield "pydantic", [(e["loc"], e["type"], e["msg"]) for e in error.errors()]
    yield "$ref", list(Draft202012Validator({"$ref": Draft202012Validator.META_SCHEMA["$id"]}).iter_errors(SCHEMA))


def maps() -> Iterator[Row]:
    table = rpds.HashTrieMap({"a": 1, "b": 2})
    yield "insert", sorted(table.insert("c", 3).items())
    yield "the first stays", sorted(table)
    yield "equal", table == rpds.HashTrieMap([("b", 2), ("a", 1)])
    yield "pickled", pickle.loads(pickle.dumps(table)) == table
    yield "set", sorted(rpds.HashTrieSet("hello").difference(rpds.HashTrieSet("oh")))
    yield "list", rpds.List([1, 2, 3]).rest.push_front("x")
    yield "queue", rpds.Queue([1, 2]).enqueue(3).dequeue()
    yield "stack", rpds.Stack([1, 2]).push(3).peek()
    for name, function in [("key", lambda: table["z"]), ("empty", lambda: rpds.List().first)]:
        try:
            yield name, function()
        except (IndexError, KeyError) as error:
            yield name, error
    try:
        yield "hash", rpds.HashTrieSet([[]])
    except TypeError as error:
        yield "hash", str(error)


# The same examples whenever it is run.
SAME = settings(derandomize=True, database=None, max_examples=60)


def examples(strategy: st.SearchStrategy[object]) -> list[object]:
    seen = []

    @SAME
    @given(strategy)
    def look(value):
        seen.append(value)

    look()
    return seen


def properties() -> Iterator[Row]:
    for strategy in (st.integers(), st.floats(), st.text(), st.lists(st.booleans()), st.from_type(Item), domains()):
        yield f"examples of {strategy}", examples(strategy)

    @settings(SAME, max_examples=500, phases=[Phase.generate, Phase.shrink])
    @given(st.lists(st.integers()))
    def sums_are_small(numbers):
        assert sum(numbers) < 100

    try:
        sums_are_small()
    except AssertionError as error:
        yield "smallest counterexample", error.__notes__
    yield "float to lex", [floats.float_to_int(x) for x in (0.0, -0.0, 1.5, float("inf"), 5e-324)]


def together() -> Iterator[Row]:
    validator = Draft202012Validator(SCHEMA)
    seen = []

    @SAME
    @given(st.builds(Order, items=st.lists(st.from_type(Item), max_size=3)))
    def what_pydantic_dumps_its_schema_admits(order):
        text = order.model_dump_json()
        validator.validate(json.loads(text))
        assert Order.model_validate_json(text) == order
        seen.append(order.number)

    what_pydantic_dumps_its_schema_admits()
    yield "orders", seen


def installation() -> Iterator[Row]:
    for package in ("hypothesis", "jsonschema", "pydantic_core", "rpds-py"):
        yield package, version(package)
    yield "entry points", [point.value for point in entry_points(group="pytest11")]
    yield "modules", [type(rpds.List()).__module__, rpds.rpds.__name__, floats.float_to_int.__module__]
