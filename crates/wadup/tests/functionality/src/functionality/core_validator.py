"""pydantic_core: SchemaValidator with all basic types."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

from pydantic_core import SchemaValidator, ValidationError, core_schema as cs

from functionality.recorder import record

BASIC = {
    "any": (cs.any_schema(), [1, "x", None]),
    "none": (cs.none_schema(), [None, 0]),
    "bool": (cs.bool_schema(), [True, "true", 2]),
    "int": (cs.int_schema(ge=0, lt=10, multiple_of=3), [3, "6", 9, 12, -3, 4, "x"]),
    "float": (cs.float_schema(gt=0, allow_inf_nan=False), [1.5, "2.5", 0, "nan"]),
    "complex": (cs.complex_schema(), ["1+2j", 3, "x"]),
    "decimal": (cs.decimal_schema(max_digits=3), ["1.25", Decimal("1.2345"), "x"]),
    "str": (cs.str_schema(min_length=2, pattern="^a"), ["ab", "a", "bb", 1]),
    "bytes": (cs.bytes_schema(max_length=2), [b"ab", "ab", b"abc"]),
    "date": (cs.date_schema(ge=dt.date(2026, 1, 1)), ["2026-01-03", "2025-12-31", "x"]),
    "time": (cs.time_schema(), ["12:30", "24:30"]),
    "datetime": (cs.datetime_schema(tz_constraint="aware"), ["2026-01-03T12:00Z", "2026-01-03T12:00"]),
    "timedelta": (cs.timedelta_schema(), ["PT90S", 90, "x"]),
    "literal": (cs.literal_schema(["a", 1]), ["a", 1, "b"]),
    "list": (cs.list_schema(cs.int_schema(), max_length=2), [["1"], [1, 2, 3], ["x"], 3]),
    "tuple": (cs.tuple_schema([cs.int_schema(), cs.str_schema()]), [[1, "a"], [1]]),
    "set": (cs.set_schema(cs.int_schema()), [[1, 1], {"x"}]),
    "frozenset": (cs.frozenset_schema(cs.int_schema()), [[1, 1], 3]),
    "dict": (cs.dict_schema(cs.str_schema(), cs.int_schema()), [{"a": "1"}, {"a": "x"}, 3]),
    "nullable": (cs.nullable_schema(cs.int_schema()), [None, "1", "x"]),
    "union": (cs.union_schema([cs.int_schema(), cs.str_schema()]), [1, "1", None]),
    "url": (cs.url_schema(allowed_schemes=["https"]), ["https://example.com", "http://example.com"]),
    "multi-host-url": (cs.multi_host_url_schema(), ["postgres://a:1,b:2/db", "x"]),
    "uuid": (cs.uuid_schema(version=4), [UUID(int=0), "0b9c3b5e-8f3a-4d5e-9c1a-2f6d7e8a9b0c"]),
    "json": (cs.json_schema(cs.list_schema(cs.int_schema())), ["[1, 2]", "[1", '["x"]']),
    "is-instance": (cs.is_instance_schema(int), [1, "1"]),
    "callable": (cs.callable_schema(), [len, 1]),
}

PERSON = {
    "type": "typed-dict",
    "fields": {
        "name": {"type": "typed-dict-field", "schema": {"type": "str"}},
        "age": {"type": "typed-dict-field", "schema": {"type": "int", "ge": 0}},
    },
}


def checks() -> None:
    for name, (schema, values) in BASIC.items():
        validator = SchemaValidator(schema)
        for value in values:
            record(f"{name} from {shown(value)}", lambda: validator.validate_python(value))
    person = SchemaValidator(PERSON)
    record("typed dict", lambda: person.validate_python({"name": "Alice", "age": 30}))
    record("typed dict, wrong", lambda: person.validate_python({"name": 1, "age": -1}))
    record("typed dict from JSON", lambda: person.validate_json('{"name": "Alice", "age": "30"}'))
    record("typed dict from strings", lambda: person.validate_strings({"name": "A", "age": "3"}))
    record("is valid", lambda: (person.isinstance_python({}), person.isinstance_python({"name": "", "age": 1})))
    record("partial JSON", lambda: SchemaValidator(cs.list_schema()).validate_json("[1, 2", allow_partial=True))
    record("schema that is wrong", lambda: SchemaValidator({"type": "unheard-of"}))
    record("as the report shows it", report)


def report() -> str:
    validator = SchemaValidator(PERSON)
    try:
        validator.validate_python({"name": "Alice", "age": -30})
    except ValidationError as e:
        return f"Invalid: {e}"
    return "valid"


def shown(value: object) -> str:
    return value.__name__ if callable(value) else repr(value)
