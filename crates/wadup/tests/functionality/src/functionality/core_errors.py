"""pydantic_core: ValidationError with detailed messages, and custom error types."""

import json

from pydantic import BaseModel, field_validator
from pydantic_core import (
    InitErrorDetails,
    PydanticCustomError,
    PydanticKnownError,
    PydanticOmit,
    PydanticUseDefault,
    SchemaValidator,
    ValidationError,
    core_schema as cs,
)
from pydantic_core._pydantic_core import list_all_errors

from functionality.recorder import record


class Port(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def is_free(cls, value: int) -> int:
        if value < 1024:
            raise PydanticCustomError("port_reserved", "port {number} is reserved", {"number": value})
        if value > 65535:
            raise PydanticKnownError("less_than_equal", {"le": 65535})
        return value


def checks() -> None:
    record("custom error", lambda: Port(number=80))
    record("known error", lambda: Port(number=70000))
    record("message", lambda: PydanticCustomError("kind", "{a} and {b}", {"a": 1, "b": "x"}).message())
    record("template", lambda: PydanticKnownError("greater_than", {"gt": 3}).message_template)
    record("title and count", lambda: (caught().title, caught().error_count()))
    record("each error", lambda: caught().errors(include_url=False))
    record("as JSON", lambda: json.loads(caught().json(indent=2)))
    record("without input and context", lambda: caught().errors(include_input=False, include_context=False))
    record("repr", lambda: repr(caught()))
    record("made by hand", made_by_hand)
    record("custom error schema", lambda: SchemaValidator(custom()).validate_python("x"))
    record("hidden input", lambda: SchemaValidator(cs.int_schema(), cs.CoreConfig(hide_input_in_errors=True)).validate_python("secret"))
    record("long input is shortened", lambda: SchemaValidator(cs.int_schema()).validate_python("x" * 200))
    record("omit", lambda: SchemaValidator(cs.list_schema(skipping(PydanticOmit))).validate_python([1, 2]))
    record("use default", lambda: SchemaValidator(defaulting()).validate_python(1))
    record("every kind of error", lambda: sorted(kind["type"] for kind in list_all_errors()))
    record("cause", lambda: type(cause()).__name__)


def caught() -> ValidationError:
    schema = cs.list_schema(cs.int_schema(ge=10))
    try:
        SchemaValidator(schema).validate_python([1, "x", None, 11, 2.5])
    except ValidationError as error:
        return error
    raise AssertionError("was valid")


def made_by_hand() -> None:
    kind = PydanticCustomError("too_odd", "{n} is odd", {"n": 3})
    raise ValidationError.from_exception_data(
        "By hand",
        [InitErrorDetails(type=kind, loc=("a", 0), input=3)],
    )


def custom() -> cs.CoreSchema:
    return cs.custom_error_schema(cs.int_schema(), "no_number", custom_error_message="that is no number")


def skipping(exception: type[Exception]) -> cs.CoreSchema:
    def skip(value: int) -> int:
        if value == 1:
            raise exception
        return value

    return cs.no_info_after_validator_function(skip, cs.int_schema())


def defaulting() -> cs.CoreSchema:
    return cs.with_default_schema(skipping(PydanticUseDefault), default=-1)


def cause() -> BaseException:
    def fails(value: int) -> int:
        raise ValueError("because")

    schema = cs.no_info_after_validator_function(fails, cs.int_schema())
    try:
        SchemaValidator(schema, cs.CoreConfig(validation_error_cause=True)).validate_python(1)
    except ValidationError as error:
        return error.__cause__.exceptions[0]
    raise AssertionError("was valid")
