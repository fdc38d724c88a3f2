"""The native half of the package, built into the interpreter (``guest/runtime``); outside of the
sandbox, ``_native.py`` is what it is."""

from collections.abc import Buffer, Callable, Iterable
from typing import Any, Generic, Literal, TypeVar, final

_Function = TypeVar("_Function", bound=Callable[[], object])
_Model = TypeVar("_Model")

class TableError(ValueError):
    """A table, column or row is not valid."""

@final
class Table(Generic[_Model]):
    """A table whose rows are instances of one class: :func:`wadup.table` makes it."""

    def __init__(self, name: str, model: type | None, fields: list[tuple[Any, ...]], /) -> None: ...
    @property
    def name(self) -> str:
        """The name."""
    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The columns, as pairs of a name and a type."""
    def insert(self, record: _Model) -> None:
        """Add a row."""
    def insert_many(self, records: Iterable[_Model]) -> int:
        """Add a row for each record, and return how many. If one is refused, those before it
        have been inserted."""

def define_table(
    name: str,
    columns: Iterable[tuple[str, Literal["Int64", "Float64", "String"]]],
) -> None:
    """Define a table. Defining the same table again changes nothing; with other columns it
    is a :class:`TableError`."""

def insert_row(table: str, values: Iterable[int | float | str | None]) -> None:
    """Add a row: one value for each column, in the order of the columns. None is NULL."""

def flush() -> None:
    """Hand all rows over to the host now. It happens by itself when there are many, and when
    ``main()`` returns. While the module is imported, rows wait for ``main()``."""

def emit_bytes(data: Buffer, filename: str) -> None:
    """Hand over content that is to be processed like an input of its own, under this name.
    It counts if this input completes."""

def on_start(function: _Function, /) -> _Function:
    """Register a function without parameters that is called before ``main()``, once in every
    sandbox. Functions are called in the order in which they were registered."""

def processing() -> bool:
    """Whether there is an input: not while the entry module is imported."""
