"""What ``guest/runtime`` is in the sandbox, for a Python outside of it: see :mod:`wadup.local`.

It refuses what the sandbox would refuse. Rows and sub-content stay in lists.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

_MAX_NAME = 128
_MAX_COLUMNS = 1999
_TYPES = {"Int64": "int", "Float64": "float", "String": "str"}
_HINTS = {
    "use Int64 for booleans: True is stored as 1, False as 0": "bool boolean",
    "use Int64 for whole numbers": "int integer int32 bigint int64 uint64 i64 long",
    "use Float64 for numbers with a fraction": (
        "float double real float32 float64 f64 number decimal"
    ),
    "use String for text": "str string text varchar utf8",
    "use String with value.isoformat(), or Int64 with a Unix timestamp": (
        "date datetime time timestamp"
    ),
    "use String with json.dumps(value)": "json dict list object array",
    "use String with value.hex()": "bytes blob binary",
}


class TableError(ValueError):
    """A table, column or row is not valid."""

    __module__ = "wadup"


class State:
    """What a program has done so far."""

    def __init__(self) -> None:
        self.processing = False
        #: By name: pairs of a column's name and its type.
        self.tables: dict[str, tuple[tuple[str, str], ...]] = {}
        self.rows: list[tuple[str, list[Any]]] = []
        self.subcontent: list[tuple[str, bytes]] = []
        self.hooks: list[Callable[[], object]] = []


state = State()


def processing() -> bool:
    """Whether there is an input: not while the entry module is imported."""
    return state.processing


def on_start(function: Any, /) -> Any:
    """Register a function without parameters that is called before ``main()``."""
    if not callable(function):
        raise TypeError(f"on_start needs a function, got {type(function).__name__}")
    state.hooks.append(function)
    return function


def flush() -> None:
    """Hand all rows over now: here, nothing."""


def emit_bytes(data: Any, filename: Any) -> None:
    """Hand over content that is to be processed like an input of its own, under this name."""
    if not state.processing:
        raise RuntimeError(
            "emit_bytes works in main(): there is no input while the module is imported"
        )
    if not isinstance(filename, str):
        raise TypeError(f"filename is a str, got {type(filename).__name__}")
    if not _is_utf8(filename):
        raise ValueError(
            "filename has a lone surrogate in it, which UTF-8 cannot hold: use "
            'filename.encode(errors="replace").decode()'
        )
    if not filename or "\0" in filename:
        raise ValueError("filename is empty or has a NUL character in it")
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(
            f"data is bytes or another bytes-like object, got {type(data).__name__}; "
            "use text.encode() for a str"
        ) from None
    if not view.c_contiguous:
        raise ValueError("emit_bytes needs contiguous bytes: use bytes(data)")
    state.subcontent.append((filename, bytes(view)))


# --- tables --------------------------------------------------------------------------------


def define_table(name: Any, columns: Any) -> None:
    """Define a table."""
    name = _name("a table's name", name)
    defined = tuple(_column(name, column) for column in _sequence("columns", columns))
    _check(name, defined)
    for other, before in state.tables.items():
        if other.lower() != name.lower():
            continue
        if (other, before) == (name, defined):
            return
        raise TableError(
            f"table `{other}` is defined already, as ({_signature(before)}); it cannot become "
            f"`{name}` ({_signature(defined)})"
        )
    state.tables[name] = defined


def _column(table: str, column: Any) -> tuple[str, str]:
    try:
        pair = _sequence("a column", column)
    except TypeError:
        pair = ()
    if len(pair) != 2:
        raise TypeError(
            f'table `{table}`: a column is a pair such as ("age", "Int64"), got {_shown(column)}'
        )
    name = _name("a column's name", pair[0])
    if not isinstance(pair[1], str):
        raise TypeError(
            f"table `{table}`, column `{name}`: a column type is one of the strings "
            f'"Int64", "Float64", "String", got {_shown(pair[1])}'
        )
    if pair[1] not in _TYPES:
        known = ", ".join(f"`{known}`" for known in _TYPES)
        hints = (f"; {hint}" for hint, names in _HINTS.items() if pair[1].lower() in names.split())
        raise TableError(
            f"table `{table}`, column `{name}`: unknown variant `{pair[1]}`, expected one of "
            f"{known}{next(hints, '')}"
        )
    return name, str(pair[1])


def _name(what: str, name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{what} is a str, got {_shown(name)}")
    if not _is_utf8(name):
        raise TableError(
            f"{what} has a lone surrogate in it, which UTF-8 cannot hold: {_shown(name)}"
        )
    return name


def _check(table: str, columns: tuple[tuple[str, str], ...]) -> None:
    _check_name("table", table)
    for prefix in ("_wadup", "sqlite_"):
        if table.lower().startswith(prefix):
            raise TableError(
                f"table names that start with `{prefix}` are reserved, got `{table}`"
            )
    if not columns:
        raise TableError(f"table `{table}` has no columns")
    if len(columns) > _MAX_COLUMNS:
        raise TableError(
            f"table `{table}` has {len(columns)} columns, more than the {_MAX_COLUMNS} allowed"
        )
    seen = set()
    for name, _ in columns:
        _check_name("column", name)
        if name.lower() == "input_id":
            raise TableError(
                f"table `{table}`: the column `input_id` is added to every table by wadup"
            )
        # Upper and lower case are the same for ASCII only.
        folded = "".join(letter.lower() if letter.isascii() else letter for letter in name)
        if folded in seen:
            raise TableError(
                f"table `{table}` has two columns `{name}` (upper and lower case do not count)"
            )
        seen.add(folded)


def _check_name(what: str, name: str) -> None:
    if not name:
        raise TableError(f"a {what} needs a name, got an empty one")
    if len(name) > _MAX_NAME:
        raise TableError(
            f"the name of {what} `{name[:32]}…` has {len(name)} characters, more than the "
            f"{_MAX_NAME} allowed"
        )
    if any(letter < " " or "\x7f" <= letter < "\xa0" for letter in name):
        raise TableError(f"the name of {what} {name!r} has a control character in it")


def _signature(columns: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{name} {data_type}" for name, data_type in columns)


# --- rows ----------------------------------------------------------------------------------


def insert_row(table: Any, values: Any) -> None:
    """Add a row: one value for each column, in the order of the columns. None is NULL."""
    columns = _columns(table)
    values = _sequence("values", values)
    if len(values) != len(columns):
        raise _wrong_number(table, columns, len(values))
    row = [_value(table, column, value) for column, value in zip(columns, values)]
    state.rows.append((table, row))


class Table:
    """A table whose rows are instances of one class: :func:`wadup.table` makes it."""

    __module__ = "wadup"
    __slots__ = ("_columns", "_fields", "_model", "_name")

    def __init__(self, name: str, model: type | None, fields: list[tuple[Any, ...]], /) -> None:
        self._name = name
        self._columns = _columns(name)
        self._model = model
        self._fields = fields
        if _count(fields) != len(self._columns):
            raise _wrong_number(name, self._columns, _count(fields))

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The columns, as pairs of a name and a type."""
        return self._columns

    def insert(self, record: Any) -> None:
        """Add a row."""
        row: list[Any] = []
        self._add(row, self._model, self._fields, record)
        state.rows.append((self._name, row))

    def insert_many(self, records: Any) -> int:
        """Add a row for each record, and return how many."""
        count = 0
        for record in records:
            self.insert(record)
            count += 1
        return count

    def __repr__(self) -> str:
        return f"<wadup.Table `{self._name}`>"

    def __class_getitem__(cls, model: Any) -> type["Table"]:
        return cls

    def _add(
        self, row: list[Any], model: type | None, fields: list[tuple[Any, ...]], record: Any
    ) -> None:
        if not isinstance(record, dict if model is None else model):
            expected = "dict" if model is None else model.__name__
            raise TypeError(
                f"table `{self._name}`: expected {expected}, got {type(record).__name__}"
            )
        for name, _, third, fourth in fields:
            value = record.get(name) if model is None else getattr(record, name)
            if isinstance(fourth, list):
                if value is None:
                    row.extend([None] * _count(fourth))
                else:
                    self._add(row, third, fourth, value)
            else:
                row.append(_converted(self._name, self._columns[len(row)], third, fourth, value))


def _count(fields: list[tuple[Any, ...]]) -> int:
    return sum(_count(fourth) if isinstance(fourth, list) else 1 for *_, fourth in fields)


def _columns(table: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(table, str):
        raise TypeError(f"a table's name is a str, got {type(table).__name__}")
    if table in state.tables:
        return state.tables[table]
    names = [f"`{name}`" for name in sorted(state.tables)]
    if not names:
        raise TableError(f"table `{table}` is not defined: call wadup.define_table first")
    if len(names) > 10:
        names[10:] = [f"and {len(names) - 10} more"]
    raise TableError(f"table `{table}` is not defined; defined: {', '.join(names)}")


def _wrong_number(table: str, columns: tuple[tuple[str, str], ...], got: int) -> TableError:
    names = ", ".join(name for name, _ in columns)
    return TableError(f"table `{table}` takes {len(columns)} values ({names}), got {got}")


_OF_TYPE: dict[str, Any] = {"Int64": int, "Float64": (float, int), "String": str}


def _converted(table: str, column: tuple[str, str], convert: Any, always: bool, value: Any) -> Any:
    if convert is not None and value is not None:
        if always or not isinstance(value, _OF_TYPE[column[1]]):
            try:
                value = getattr(value, convert)() if isinstance(convert, str) else convert(value)
            except AttributeError:
                pass
            except (ValueError, TypeError) as error:
                raise TableError(f"table `{table}`, column `{column[0]}`: {error}") from error
    return _value(table, column, value)


def _value(table: str, column: tuple[str, str], value: Any) -> Any:
    name, data_type = column
    if value is None:
        return None
    place = f"table `{table}`, column `{name}`"
    if data_type == "Int64" and hasattr(type(value), "__index__"):
        number = operator.index(value)
        if not -(2**63) <= number < 2**63:
            raise TableError(
                f"{place}: the value does not fit 64 bits: Int64 is from -2**63 to 2**63 - 1"
            )
        return int(number)
    if data_type == "Float64" and isinstance(value, (float, int)) and not isinstance(value, bool):
        return _float(place, value)
    if data_type == "String" and isinstance(value, str):
        return _string(place, value)
    hint = _hint(data_type, type(value).__name__)
    raise TypeError(
        f"{place}: expected {data_type} ({_TYPES[data_type]} or None), got "
        f"{type(value).__name__}{hint}"
    )


def _float(place: str, value: float) -> float:
    if isinstance(value, int):
        try:
            exact = float(value) == value
        except OverflowError:
            exact = False
        if not exact:
            raise TableError(
                f"{place}: the value cannot be a Float64 without losing digits: use float(value) "
                "if that is meant"
            )
    number = float.__float__(value) if isinstance(value, float) else float(value)
    if math.isnan(number):
        raise TableError(f"{place}: the value is NaN, which cannot be stored: use None")
    if math.isinf(number):
        raise TableError(f"{place}: the value is infinite, which cannot be stored: use None")
    return number


def _string(place: str, value: str) -> str:
    if not _is_utf8(value):
        raise TableError(
            f"{place}: the value has a lone surrogate in it, which UTF-8 cannot hold: use "
            'value.encode(errors="replace").decode()'
        )
    if "\0" in value:
        raise TableError(
            f'{place}: the value has a NUL character in it: use value.replace("\\0", "")'
        )
    # Of an enumeration, say, the text that it is.
    return str.__str__(value)


def _hint(data_type: str, got: str) -> str:
    hint = {
        ("Int64", "float"): "use int(value) or a Float64 column",
        ("Int64", "str"): "use int(value) or a String column",
        ("Float64", "str"): "use float(value)",
        ("Float64", "Decimal"): "use float(value)",
        ("Float64", "Fraction"): "use float(value)",
        ("Float64", "bool"): "use an Int64 column",
        ("String", "date"): "use value.isoformat()",
        ("String", "datetime"): "use value.isoformat()",
        ("String", "time"): "use value.isoformat()",
        ("String", "dict"): "use json.dumps(value)",
        ("String", "list"): "use json.dumps(value)",
        ("String", "tuple"): "use json.dumps(value)",
        ("String", "bytes"): "use value.decode() or value.hex()",
        ("String", "bytearray"): "use value.decode() or value.hex()",
    }.get((data_type, got), "use str(value)" if data_type == "String" else "")
    return hint and f"; {hint}"


# --- what is given -------------------------------------------------------------------------


def _sequence(what: str, values: Any) -> tuple[Any, ...]:
    unordered = (str, bytes, bytearray, dict, set, frozenset)
    if isinstance(values, unordered) or not _is_iterable(values):
        raise TypeError(f"{what}: expected a list or tuple, got {type(values).__name__}")
    return tuple(values)


def _is_iterable(values: Any) -> bool:
    try:
        iter(values)
    except TypeError:
        return False
    return True


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "…"
