"""Compiles Python sources to bytecode with the interpreter that will run it.

``wadup build`` runs this inside the sandbox as an entry module. It and the builder talk through
files:

``/src/list.json``
    A JSON object. ``paths`` is a list of strings: for each source its path in the artifact, such
    as ``/lib/python3.13/json/__init__.py``. It becomes ``co_filename``. ``columns`` says whether
    the bytecode knows columns as well as lines (:pep:`657`): a traceback marks the place in the
    source's line with them, for which the source has to be there.
``/src/N``
    The bytes of the Nth source, counted from 0.
``/out/N.pyc``
    Written here: the bytecode of source N, a hash-based ``.pyc`` that is never checked against
    its source (:pep:`552`), for optimization level 0. It is missing if the source has an error.
``/out/errors.json``
    Written here, last: a JSON list of ``{"index", "path", "line", "message"}``, one for each
    source that has an error, in the order of the sources. ``line`` is a number or null.
    Packages do ship files that are no valid Python (templates, tests of parsers), so an error
    is not a failure.

The bytes of ``N.pyc`` depend on nothing but the source's bytes, its path and the interpreter;
not on what else is compiled in the same run. The hash seed is a part of the interpreter here
(it orders ``__static_attributes__``): the builder always gives the same.
"""

import importlib.util
import json
import marshal
import os
import sys
import warnings
from collections.abc import Iterator
from types import CodeType
from typing import TypedDict

_SOURCES = "/src"
_OUTPUT = "/out"

#: The flags of a ``.pyc`` that is found valid without looking at its source.
_UNCHECKED_HASH = 0b01


class _Error(TypedDict):
    index: int
    path: str
    line: int | None
    message: str


def main() -> None:
    warnings.simplefilter("ignore")
    with open(f"{_SOURCES}/list.json", encoding="utf-8") as file:
        job = json.load(file)
    paths: list[str] = job["paths"]
    columns: bool = job["columns"]
    os.makedirs(_OUTPUT, exist_ok=True)
    outcomes = [_compile(index, path, columns) for index, path in enumerate(paths)]
    errors = [error for error in outcomes if error is not None]
    with open(f"{_OUTPUT}/errors.json", "w", encoding="utf-8") as file:
        json.dump(errors, file)


def _compile(index: int, path: str, columns: bool) -> _Error | None:
    """Compile one source; the error, if it has one."""
    with open(f"{_SOURCES}/{index}", "rb") as file:
        source = file.read()
    try:
        bytecode = _pyc(source, path, columns)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        return _described(index, path, error)
    with open(f"{_OUTPUT}/{index}.pyc", "wb") as file:
        file.write(bytecode)
    return None


def _pyc(source: bytes, path: str, columns: bool) -> bytes:
    code: CodeType = compile(source, path, "exec", dont_inherit=True, optimize=0)
    if not columns:
        code = _without_columns(code)
    return b"".join((
        importlib.util.MAGIC_NUMBER,
        _UNCHECKED_HASH.to_bytes(4, "little"),
        importlib.util.source_hash(source),
        _stable(code),
    ))


def _without_columns(code: CodeType) -> CodeType:
    """The code as ``-X no_debug_ranges`` compiles it, which is an option of the interpreter."""
    constants = (
        _without_columns(constant) if isinstance(constant, CodeType) else constant
        for constant in code.co_consts
    )
    return code.replace(co_consts=tuple(constants), co_linetable=_lines(code))


# https://github.com/python/cpython/blob/3.13/InternalDocs/code_objects.md
_LINE_ONLY = 13
_NOWHERE = 15
#: How many code units (of two bytes each) one entry can stand for.
_UNITS_MAX = 8


def _lines(code: CodeType) -> bytes:
    """The location table, with nothing but lines."""
    table = bytearray()
    previous = code.co_firstlineno
    for start, end, line in code.co_lines():
        kind = _NOWHERE if line is None else _LINE_ONLY
        units = (end - start) // 2
        while units:
            length = min(units, _UNITS_MAX)
            units -= length
            table.append(0x80 | kind << 3 | length - 1)
            if line is not None:
                _append_signed(table, line - previous)
                previous = line
    return bytes(table)


def _append_signed(table: bytearray, number: int) -> None:
    number = number << 1 if number >= 0 else -number << 1 | 1
    while number >= 64:
        table.append(0x40 | number & 0x3F)
        number >>= 6
    table.append(number)


def _stable(code: CodeType) -> bytes:
    """The code as ``marshal`` writes it, less what it takes from the interpreter's history.

    ``dumps`` marks objects that have more than one reference, from wherever: once loaded from
    bytes, they are referred to by the code alone. And it marks interned strings.
    """
    interned = _intern_qualified_names(code, frozenset(_qualified_names(code)))
    return marshal.dumps(marshal.loads(marshal.dumps(interned)))


def _qualified_names(code: CodeType) -> Iterator[str]:
    yield code.co_qualname
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _qualified_names(constant)


def _intern_qualified_names(code: CodeType, names: frozenset[str]) -> CodeType:
    """A class body has its qualified name as a constant as well. That is the same, interned
    object, unless an equal string had been interned before: another file's, say."""
    return code.replace(co_consts=tuple(_interned(item, names) for item in code.co_consts))


def _interned(constant: object, names: frozenset[str]) -> object:
    if isinstance(constant, CodeType):
        return _intern_qualified_names(constant, names)
    if isinstance(constant, tuple | frozenset):
        return type(constant)(_interned(item, names) for item in constant)
    if isinstance(constant, str) and constant in names:
        return sys.intern(constant)
    return constant


def _described(index: int, path: str, error: BaseException) -> _Error:
    if isinstance(error, SyntaxError):
        return {"index": index, "path": path, "line": error.lineno or None, "message": error.msg}
    message = f"{type(error).__name__}: {error}"
    return {"index": index, "path": path, "line": None, "message": message}
