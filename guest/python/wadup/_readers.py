"""The input as records, one after the other."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from ._tables import optional_fields

#: What is told of a record that cannot be read: the exception and the line, from 1.
OnError = Callable[[Exception, int], object]

#: The most characters of a cell, as long as nobody has said otherwise.
_CSV_DEFAULT_LIMIT = 128 * 1024

#: It takes long to make one.
_adapters: dict[Any, Any] = {}


def lines(content: BinaryIO, encoding: str, errors: str) -> Iterator[str]:
    with io.TextIOWrapper(content, encoding, errors) as text:
        for line in text:
            yield line.removesuffix("\n")


def document(content: BinaryIO, model: Any) -> Any:
    with content:
        text = content.read()
    return json.loads(text) if model is None else _validator(model).validate_json(text)


def json_lines(content: BinaryIO, model: Any, on_error: OnError | None) -> Iterator[Any]:
    parse = json.loads if model is None else _validator(model).validate_json
    _begin(on_error)
    number = 0
    with content:
        for line in content:
            number += 1
            try:
                record = parse(line)
            except (ValueError, RecursionError) as error:
                if line.isspace():
                    continue
                _refuse(error, number, on_error)
                continue
            yield record


def table(
    content: BinaryIO, model: Any, on_error: OnError | None, delimiter: str, encoding: str
) -> Iterator[Any]:
    parse = None if model is None else _validator(model).validate_python
    empty = {} if model is None else optional_fields(model)
    _begin(on_error)
    # After a cell that is too long, csv would go on within it. What limits it is memory.
    if csv.field_size_limit() == _CSV_DEFAULT_LIMIT:
        csv.field_size_limit(sys.maxsize)
    # What cannot be decoded is wrong with its record only.
    with io.TextIOWrapper(content, encoding, errors="surrogateescape", newline="") as text:
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        header = next(rows, None)
        if header is None:
            return
        _check_decoded(header, encoding)
        for name in header:
            if header.count(name) > 1:
                raise csv.Error(f"the header has two columns `{name}`")
        while True:
            number = rows.line_num + 1
            try:
                cells = next(rows, None)
            except csv.Error as error:
                _refuse(error, number, on_error)
                continue
            if cells is None:
                return
            if not cells:
                continue
            try:
                _check_decoded(cells, encoding)
                record = _row(header, cells)
                if parse is not None:
                    record = parse(_without_empty(record, empty))
            except (ValueError, csv.Error) as error:
                _refuse(error, number, on_error)
                continue
            yield record


def _check_decoded(cells: list[str], encoding: str) -> None:
    """That no byte was escaped (:pep:`383`)."""
    text = "".join(cells)
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        byte = ord(text[error.start]) & 0xFF
        raise ValueError(f"the byte 0x{byte:02x} is not {encoding} here") from None


def _row(header: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise csv.Error(f"{len(cells)} cells, and the header has {len(header)}")
    return dict(zip(header, cells))


def _without_empty(record: dict[str, str], nullable: dict[str, bool]) -> dict[str, str | None]:
    """The record, with what empty cells stand for."""
    values: dict[str, str | None] = {}
    for name, cell in record.items():
        if cell or name not in nullable:
            values[name] = cell
        elif nullable[name]:
            values[name] = None
    return values


def _validator(model: Any) -> Any:
    """What has `validate_json` and `validate_python` for the model."""
    if hasattr(model, "__pydantic_validator__"):
        return model.__pydantic_validator__
    if model in _adapters:
        return _adapters[model]
    try:
        from pydantic import TypeAdapter
    except ImportError as error:
        raise ImportError(
            "records are validated by pydantic, which is not there: add it to the dependencies"
        ) from error
    adapter = _adapters[model] = TypeAdapter(model)
    return adapter


def _begin(on_error: OnError | None) -> None:
    # `wadup.errors` makes its table also where nothing turns out to be wrong.
    enter = getattr(on_error, "__enter__", None)
    if enter is not None:
        enter()


def _refuse(error: Exception, number: int, on_error: OnError | None) -> None:
    if on_error is None:
        error.add_note(f"in line {number} of the input")
        raise error
    on_error(error, number)
