"""pydantic_core: SchemaSerializer for JSON output."""

import datetime as dt
from decimal import Decimal

from pydantic_core import SchemaSerializer, core_schema as cs, from_json, to_json, to_jsonable_python

from functionality.recorder import record

VALUES = {
    "none": None,
    "text": 'quotes " and \\ and \u2028 and 🦀 and \x01',
    "integers": [0, -1, 2**63, 10**30],
    "floats": [0.1, 1e300, -0.0, 5e-324],
    "bytes": b"raw",
    "date": dt.date(2026, 1, 3),
    "datetime": dt.datetime(2026, 1, 3, 12, 0, 0, 1000, dt.UTC),
    "timedelta": dt.timedelta(days=1, milliseconds=5),
    "decimal": Decimal("1.10"),
    "collections": [(1, 2), {3}, frozenset({4})],
    "keys": {1: "int", None: "none", True: "bool"},
}


def checks() -> None:
    anything = SchemaSerializer(cs.any_schema())
    for name, value in VALUES.items():
        record(f"{name} to JSON", lambda: anything.to_json(value))
        record(f"{name} to Python", lambda: anything.to_python(value, mode="json"))
        record(f"{name} without a schema", lambda: to_json(value))
    record("indented", lambda: anything.to_json({"a": [1, {"b": 2}]}, indent=2))
    record("not serializable", lambda: anything.to_json(object))
    record("NaN as null", lambda: to_json([float("nan")], inf_nan_mode="null"))
    record("NaN as text", lambda: to_json([float("inf")], inf_nan_mode="strings"))
    record("bytes as base64", lambda: to_json(b"\xff\x00", bytes_mode="base64"))
    record("bytes that are not UTF-8", lambda: to_json(b"\xff\x00"))
    record("timedelta as float", lambda: to_json(dt.timedelta(seconds=1.5), timedelta_mode="float"))
    record("fallback", lambda: to_json({"x": type}, fallback=lambda value: value.__name__))
    record("jsonable", lambda: to_jsonable_python({"d": dt.date(2026, 1, 3), "s": {1}}))
    record("function", lambda: SchemaSerializer(doubled()).to_json(21))
    record("include and exclude", lambda: typed_dict().to_json({"a": 1, "b": None}, exclude={"a"}))
    record("round trip", lambda: from_json(to_json({"a": [1.5, "x", None, True]})))
    record("from JSON, big", lambda: from_json('{"n": 123456789012345678901234567890}'))
    record("from JSON, wrong", lambda: from_json("[1, 2,]"))
    record("from JSON, partial", lambda: from_json('{"a": [1, "tru', allow_partial="trailing-strings"))


def doubled() -> cs.CoreSchema:
    return cs.int_schema(serialization=cs.plain_serializer_function_ser_schema(lambda n: n * 2))


def typed_dict() -> SchemaSerializer:
    field = cs.typed_dict_field(cs.nullable_schema(cs.int_schema()))
    return SchemaSerializer(cs.typed_dict_schema({"a": field, "b": field}))
