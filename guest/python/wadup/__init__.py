"""Turn an input file into rows of SQL tables, from inside a wadup sandbox.

The entry module of a project has a function ``main()`` that is called once for every input::

    import wadup
    from pydantic import BaseModel

    class User(BaseModel):
        name: str
        age: int

    users = wadup.table(User, name="users")

    def main():
        users.insert_many(wadup.input.jsonl(User))

Rows count when ``main()`` returns or calls ``sys.exit(0)``; an exception drops them and is
recorded as the outcome of the input. What is wrong is raised by the call that is wrong:
:class:`TypeError` for a value of the wrong Python type, :class:`TableError` (a
:class:`ValueError`) for everything else about tables and rows.

=========== ============================================================================
Column type Takes
=========== ============================================================================
``Int64``   ``int`` from -2**63 to 2**63 - 1, ``bool`` (as 0 or 1), ``None``
``Float64`` finite ``float``, an ``int`` that a float holds exactly, ``None``
``String``  ``str`` without NUL and lone surrogates, ``None``
=========== ============================================================================

The entry module is imported once, when the artifact is built, and every sandbox starts from
the state after that. What differs between sandboxes belongs into ``main()`` or into a function
registered with :func:`on_start`: while the module is imported there is no input, and the time
is not that of the run. Tables may be defined then, and rows inserted: every input delivers
them. Random generators are seeded anew in every sandbox, unless the module has given them a
seed. Files that were opened have to be closed again, but for those of the project and its
packages.

``main()`` may be a coroutine function; there are no threads, sockets or processes.
"""

from ._input import Input
from ._native import (
    Table,
    TableError,
    define_table,
    emit_bytes,
    flush,
    insert_row,
    on_start,
)

# Type checkers know better, by this name; `typing` is not imported for it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._errors import errors
    from ._tables import table

__all__ = [
    "Input",
    "Table",
    "TableError",
    "define_table",
    "emit_bytes",
    "errors",
    "flush",
    "input",
    "insert_row",
    "on_start",
    "table",
]

__version__ = "0.1.0"

#: The input that is being processed.
input = Input()


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # Not every program needs them, and what is imported is in every artifact's snapshot.
        found: object
        if name == "table":
            from ._tables import table as found
        elif name == "errors":
            from ._errors import errors as found
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
