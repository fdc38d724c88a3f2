import json
from collections.abc import Callable
from typing import Any

from pydantic_core import PydanticCustomError, SchemaError, ValidationError


def record(check: str, function: Callable[[], Any]) -> None:
    """Prints what a function returns or raises, as one line of JSON."""
    print(json.dumps({"check": check, **_result(function)}))


def _result(function: Callable[[], Any]) -> dict[str, Any]:
    try:
        value = function()
    except ValidationError as error:
        return {"raises": _name(error), "text": str(error), "errors": repr(error.errors())}
    except (ImportError, PydanticCustomError, SchemaError, TypeError, ValueError, AttributeError) as error:
        return {"raises": _name(error), "text": str(error)}
    return {"returns": repr(value), "type": type(value).__qualname__}


def _name(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"
