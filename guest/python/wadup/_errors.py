"""Rows of what is wrong with records, instead of an input that fails."""

import sys
from types import TracebackType
from typing import Any

from ._native import define_table, insert_row

_TABLE = "validation_errors"
_COLUMNS: list[tuple[str, Any]] = [
    ("model", "String"),
    ("line", "Int64"),
    ("location", "String"),
    ("type", "String"),
    ("message", "String"),
    ("input", "String"),
]
#: Characters of an input that are kept.
_SHOWN = 1000


class Errors:
    """Rows of the table ``validation_errors``: use :data:`wadup.errors`.

    A reader gives it what it cannot read, and goes on with the next line::

        users.insert_many(wadup.input.jsonl(User, on_error=wadup.errors))

    Around other code, a pydantic ``ValidationError`` becomes rows and ends the block::

        with wadup.errors:
            users.insert(User.model_validate(record))

    It is also a function, for errors that a program has caught itself.

    ============ ==========================================================================
    Column
    ============ ==========================================================================
    ``model``    the model's name
    ``line``     the line of the input, from 1, where that is known
    ``location`` the field, such as ``address.city``
    ``type``     pydantic's name for the kind of error, or the exception's
    ``message``
    ``input``    the value that is wrong as JSON text, or what is no JSON; 1,000 characters of it
    ============ ==========================================================================

    A ``ValidationError`` is as many rows as it has errors."""

    __slots__ = ()

    def __call__(self, error: Exception, line: int | None = None) -> None:
        """Insert rows for `error`."""
        self.__enter__()
        invalid = _validation_error(error)
        if invalid is None:
            kind = type(error).__qualname__
            insert_row(_TABLE, [None, line, None, kind, _text(str(error)), None])
            return
        for detail in invalid.errors(include_url=False, include_context=False):
            location = ".".join(map(str, detail["loc"])) or None
            message, value = _text(detail["msg"]), _shown(detail["input"])
            row = [_text(invalid.title), line, location and _text(location), detail["type"], message]
            insert_row(_TABLE, [*row, value])

    def __enter__(self) -> "Errors":
        define_table(_TABLE, _COLUMNS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        invalid = _validation_error(error)
        if invalid is not None:
            self(invalid)
        return invalid is not None

    def __repr__(self) -> str:
        return f"<wadup.errors: rows of `{_TABLE}`>"


errors = Errors()


def _validation_error(error: BaseException | None) -> Any:
    """The error, if it is pydantic's. Without pydantic there is none."""
    core = sys.modules.get("pydantic_core")
    return error if core is not None and isinstance(error, core.ValidationError) else None


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return _text(value.decode(errors="replace"))
    from ._json import encode

    try:
        text = encode(value)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return _text(text)


def _text(text: str) -> str:
    """What a column can hold of it."""
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return shown.replace("\0", "\\0").encode(errors="backslashreplace").decode()
